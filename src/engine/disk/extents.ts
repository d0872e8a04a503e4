// What a range of a disk holds, as parallel arrays: the list starts at `offset`, and extent i covers
// the `lengths[i]` bytes after the extents before it with status `flags[i]`. A list is contiguous by
// construction: overlap and gaps cannot be written down. Flags are those of NBD's base:allocation.

import { assert } from '../base/assert'
import { PlatterError } from '../base/errors'

/** Nothing is allocated for the range. By itself it says nothing about what the range reads as. */
export const EXTENT_HOLE = 1
/** The range reads as zeroes. */
export const EXTENT_ZERO = 2

/** Data is 0, a hole that reads as zeroes 3; a written run of zeroes is 2. */
export type ExtentFlags = number

export interface Extent {
  readonly offset: number
  readonly length: number
  readonly flags: ExtentFlags
}

/** More in one list than NBD lets a server put into one reply (2^20) only costs memory. */
export const MAX_EXTENTS = 1 << 20

export class ExtentList {
  readonly offset: number
  readonly lengths: number[] = []
  readonly flags: ExtentFlags[] = []
  #end: number

  constructor(offset: number) {
    this.offset = offset
    this.#end = offset
  }

  static of(offset: number, length: number, flags: ExtentFlags): ExtentList {
    const list = new ExtentList(offset)
    list.append(length, flags)
    return list
  }

  get count(): number {
    return this.lengths.length
  }

  /** The first byte that the list says nothing about. */
  get end(): number {
    return this.#end
  }

  get isFull(): boolean {
    return this.lengths.length >= MAX_EXTENTS
  }

  /** Adds what follows; a run of the same status grows instead of a new one starting. */
  append(length: number, flags: ExtentFlags): void {
    // The words of the assertion are made only when they are needed: lists are long.
    if (!Number.isSafeInteger(length) || length < 0) assert(false, `extent of ${length} bytes`)
    if (length === 0) return
    const last = this.lengths.length - 1
    if (last >= 0 && this.flags[last] === flags) this.lengths[last] = this.lengths[last]! + length
    else {
      assert(!this.isFull, 'extent list is full')
      this.lengths.push(length)
      this.flags.push(flags)
    }
    this.#end += length
  }

  /** Adds the part of `other` between this list's end and `end`, or less when this list is full. */
  appendList(other: ExtentList, end: number = other.end): void {
    assert(other.offset <= this.#end && other.end >= this.#end, 'lists do not meet')
    for (const extent of other) {
      if (this.isFull) return
      const from = Math.max(extent.offset, this.#end)
      const to = Math.min(extent.offset + extent.length, end)
      if (to > from) this.append(to - from, extent.flags)
    }
  }

  *[Symbol.iterator](): Generator<Extent> {
    let at = this.offset
    for (let i = 0; i < this.lengths.length; i++) {
      const length = this.lengths[i] as number
      yield { offset: at, length, flags: this.flags[i] as number }
      at += length
    }
  }

  toArray(): Extent[] {
    return [...this]
  }
}

/**
 * An extent list out of ranges in any order, adjacent or not, clipped to the range asked for; what no
 * range covers gets `gapFlags`. Overlap is a fault of whoever reported them and is refused. More
 * than a list takes ends it early.
 */
export function listFromRanges(
  ranges: readonly Extent[],
  offset: number,
  length: number,
  gapFlags: ExtentFlags,
): ExtentList {
  const list = new ExtentList(offset)
  const end = offset + length
  let previousEnd = -1
  for (const extent of [...ranges].sort((a, b) => a.offset - b.offset)) {
    if (extent.offset < previousEnd) {
      throw new PlatterError('PROTOCOL', `extents overlap at offset ${extent.offset}`)
    }
    previousEnd = extent.offset + extent.length
    const from = Math.max(extent.offset, offset)
    const to = Math.min(previousEnd, end)
    if (to <= from) continue
    if (list.count >= MAX_EXTENTS - 2) return list
    list.append(from - list.end, gapFlags)
    list.append(to - from, extent.flags)
  }
  list.append(end - list.end, gapFlags)
  return list
}

/** Bytes for each of the three classes that the map paints; they add up to the length looked at. */
export interface ExtentTotals {
  data: number
  zero: number
  hole: number
}

export type ExtentClass = keyof ExtentTotals

/**
 * `hole` is not allocated and reads as zeroes (flags 3), `zero` is allocated and reads as zeroes
 * (flags 2), all else is `data`: a hole that is not known to read as zeroes may hold anything.
 */
export function classOf(flags: ExtentFlags): ExtentClass {
  const kind = flags & (EXTENT_HOLE | EXTENT_ZERO)
  if (kind === (EXTENT_HOLE | EXTENT_ZERO)) return 'hole'
  return kind === EXTENT_ZERO ? 'zero' : 'data'
}

/** The words that nbdinfo prints for base:allocation. */
export function describeFlags(flags: ExtentFlags): string {
  switch (flags) {
    case 0:
      return 'data'
    case EXTENT_HOLE:
      return 'hole'
    case EXTENT_ZERO:
      return 'zero'
    case EXTENT_HOLE | EXTENT_ZERO:
      return 'hole,zero'
    default:
      return 'unknown'
  }
}
