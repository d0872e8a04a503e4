import { assert } from '../../base/assert'
import { type ByteRange, endOf } from '../../base/ranges'
import type { Disk } from '../../disk/disk'
import { EXTENT_ZERO } from '../../disk/extents'

/**
 * The parts of `offset`…`end` that do not read as zeroes for certain, widened to multiples of `unit`
 * from `offset` on, so that a bitmap that is mostly a hole costs what is in it. Each at most `longest`.
 */
export async function* dataRanges(
  disk: Disk,
  range: ByteRange,
  unit: number,
  longest: number,
): AsyncGenerator<ByteRange> {
  const end = endOf(range)
  let done = range.offset
  for (let at = range.offset; at < end; ) {
    const list = await disk.extents(at, end - at)
    assert(list.end > at, 'the disk told no extents')
    for (const extent of list) {
      if ((extent.flags & EXTENT_ZERO) !== 0) continue
      const before = Math.max(done, extent.offset) - range.offset
      const from = range.offset + before - (before % unit)
      const to = Math.min(end, range.offset + ceilTo(endOf(extent) - range.offset, unit))
      for (let piece = Math.max(done, from); piece < to; piece = done) {
        done = Math.min(to, piece + longest)
        yield { offset: piece, length: done - piece }
      }
    }
    at = list.end
  }
}

const ceilTo = (value: number, unit: number): number => Math.ceil(value / unit) * unit
