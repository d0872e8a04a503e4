// Which staged ranges a person has chosen: all or none, and the ranges that are the other way round. So a
// choice says what it means for runs that nobody has looked at, however many there are.

import { type ByteRange, endOf, intersect, joinRanges } from '../../engine/base/ranges'

export interface RangeChoice {
  readonly all: boolean
  /** Ascending and apart. */
  readonly except: readonly ByteRange[]
}

export const EVERYTHING: RangeChoice = { all: true, except: [] }
export const NOTHING: RangeChoice = { all: false, except: [] }

/** A run may have grown since it was chosen, and is chosen in part then. */
export type Chosen = 'all' | 'some' | 'none'

export function chosenIn({ all, except }: RangeChoice, range: ByteRange): Chosen {
  let covered = 0
  for (let i = firstAfter(except, range.offset); i < except.length; i++) {
    const part = intersect(except[i] as ByteRange, range)
    if (part === undefined) break
    covered += part.length
  }
  if (covered > 0 && covered < range.length) return 'some'
  return covered > 0 === all ? 'none' : 'all'
}

/** What is chosen whole is left out; anything else is chosen. */
export function toggled(choice: RangeChoice, range: ByteRange): RangeChoice {
  const { all, except } = choice
  const wanted = chosenIn(choice, range) !== 'all'
  if (wanted === all) return { all, except: without(except, range) }
  return { all, except: joinRanges([...except, range]) }
}

/** What to ask a host for; `undefined`: everything. */
export function rangesOf(
  { all, except }: RangeChoice,
  size: number,
): readonly ByteRange[] | undefined {
  if (!all) return except
  if (except.length === 0) return undefined
  return without([{ offset: 0, length: size }], ...except)
}

function without(ranges: readonly ByteRange[], ...holes: readonly ByteRange[]): ByteRange[] {
  const left: ByteRange[] = []
  for (const range of ranges) {
    let from = range.offset
    for (const hole of holes) {
      const part = intersect(range, hole)
      if (part === undefined) continue
      if (part.offset > from) left.push({ offset: from, length: part.offset - from })
      from = endOf(part)
    }
    if (from < endOf(range)) left.push({ offset: from, length: endOf(range) - from })
  }
  return left
}

/** Index of the first range that ends after `offset`. */
function firstAfter(ranges: readonly ByteRange[], offset: number): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (endOf(ranges[middle] as ByteRange) > offset) high = middle
    else low = middle + 1
  }
  return low
}
