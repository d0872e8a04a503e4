// Ranges as they come in from writes, joined, with a limit on how many are kept: past it the nearest
// ones are joined over the gap between them, so that a storm of writes costs a bounded event.

import { type ByteRange, endOf, joinRanges } from '../engine/base/ranges'

/** Between two compactions at most this many times the limit are held. */
const SLACK = 8

export class RangeCollector {
  readonly #limit: number
  #ranges: ByteRange[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  add(range: ByteRange): void {
    if (range.length === 0) return
    const last = this.#ranges.at(-1)
    if (last !== undefined && range.offset >= last.offset && range.offset <= endOf(last)) {
      const end = Math.max(endOf(last), endOf(range))
      this.#ranges[this.#ranges.length - 1] = { offset: last.offset, length: end - last.offset }
      return
    }
    this.#ranges.push(range)
    if (this.#ranges.length > this.#limit * SLACK) this.#compact()
  }

  /** What has come in since the last take: sorted, disjoint, no more than the limit. */
  take(): ByteRange[] {
    this.#compact()
    const taken = this.#ranges
    this.#ranges = []
    return taken
  }

  #compact(): void {
    let joined = joinRanges(this.#ranges)
    if (joined.length > this.#limit) {
      const gaps = joined.slice(1).map((range, i) => range.offset - endOf(joined[i] as ByteRange))
      const bridged = [...gaps].sort((a, b) => a - b)[joined.length - this.#limit - 1] as number
      joined = bridgeGaps(joined, bridged)
    }
    this.#ranges = joined
  }
}

function bridgeGaps(ranges: readonly ByteRange[], widest: number): ByteRange[] {
  const result: ByteRange[] = []
  for (const range of ranges) {
    const last = result.at(-1)
    if (last !== undefined && range.offset - endOf(last) <= widest) {
      result[result.length - 1] = { offset: last.offset, length: endOf(range) - last.offset }
    } else result.push(range)
  }
  return result
}
