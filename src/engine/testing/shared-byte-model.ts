// An array of bytes that several users change and read at the same time, their calls overlapping in any
// way. A byte has a few candidates: values that it may have by now, each with the change it comes from.
//
// - A change adds its value when it begins. When it ends, it drops the values of all changes that had
//   ended before it began; those that ran beside it stay, since either may have come last.
// - A weak change (a trim) may have happened or not, byte by byte: it adds its value and drops none.
// - A read may return any candidate there was at some moment between its beginning and its end.
// - A byte that nothing changed while it was read has from then on the value that the read returned.

import { assert } from '../base/assert'
import { type ByteRange, endOf, intersect } from '../base/ranges'

/** Candidates of one byte; a change that would be one more has to wait (hasRoom). */
const MOST = 6
/** The change that all others come after. */
const PAST = 0

export interface ModelChange extends ByteRange {
  readonly id: number
  /** Zeroes when there is none. */
  readonly bytes: Uint8Array | undefined
  readonly isWeak: boolean
  readonly begun: number
}

export interface Observation extends ByteRange {
  readonly counts: Uint8Array
  readonly values: readonly Uint8Array[]
  /** Changes that were under way at some moment of it. */
  readonly beside: ModelChange[]
}

const valueAt = ({ offset, bytes }: ModelChange, at: number): number =>
  bytes === undefined ? 0 : (bytes[at - offset] as number)

export class SharedByteModel {
  readonly size: number
  readonly #counts: Uint8Array
  readonly #values: readonly Uint8Array[]
  readonly #origins: readonly Int32Array[]
  /** Moment of its end, by the id of a change; Infinity until then. */
  readonly #ended: number[] = [0]
  readonly #changes = new Set<ModelChange>()
  readonly #observations = new Set<Observation>()
  #now = 0

  constructor(content: Uint8Array) {
    this.size = content.length
    this.#counts = new Uint8Array(this.size).fill(1)
    const slots = Array.from({ length: MOST })
    this.#values = slots.map((_, i) => (i === 0 ? content.slice() : new Uint8Array(this.size)))
    this.#origins = slots.map(() => new Int32Array(this.size))
  }

  /** False: some byte of the range has as many candidates as can be kept. */
  hasRoom({ offset, length }: ByteRange): boolean {
    for (let at = offset; at < offset + length; at++) {
      if ((this.#counts[at] as number) >= MOST) return false
    }
    return true
  }

  /** Bytes of the range that may be more than one value. */
  openBytes({ offset, length }: ByteRange): number {
    const counts = this.#counts.subarray(offset, offset + length)
    return counts.reduce((sum, count) => sum + (count > 1 ? 1 : 0), 0)
  }

  begin(range: ByteRange, bytes: Uint8Array | undefined, isWeak = false): ModelChange {
    assert(this.hasRoom(range), 'too many changes of one byte')
    const id = this.#ended.push(Number.POSITIVE_INFINITY) - 1
    const { offset, length } = range
    const change: ModelChange = { offset, length, id, bytes, isWeak, begun: ++this.#now }
    for (let at = offset; at < endOf(range); at++) {
      const count = this.#counts[at] as number
      ;(this.#values[count] as Uint8Array)[at] = valueAt(change, at)
      ;(this.#origins[count] as Int32Array)[at] = id
      this.#counts[at] = count + 1
    }
    this.#changes.add(change)
    for (const seen of this.#observations) {
      if (intersect(seen, change) !== undefined) seen.beside.push(change)
    }
    return change
  }

  end(change: ModelChange): void {
    this.#changes.delete(change)
    this.#ended[change.id] = ++this.#now
    if (change.isWeak) return
    for (let at = change.offset; at < endOf(change); at++) {
      let kept = 0
      for (let slot = 0; slot < (this.#counts[at] as number); slot++) {
        const origin = (this.#origins[slot] as Int32Array)[at] as number
        if ((this.#ended[origin] as number) < change.begun) continue
        ;(this.#origins[kept] as Int32Array)[at] = origin
        const value = (this.#values[slot] as Uint8Array)[at] as number
        ;(this.#values[kept] as Uint8Array)[at] = value
        kept++
      }
      this.#counts[at] = kept
    }
  }

  /** A read, or a question, begins. It has to be ended, whatever came of it. */
  observe(range: ByteRange): Observation {
    const { offset, length } = range
    const observation = {
      offset,
      length,
      counts: this.#counts.slice(offset, offset + length),
      values: this.#values.map((values) => values.slice(offset, offset + length)),
      beside: [...this.#changes].filter((change) => intersect(change, range) !== undefined),
    }
    this.#observations.add(observation)
    return observation
  }

  endObservation(observation: Observation): void {
    this.#observations.delete(observation)
  }

  /**
   * Before the observation ends: what is wrong with `actual` as the contents from `offset` on, somewhere
   * in the range; `undefined` when nothing is. What is right and was not open is certain from now on.
   */
  mismatch(seen: Observation, actual: Uint8Array, offset: number): string | undefined {
    const end = offset + actual.length
    const beside = seen.beside.filter((change) => change.offset < end && endOf(change) > offset)
    const edges = beside.flatMap((change) => [change.offset, endOf(change)])
    const inner = edges.filter((at) => at > offset && at < end).sort((a, b) => a - b)
    let from = offset
    for (const to of [...inner, end]) {
      const meeting = beside.filter((change) => change.offset <= from && endOf(change) >= to)
      const value = (at: number) => actual[at - offset] as number
      for (let at = from; at < to; at++) {
        const wrong = this.#mismatchAt(seen, at, value(at), meeting)
        if (wrong !== undefined) return wrong
      }
      from = to
    }
    return undefined
  }

  #mismatchAt(
    seen: Observation,
    at: number,
    value: number,
    meeting: readonly ModelChange[],
  ): string | undefined {
    const count = this.#counts[at] as number
    let isKnown = false
    for (let slot = 0; slot < count && !isKnown; slot++) {
      isKnown = (this.#values[slot] as Uint8Array)[at] === value
    }
    if (meeting.length === 0) {
      if (!isKnown) return describe(at, value, this.#candidates(at))
      if (count > 1) this.#settle(at, value)
      return undefined
    }
    // What is a candidate now was one at some moment of the observation, too.
    if (isKnown) return undefined
    const allowed = seenAt(seen, at, meeting)
    return allowed.includes(value) ? undefined : describe(at, value, allowed)
  }

  #settle(at: number, value: number): void {
    this.#counts[at] = 1
    ;(this.#values[0] as Uint8Array)[at] = value
    ;(this.#origins[0] as Int32Array)[at] = PAST
  }

  #candidates(at: number): number[] {
    return this.#values.slice(0, this.#counts[at]).map((values) => values[at] as number)
  }
}

const describe = (at: number, value: number, allowed: readonly number[]): string =>
  `byte ${at} is ${value}, not ${allowed.join(' or ')}`

function seenAt(seen: Observation, at: number, beside: readonly ModelChange[]): number[] {
  const i = at - seen.offset
  const before = seen.values.slice(0, seen.counts[i]).map((values) => values[i] as number)
  return [...before, ...beside.map((change) => valueAt(change, at))]
}
