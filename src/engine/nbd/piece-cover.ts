// Which bytes of a read have come. Servers may send the pieces in any order but none twice; nearly all
// send them in order, which costs one comparison a piece.

import { MAX_READ_PIECES } from './limits'

export class PieceCover {
  readonly #offset: number
  readonly #length: number
  /** While all came in order: where the next piece begins. */
  #next: number
  /** Otherwise: starts and ends of what has come, ascending, never touching. */
  #starts: number[] | undefined
  #ends: number[] = []
  #received = 0

  constructor(offset: number, length: number) {
    this.#offset = offset
    this.#length = length
    this.#next = offset
  }

  get missing(): number {
    return this.#length - this.#received
  }

  /** Counts a piece as received; a text says why it cannot be. */
  add(offset: number, length: number): string | undefined {
    const end = offset + length
    if (offset < this.#offset || end > this.#offset + this.#length) {
      return `${length} bytes at ${offset}, outside the request`
    }
    if (this.#starts === undefined && offset === this.#next) {
      this.#next = end
      this.#received += length
      return undefined
    }
    return this.#addAnywhere(offset, length)
  }

  #addAnywhere(offset: number, length: number): string | undefined {
    if (this.#starts === undefined) {
      this.#starts = this.#received === 0 ? [] : [this.#offset]
      this.#ends = this.#received === 0 ? [] : [this.#next]
    }
    const [starts, ends, end] = [this.#starts, this.#ends, offset + length]
    const at = indexAfter(starts, offset)
    const before = at > 0 ? (ends[at - 1] as number) : -1
    const after = at < starts.length ? (starts[at] as number) : Number.POSITIVE_INFINITY
    if (before > offset || after < end) return `${length} bytes at ${offset}, some of them twice`
    this.#received += length
    if (before === offset && after === end) {
      ends.splice(at - 1, 1)
      starts.splice(at, 1)
    } else if (before === offset) ends[at - 1] = end
    else if (after === end) starts[at] = offset
    else if (starts.length >= MAX_READ_PIECES + this.#length / 512) {
      return `the read in more than ${starts.length} pieces`
    } else {
      starts.splice(at, 0, offset)
      ends.splice(at, 0, end)
    }
    return undefined
  }
}

/** Index of the first piece that starts after `offset`. */
function indexAfter(starts: readonly number[], offset: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] as number) <= offset) low = middle + 1
    else high = middle
  }
  return low
}
