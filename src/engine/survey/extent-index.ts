// What every byte of a disk is, as runs of one class, merged: no two neighbours have the same class.
// The whole disk is always covered; it starts as one run of `unknown`.
//
// Layout: the runs stand in order in chunks of up to 512 (run-chunk.ts), the chunks in one array. Replacing
// a range finds its two ends by binary search and touches the chunks of that range alone, so that a change
// costs about the same with a thousand runs as with a million. Looking up by row number needs the count
// of runs before each chunk; those sums are made when they are first asked for after a change.
//
// A visitor or an iteration must not outlive a change of the index. No limit is kept here: whoever
// fills the index from outside bounds `count`.

import { assert } from '../base/assert'
import { PlatterError } from '../base/errors'
import type { ByteRange } from '../base/ranges'
import type { ExtentList } from '../disk/extents'
import type { Runs } from './run-chunk'
import {
  CHUNK_RUNS,
  cutIntoChunks,
  lowerBound,
  makeRuns,
  pushRun,
  pushRuns,
  spliceChunk,
  upperBound,
} from './run-chunk'
import type { ClassTotals, RunClass, RunKind } from './run-class'
import { className, kindOfFlags, noTotals, RUN_CLASSES, UNKNOWN } from './run-class'

/** A chunk that falls below this joins its neighbour. */
const LEAST_RUNS = CHUNK_RUNS / 8

export interface ExtentRun extends ByteRange {
  readonly type: RunClass
}

export class ExtentIndex {
  readonly size: number
  #chunks: Runs[] = []
  #count = 0
  /** Entry i: how many runs stand before chunk i. */
  #ranks: Float64Array | undefined

  constructor(size: number) {
    assert(Number.isSafeInteger(size) && size >= 0, `an index of ${size} bytes`)
    this.size = size
    if (size === 0) return
    const chunk = makeRuns(CHUNK_RUNS)
    pushRun(chunk, 0, UNKNOWN)
    this.#chunks.push(chunk)
    this.#count = 1
  }

  /** How many runs cover the disk. */
  get count(): number {
    return this.#count
  }

  /** The range that the list covers holds what the list says. */
  replace(list: ExtentList): void {
    if (list.end === list.offset) return
    this.#replace(list.offset, list.end, (room) => {
      const runs = makeRuns(list.count + room)
      let at = list.offset
      for (let i = 0; i < list.count; i++) {
        const kind = kindOfFlags(list.flags[i] as number)
        if (runs.count === 0 || runs.kinds[runs.count - 1] !== kind) pushRun(runs, at, kind)
        at += list.lengths[i] as number
      }
      return runs
    })
  }

  /** Nobody knows any more what the range holds. */
  forget(offset: number, length: number): void {
    if (length === 0) return
    this.#replace(offset, offset + length, (room) => {
      const runs = makeRuns(1 + room)
      pushRun(runs, offset, UNKNOWN)
      return runs
    })
  }

  /** Runs by their number, the first is 0; fewer where the index ends. */
  rows(first: number, count: number): ExtentRun[] {
    const rows: ExtentRun[] = []
    const from = Math.max(0, Math.floor(first))
    const end = Math.min(this.#count, from + count)
    if (from >= end) return rows
    const ranks = this.#ranked()
    let chunk = lastAtOrBelow(ranks, this.#chunks.length, from)
    let slot = from - (ranks[chunk] as number)
    while (rows.length < end - from) {
      if (slot === this.#chunk(chunk).count) {
        chunk++
        slot = 0
      }
      rows.push(this.#run(chunk, slot))
      slot++
    }
    return rows
  }

  /** Number of the run that holds `offset`. */
  indexAt(offset: number): number {
    this.#check(offset)
    const chunk = this.#chunkAt(offset)
    return (this.#ranked()[chunk] as number) + upperBound(this.#chunk(chunk), offset) - 1
  }

  /** The whole run that holds `offset`. */
  runAt(offset: number): ExtentRun {
    this.#check(offset)
    const chunk = this.#chunkAt(offset)
    return this.#run(chunk, upperBound(this.#chunk(chunk), offset) - 1)
  }

  /** Where the nearest run starts after `offset`, or before it; `undefined` when none does. */
  nextBoundary(offset: number, backwards = false): number | undefined {
    if (this.size === 0) return undefined
    if (backwards) {
      if (offset <= 0) return undefined
      return this.runAt(Math.min(this.size, Math.ceil(offset)) - 1).offset
    }
    if (offset < 0) return 0
    if (offset >= this.size) return undefined
    const run = this.runAt(offset)
    const end = run.offset + run.length
    return end < this.size ? end : undefined
  }

  /** Exact bytes for each class between two offsets; what lies outside the disk counts nowhere. */
  totalsIn(offset: number, length: number): ClassTotals {
    const totals = noTotals()
    this.visit(offset, offset + length, (from, to, kind) => {
      totals[RUN_CLASSES[kind] as RunClass] += to - from
    })
    return totals
  }

  /** Every run of the range in order, clipped to it. */
  visit(
    from: number,
    to: number,
    visitor: (from: number, to: number, kind: RunKind) => void,
  ): void {
    const end = Math.min(to, this.size)
    let at = Math.max(0, from)
    if (at >= end) return
    let chunkIndex = this.#chunkAt(at)
    let chunk = this.#chunk(chunkIndex)
    let slot = upperBound(chunk, at) - 1
    while (at < end) {
      const kind = chunk.kinds[slot] as RunKind
      slot++
      if (slot === chunk.count && chunkIndex + 1 < this.#chunks.length) {
        chunkIndex++
        chunk = this.#chunk(chunkIndex)
        slot = 0
      }
      const next = slot < chunk.count ? Math.min(end, chunk.starts[slot] as number) : end
      visitor(at, next, kind)
      at = next
    }
  }

  /** Every run of the range in order, clipped to it. */
  *runs(offset = 0, length: number = this.size - offset): Generator<ExtentRun> {
    const end = Math.min(this.size, offset + length)
    for (let at = offset; at < end; ) {
      const run = this.runAt(at)
      const next = Math.min(end, run.offset + run.length)
      yield { offset: at, length: next - at, type: run.type }
      at = next
    }
  }

  /**
   * Takes out every entry that starts from `from` to `to` inclusive and puts in the new runs, less the
   * first when it goes on with the class before it, plus one at `to` when the class changes there.
   */
  #replace(from: number, to: number, makeAdded: (room: number) => Runs): void {
    assert(from >= 0 && to <= this.size && from < to, `replacing ${from} to ${to} of ${this.size}`)
    const added = makeAdded(1)
    const firstChunk = this.#chunkAt(from)
    const lastChunk = this.#chunkAt(to)
    const firstSlot = lowerBound(this.#chunk(firstChunk), from)
    const endSlot = upperBound(this.#chunk(lastChunk), to)
    if (to < this.size) {
      const after = this.#chunk(lastChunk).kinds[endSlot - 1] as RunKind
      if (after !== added.kinds[added.count - 1]) pushRun(added, to, after)
    }
    const goesOn = added.kinds[0] === this.#kindBefore(firstChunk, firstSlot)
    this.#splice(firstChunk, firstSlot, lastChunk, endSlot, added, goesOn ? 1 : 0)
  }

  #kindBefore(chunk: number, slot: number): RunKind | undefined {
    if (slot > 0) return this.#chunk(chunk).kinds[slot - 1]
    if (chunk === 0) return undefined
    const previous = this.#chunk(chunk - 1)
    return previous.kinds[previous.count - 1]
  }

  #splice(
    firstChunk: number,
    firstSlot: number,
    lastChunk: number,
    endSlot: number,
    added: Runs,
    skip: number,
  ): void {
    const head = this.#chunk(firstChunk)
    const tail = this.#chunk(lastChunk)
    const total = firstSlot + added.count - skip + (tail.count - endSlot)
    let before = 0
    for (let i = firstChunk; i <= lastChunk; i++) before += this.#chunk(i).count
    this.#count += total - before
    this.#ranks = undefined
    const roomy = total >= LEAST_RUNS || this.#chunks.length === 1
    if (firstChunk === lastChunk && total <= CHUNK_RUNS && roomy) {
      spliceChunk(head, firstSlot, endSlot, added, skip)
      return
    }
    const joined = makeRuns(total + 2 * CHUNK_RUNS)
    let first = firstChunk
    let last = lastChunk
    if (total < LEAST_RUNS && first > 0) {
      first--
      pushRuns(joined, this.#chunk(first), 0, this.#chunk(first).count)
    }
    pushRuns(joined, head, 0, firstSlot)
    pushRuns(joined, added, skip, added.count)
    pushRuns(joined, tail, endSlot, tail.count)
    if (joined.count < LEAST_RUNS && last + 1 < this.#chunks.length) {
      last++
      pushRuns(joined, this.#chunk(last), 0, this.#chunk(last).count)
    }
    const chunks = cutIntoChunks(joined)
    this.#chunks = [...this.#chunks.slice(0, first), ...chunks, ...this.#chunks.slice(last + 1)]
  }

  /** The chunk whose runs reach over `offset`; the last one for the end of the disk. */
  #chunkAt(offset: number): number {
    let low = 0
    let high = this.#chunks.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#chunk(middle).starts[0] as number) <= offset) low = middle
      else high = middle
    }
    return low
  }

  #chunk(index: number): Runs {
    return this.#chunks[index] as Runs
  }

  #run(chunkIndex: number, slot: number): ExtentRun {
    const chunk = this.#chunk(chunkIndex)
    const offset = chunk.starts[slot] as number
    const next =
      slot + 1 < chunk.count
        ? (chunk.starts[slot + 1] as number)
        : (this.#chunks[chunkIndex + 1]?.starts[0] ?? this.size)
    return { offset, length: next - offset, type: className(chunk.kinds[slot] as RunKind) }
  }

  #ranked(): Float64Array {
    if (this.#ranks !== undefined) return this.#ranks
    const ranks = new Float64Array(this.#chunks.length)
    let before = 0
    for (let i = 0; i < ranks.length; i++) {
      ranks[i] = before
      before += this.#chunk(i).count
    }
    this.#ranks = ranks
    return ranks
  }

  #check(offset: number): void {
    if (offset >= 0 && offset < this.size) return
    throw new PlatterError(
      'OUT_OF_RANGE',
      `extents: offset ${offset} is outside the disk of ${this.size} bytes`,
      { data: { offset, size: this.size } },
    )
  }
}

/** The last of the first `count` ascending values that is not above `value`. */
function lastAtOrBelow(values: Float64Array, count: number, value: number): number {
  let low = 0
  let high = count
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if ((values[middle] as number) <= value) low = middle
    else high = middle
  }
  return low
}
