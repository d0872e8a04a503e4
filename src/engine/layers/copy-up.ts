// Copying clean blocks from the base into the store because somebody read them, so that a slow base is
// asked once. A block is copied under its lock, and only if it is still clean when the lock is held: a
// write that came first must not be covered with what the base had.

import { BLOCK_CLEAN, BLOCK_WRITTEN, BLOCK_ZEROED } from '../base/block-leaf'
import { isAllZero } from '../base/bytes'
import { type ByteRange, endOf, splitByUnit } from '../base/ranges'
import type { BlockSpan } from './block-grid'
import type { OverlayBlocks } from './overlay-blocks'
import { readSpan, writeSpan } from './span-io'

/** Longer ranges are copied piece by piece; a multiple of every block size. */
const PIECE = 4 * 1024 * 1024

/** All clean blocks that the range touches; what lies past the end of the base is left as it is. */
export async function copyUp(
  blocks: OverlayBlocks,
  range: ByteRange,
  signal?: AbortSignal,
): Promise<void> {
  const end = Math.min(endOf(range), blocks.base.size)
  const inBase = { offset: range.offset, length: Math.max(0, end - range.offset) }
  for (const part of splitByUnit(inBase, PIECE)) {
    if (blocks.runsIn(part).some(({ state }) => state === BLOCK_CLEAN)) {
      await copyPart(blocks, part, signal)
    }
  }
}

async function copyPart(
  blocks: OverlayBlocks,
  part: ByteRange,
  signal: AbortSignal | undefined,
): Promise<void> {
  await blocks.ledger?.begin()
  const span = blocks.grid.touched(part)
  const unlock = await blocks.locks.acquire(span.first, span.end, signal)
  try {
    for (let at = span.first; at < span.end; ) {
      const { state, count } = blocks.states.runAt(at, span.end)
      if (state === BLOCK_CLEAN) await copyRun(blocks, { first: at, end: at + count }, signal)
      at += count
    }
  } finally {
    unlock()
  }
}

/** Under the lock of the blocks, all of which are clean. */
async function copyRun(
  blocks: OverlayBlocks,
  { first, end }: BlockSpan,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { grid, base, store, ledger } = blocks
  const { offset, length } = grid.bytesOf({ first, end })
  const bytes = new Uint8Array(length)
  const inBase = bytes.subarray(0, Math.min(length, base.size - offset))
  await readSpan(base, inBase, offset, { signal })
  const blockBytes = (block: number) => {
    const at = grid.bytesOfBlock(block)
    return bytes.subarray(at.offset - offset, endOf(at) - offset)
  }
  const keepsZeroes = ledger?.keepsZeroes !== false
  blocks.changed?.set(first, end - first, BLOCK_WRITTEN)
  for (let at = first; at < end; ) {
    const isZero = keepsZeroes && isAllZero(blockBytes(at))
    let to = at + 1
    while (to < end && isZero === (keepsZeroes && isAllZero(blockBytes(to)))) to++
    const piece = grid.bytesOf({ first: at, end: to })
    if (!isZero) {
      const from = piece.offset - offset
      await writeSpan(store, bytes.subarray(from, from + piece.length), piece.offset)
      ledger?.noteBytes()
    }
    blocks.setState(at, to - at, isZero ? BLOCK_ZEROED : BLOCK_WRITTEN)
    at = to
  }
  blocks.onChange({ offset, length })
}
