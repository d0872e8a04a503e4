// A commit's work, cut into spans of blocks that are carried one by one, ascending. Two spans never
// share a unit of the target (carry-target.ts), so that no two requests rewrite the same one.

import { BLOCK_ZEROED } from '../base/block-leaf'
import type { BlockStates } from '../base/block-states'
import { alignDown, alignUp } from '../base/ranges'
import type { BlockSize } from '../disk/disk'
import type { BlockGrid, BlockSpan } from './block-grid'
import { assemblyUnit } from './carry-target'

/** A span with bytes in it is read into memory; below this a request costs more than its bytes. */
const SPAN_BYTES = 1024 * 1024
/** A target that prefers more than this gets its blocks in parts. */
const MAX_SPAN_BYTES = 8 * 1024 * 1024
/** A span of nothing but zeroes: long, and yet short enough to show progress and to be cancelled. */
const ZERO_SPAN_BYTES = 1024 * 1024 * 1024

/** The plan may lose blocks behind the point that was reached. */
export function* carrySpans(
  plan: BlockStates,
  grid: BlockGrid,
  target: BlockSize,
): Generator<BlockSpan> {
  const unit = unitBlocks(grid.blockSize, assemblyUnit(target))
  const spanBytes = Math.max(SPAN_BYTES, Math.min(target.preferred, MAX_SPAN_BYTES))
  const spanBlocks = alignUp(Math.max(1, spanBytes / grid.blockSize), unit)
  const zeroBlocks = alignUp(ZERO_SPAN_BYTES / grid.blockSize, spanBlocks)
  // A last block that the end of the disk cuts may take reading and writing on the target.
  const wholeBlocks = Math.floor(grid.size / grid.blockSize)
  for (let at = plan.nextStaged(0); at !== undefined; ) {
    const run = plan.runAt(at)
    const zeroEnd = alignDown(Math.min(at + run.count, wholeBlocks, at + zeroBlocks), unit)
    const onlyZeroes = run.state === BLOCK_ZEROED && at % unit === 0 && zeroEnd >= at + spanBlocks
    const end = onlyZeroes
      ? zeroEnd
      : Math.min(plan.blockCount, alignDown(at, spanBlocks) + spanBlocks)
    yield { first: at, end }
    at = plan.nextStaged(end)
  }
}

/** Spans of bytes that go at a time into the buffers of a commit. */
export const spansInFlight = (target: BlockSize): number => (target.preferred > SPAN_BYTES ? 2 : 6)

/** The fewest overlay blocks that are whole units of the target as well. */
function unitBlocks(blockSize: number, unitBytes: number): number {
  let unit = 1
  while ((unit * blockSize) % unitBytes !== 0) unit++
  return unit
}
