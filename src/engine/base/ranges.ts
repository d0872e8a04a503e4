// Arithmetic on byte ranges. An offset and a length are safe integers in bytes; a range is half open.

import { assert } from './assert'

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

export const isPowerOfTwo = (n: number): boolean =>
  Number.isSafeInteger(n) && n > 0 && Number.isInteger(Math.log2(n))

/** `unit` need not be a power of two. */
export const alignDown = (value: number, unit: number): number => value - (value % unit)

export const alignUp = (value: number, unit: number): number => {
  const over = value % unit
  return over === 0 ? value : value + (unit - over)
}

export const isAligned = (value: number, unit: number): boolean => value % unit === 0

export const endOf = (range: ByteRange): number => range.offset + range.length

/** The part that both ranges cover; `undefined` when they do not meet. */
export function intersect(a: ByteRange, b: ByteRange): ByteRange | undefined {
  const offset = Math.max(a.offset, b.offset)
  const end = Math.min(endOf(a), endOf(b))
  return end > offset ? { offset, length: end - offset } : undefined
}

/** A range cut at the multiples of `unit`: each piece lies inside one unit. */
export function* splitByUnit(range: ByteRange, unit: number): Generator<ByteRange> {
  assert(unit > 0, 'unit is not positive')
  const end = endOf(range)
  for (let at = range.offset; at < end; ) {
    const next = Math.min(end, alignDown(at, unit) + unit)
    yield { offset: at, length: next - at }
    at = next
  }
}

/** Ranges sorted, with overlapping and touching ones joined. */
export function joinRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = [...ranges].sort((a, b) => a.offset - b.offset)
  const joined: { offset: number; length: number }[] = []
  for (const { offset, length } of sorted) {
    const last = joined.at(-1)
    if (length === 0) continue
    if (last !== undefined && offset <= endOf(last)) {
      last.length = Math.max(endOf(last), offset + length) - last.offset
    } else joined.push({ offset, length })
  }
  return joined
}
