// Who wrote where last: disjoint ranges in order, each with an origin and a time. It only feeds the
// staged list's last two columns; what is staged is the overlay's own knowledge. Bounded: past
// MAX_ENTRIES the oldest half is forgotten and reads as `earlier`.

import { type ByteRange, endOf } from '../engine/base/ranges'

export interface Origin {
  readonly origin: string
  /** Milliseconds since 1970, to the second, so that neighbouring writes join. */
  readonly time: number
}

interface Entry extends Origin {
  readonly offset: number
  readonly end: number
}

const MAX_ENTRIES = 50_000
export const EARLIER: Origin = { origin: 'earlier', time: 0 }

export class OriginLog {
  #entries: Entry[] = []

  note(range: ByteRange, origin: string, time: number): void {
    if (range.length === 0) return
    const end = endOf(range)
    let from = this.#firstEndingAfter(range.offset)
    let to = from
    while (to < this.#entries.length && (this.#entries[to] as Entry).offset < end) to++
    const overlapped = this.#entries.slice(from, to)
    const pieces: Entry[] = []
    const first = overlapped[0]
    if (first !== undefined && first.offset < range.offset) {
      pieces.push({ ...first, end: range.offset })
    } else if (from > 0) pieces.push(this.#entries[--from] as Entry)
    pieces.push({ offset: range.offset, end, origin, time: time - (time % 1000) })
    const last = overlapped.at(-1)
    if (last !== undefined && last.end > end) pieces.push({ ...last, offset: end })
    else if (to < this.#entries.length) pieces.push(this.#entries[to++] as Entry)
    this.#entries.splice(from, to - from, ...joinTouching(pieces))
    this.#forget()
  }

  /** The latest origin in the range, and every distinct one in it, latest first. */
  within(range: ByteRange): { readonly latest: Origin; readonly names: readonly string[] } {
    let latest = EARLIER
    const names = new Map<string, number>()
    for (let i = this.#firstEndingAfter(range.offset); i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Entry
      if (entry.offset >= endOf(range)) break
      if (entry.time >= latest.time) latest = entry
      names.set(entry.origin, Math.max(entry.time, names.get(entry.origin) ?? 0))
    }
    const sorted = [...names].sort((a, b) => b[1] - a[1]).map(([name]) => name)
    return { latest, names: sorted.length > 0 ? sorted : [EARLIER.origin] }
  }

  #firstEndingAfter(offset: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle] as Entry).end > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  #forget(): void {
    if (this.#entries.length <= MAX_ENTRIES) return
    const times = this.#entries.map((entry) => entry.time).sort((a, b) => a - b)
    const middle = times[times.length >>> 1] as number
    const newer = this.#entries.filter((entry) => entry.time > middle)
    this.#entries = newer.length > 0 ? newer : this.#entries.slice(-MAX_ENTRIES / 2)
  }
}

function joinTouching(entries: readonly Entry[]): Entry[] {
  const joined: Entry[] = []
  for (const entry of entries) {
    const last = joined.at(-1)
    const same =
      last?.end === entry.offset && last.origin === entry.origin && last.time === entry.time
    if (last !== undefined && same) joined[joined.length - 1] = { ...last, end: entry.end }
    else joined.push(entry)
  }
  return joined
}
