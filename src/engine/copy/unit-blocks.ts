// What becomes of a window once it is read: block by block it is data or zeroes, and runs of one kind
// become one write or one zero. A block that holds a single byte that is not zero is written whole.

import { alignDown, type ByteRange, endOf } from '../base/ranges'
import type { WindowBuffer } from '../disk/window-buffer'
import type { CopyPlan } from './copy-plan'
import type { DataUnit } from './copy-units'

export interface BlockRun extends ByteRange {
  readonly isZero: boolean
}

/**
 * The window as runs of whole blocks, ascending and without gaps. Where nothing was read the buffer holds
 * anything; of that, what lies in a block that holds data is zeroed here.
 */
export function blockRuns(unit: DataUnit, buffer: WindowBuffer, plan: CopyPlan): BlockRun[] {
  const { block, grain } = plan
  const holdsData = new Uint8Array(Math.ceil(unit.length / block))
  const kept = { offset: endOf(unit) - unit.kept, length: unit.kept }
  let known = unit.offset
  for (const range of unit.kept > 0 ? [...unit.reads, kept] : unit.reads) {
    fillGap(unit, buffer, block, known, range.offset)
    const first = Math.floor((range.offset - unit.offset) / block)
    holdsData.fill(1, first, Math.ceil((endOf(range) - unit.offset) / block))
    known = endOf(range)
  }
  fillGap(unit, buffer, block, known, endOf(unit))
  if (grain > 0) dropZeroes(unit, buffer, holdsData, block, grain)
  return joinBlocks(unit, holdsData, block)
}

/** Zeroes the parts of a gap that share their block with what was read at either side. */
function fillGap(
  unit: DataUnit,
  { bytes }: WindowBuffer,
  block: number,
  from: number,
  to: number,
): void {
  const [start, end] = [from - unit.offset, to - unit.offset]
  const wholeFrom = Math.min(alignDown(start + block - 1, block), end)
  bytes.fill(0, start, wholeFrom)
  bytes.fill(0, Math.max(wholeFrom, alignDown(end, block)), end)
}

/** Aligned runs of `grain` bytes that hold nothing but zeroes hold no data. */
function dropZeroes(
  unit: DataUnit,
  buffer: WindowBuffer,
  holdsData: Uint8Array,
  block: number,
  grain: number,
): void {
  const end = endOf(unit)
  for (let from = unit.offset; from < end; ) {
    const to = Math.min(alignDown(from, grain) + grain, end)
    const first = (from - unit.offset) / block
    const last = Math.ceil((to - unit.offset) / block)
    let zero = true
    for (let i = first; zero && i < last; i++) {
      if (holdsData[i] === 0) continue
      zero = buffer.isZero(i * block, Math.min((i + 1) * block, unit.length))
    }
    if (zero) holdsData.fill(0, first, last)
    from = to
  }
}

function joinBlocks(unit: DataUnit, holdsData: Uint8Array, block: number): BlockRun[] {
  const runs: BlockRun[] = []
  for (let first = 0; first < holdsData.length; ) {
    let last = first + 1
    while (last < holdsData.length && holdsData[last] === holdsData[first]) last++
    const offset = unit.offset + first * block
    const length = Math.min(unit.offset + last * block, endOf(unit)) - offset
    runs.push({ offset, length, isZero: holdsData[first] === 0 })
    first = last
  }
  return runs
}
