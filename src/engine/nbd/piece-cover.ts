// Which bytes of a read have come. Servers may send the pieces in any order but none twice; nearly all
// send them in order, which costs one comparison a piece.

import { MAX_READ_PIECES } from './limits'

export class PieceCover {
  readonly #offset: number
  readonly #length: number
  /** Starts and ends of what has come, ascending, never touching. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  #received = 0

  constructor(offset: number, length: number) {
    this.#offset = offset
    this.#length = length
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
    const at = this.#indexAfter(offset)
    const before = at > 0 ? (this.#ends[at - 1] as number) : -1
    const after = at < this.#starts.length ? (this.#starts[at] as number) : Number.POSITIVE_INFINITY
    if (before > offset || after < end) return `${length} bytes at ${offset}, some of them twice`
    this.#received += length
    if (before === offset && after === end) {
      this.#ends.splice(at - 1, 1)
      this.#starts.splice(at, 1)
    } else if (before === offset) this.#ends[at - 1] = end
    else if (after === end) this.#starts[at] = offset
    else if (this.#starts.length >= MAX_READ_PIECES + this.#length / 512) {
      return `the read in more than ${this.#starts.length} pieces`
    } else {
      this.#starts.splice(at, 0, offset)
      this.#ends.splice(at, 0, end)
    }
    return undefined
  }

  /** Index of the first piece that starts after `offset`. */
  #indexAfter(offset: number): number {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] as number) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
