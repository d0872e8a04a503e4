// Keeps what a commit is about to overwrite: an overlay over the target, in which the blocks that will
// change are staged as they are now. Committing that overlay later writes them back.

import { assert } from '../base/assert'
import { isAllZero } from '../base/bytes'
import { throwIfAborted } from '../base/errors'
import { type ByteRange, endOf, splitByUnit } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import type { BlockGrid } from './block-grid'
import type { OverlayDisk } from './overlay'
import { eachInFlight } from './settle'
import { readSpan, widen } from './span-io'

export interface KeepOldOptions {
  /** Over `target`, and perhaps shorter; nothing is staged in it. */
  readonly old: OverlayDisk
  readonly target: Disk
  /** Ascending and apart; what lies past the end of `old` is not kept. */
  readonly ranges: Iterable<ByteRange>
  readonly signal?: AbortSignal | undefined
  /** Bytes that were looked at; more than the ranges have where they cut blocks. */
  readonly onProgress?: ((done: number) => void) | undefined
}

const MIN_CHUNK = 1024 * 1024
const CHUNKS_IN_FLIGHT = 4

/** Stable when it resolves. Rejects with ABORTED, or what the target or the overlay failed with. */
export async function keepOld(options: KeepOldOptions): Promise<void> {
  const { old, target, signal, onProgress } = options
  let done = 0
  const note = (bytes: number) => {
    done += bytes
    onProgress?.(done)
  }
  // Whole blocks of both.
  const chunkBytes = Math.max(MIN_CHUNK, old.overlayBlockSize)
  for (const range of wholeBlocks(old.blocks.grid, options.ranges)) {
    for await (const { zero, data } of zeroesAndData(old, target, range)) {
      throwIfAborted(signal, 'commit')
      if (zero.length > 0) await old.zero(zero.offset, zero.length, { mayTrim: true })
      await eachInFlight(splitByUnit(data, chunkBytes), CHUNKS_IN_FLIGHT, async (chunk) => {
        if (signal?.aborted === true) return
        await keepChunk(old, target, chunk)
        note(chunk.length)
      })
      throwIfAborted(signal, 'commit')
      note(zero.length)
    }
  }
  await old.flush()
}

/** All blocks that the ranges touch, each once. */
function* wholeBlocks(grid: BlockGrid, ranges: Iterable<ByteRange>): Generator<ByteRange> {
  let done = 0
  for (const range of ranges) {
    const touched = grid.touched(range)
    const first = Math.max(done, touched.first)
    const end = Math.min(grid.blockCount, touched.end)
    if (end > first) yield grid.bytesOf({ first, end })
    done = Math.max(done, end)
  }
}

/** The range in pieces, each of blocks that the target calls zero and then of others; either may be empty. */
async function* zeroesAndData(
  old: OverlayDisk,
  target: Disk,
  range: ByteRange,
): AsyncGenerator<{ readonly zero: ByteRange; readonly data: ByteRange }> {
  const { grid } = old.blocks
  const end = endOf(range)
  for (let at = range.offset; at < end; ) {
    const wide = widen(target, { offset: at, length: end - at })
    const list = await target.extents(wide.offset, wide.length)
    assert(list.end > at, 'the target told no extents')
    for (const extent of list) {
      const stop = Math.min(end, endOf(extent))
      if (stop <= at) continue
      // Whole blocks: one that is zero in part is read.
      const isZero = (extent.flags & EXTENT_ZERO) !== 0
      const zeroEnd = isZero
        ? endOfBlocks(grid, grid.covered({ offset: at, length: stop - at }).end)
        : at
      const dataEnd = isZero && zeroEnd > at ? zeroEnd : upTo(grid, stop, end)
      const zero = { offset: at, length: Math.max(0, zeroEnd - at) }
      const data = { offset: at + zero.length, length: dataEnd - at - zero.length }
      yield { zero, data }
      at = endOf(data)
    }
  }
}

const endOfBlocks = (grid: BlockGrid, end: number): number =>
  Math.min(grid.size, end * grid.blockSize)

/** The end of the block that `offset` cuts. */
const upTo = (grid: BlockGrid, offset: number, end: number): number =>
  Math.min(end, endOfBlocks(grid, Math.ceil(offset / grid.blockSize)))

async function keepChunk(old: OverlayDisk, target: Disk, chunk: ByteRange): Promise<void> {
  const { blockSize } = old.blocks.grid
  const bytes = new Uint8Array(chunk.length)
  await readSpan(target, bytes, chunk.offset, {})
  for (let at = 0; at < bytes.length; ) {
    const zeroes = isAllZero(bytes.subarray(at, at + blockSize))
    let end = at
    while (end < bytes.length && isAllZero(bytes.subarray(end, end + blockSize)) === zeroes) {
      end = Math.min(bytes.length, end + blockSize)
    }
    if (zeroes) await old.zero(chunk.offset + at, end - at, { mayTrim: true })
    else await old.write(bytes.subarray(at, end), chunk.offset + at)
    at = end
  }
}
