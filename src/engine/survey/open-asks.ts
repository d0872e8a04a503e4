// Questions to a disk that are under way, in the order in which they were asked. A disk may change while
// it is being asked, and answers may come in any order: what a later question has learned of a range is
// newer than what an earlier one, still open, will say of it.

import type { ByteRange } from '../base/ranges'
import { endOf, intersect, joinRanges } from '../base/ranges'
import { ExtentList } from '../disk/extents'

export interface Ask {
  readonly number: number
  /** Ranges that later questions have answered since. */
  readonly overtaken: ByteRange[]
}

export class OpenAsks {
  readonly #open = new Set<Ask>()
  #next = 0

  begin(): Ask {
    const ask: Ask = { number: this.#next++, overtaken: [] }
    this.#open.add(ask)
    return ask
  }

  /** The question is answered for `range`: what of the range is newer than that, joined and in order. */
  settle(ask: Ask, range: ByteRange): ByteRange[] {
    this.#open.delete(ask)
    for (const other of this.#open) if (other.number < ask.number) other.overtaken.push(range)
    return joinRanges(ask.overtaken).filter((newer) => intersect(newer, range) !== undefined)
  }
}

/** The list without `ranges` (joined, in order), as the pieces that are left. */
export function* withoutRanges(
  list: ExtentList,
  ranges: readonly ByteRange[],
): Generator<ExtentList> {
  let piece = new ExtentList(list.offset)
  let next = 0
  for (const extent of list) {
    for (let at = extent.offset; at < endOf(extent); ) {
      let cut = ranges[next]
      while (cut !== undefined && endOf(cut) <= at) cut = ranges[++next]
      const stop = cut === undefined ? endOf(extent) : Math.min(endOf(extent), cut.offset)
      if (stop > at) {
        piece.append(stop - at, extent.flags)
        at = stop
      } else if (cut !== undefined) {
        if (piece.count > 0) yield piece
        at = Math.min(endOf(extent), endOf(cut))
        piece = new ExtentList(at)
      }
    }
  }
  if (piece.count > 0) yield piece
}
