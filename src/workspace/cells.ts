// The frame of a map view: base classes from the survey, staged ones from the overlay's own states.

import type { CellColumns } from '../bridge/frames'
import { encodeCells, makeCellColumns } from '../bridge/frames'
import type { OverlayDisk } from '../engine/layers/overlay'
import type { Survey } from '../engine/survey/survey'

export interface CellsView {
  /** A power of two, 512 or more. */
  readonly cellBytes: number
  readonly firstCell: number
  readonly cellCount: number
}

/** From this many blocks a cell on, counting a cell is cheaper than walking its runs. */
const BLOCKS_WORTH_COUNTING = 16

export function fillCells(survey: Survey, overlay: OverlayDisk, view: CellsView): Uint8Array {
  const columns = makeCellColumns(view.cellBytes, view.cellCount)
  survey.columns(view.cellBytes, view.firstCell, view.cellCount, columns)
  if (view.cellBytes >= overlay.overlayBlockSize * BLOCKS_WORTH_COUNTING) {
    countStaged(overlay, view, columns)
  } else walkStaged(overlay, view, columns)
  return encodeCells(columns)
}

function countStaged(overlay: OverlayDisk, view: CellsView, columns: CellColumns): void {
  const { cellBytes, firstCell, cellCount } = view
  const { written, zeroed } = overlay.stagedIn(firstCell * cellBytes, cellCount * cellBytes)
  if (written + zeroed === 0) return
  for (let i = 0; i < cellCount; i++) {
    const staged = overlay.stagedIn((firstCell + i) * cellBytes, cellBytes)
    columns.written[i] = staged.written
    columns.zeroed[i] = staged.zeroed
  }
}

/** Visits only cells that hold something staged: the runs lead from one to the next. */
function walkStaged(overlay: OverlayDisk, view: CellsView, columns: CellColumns): void {
  const { cellBytes, firstCell, cellCount } = view
  const from = firstCell * cellBytes
  const end = Math.min(from + cellBytes * cellCount, overlay.size)
  for (const run of overlay.stagedRuns(from, Math.max(0, end - from))) {
    const column = columns[run.state]
    const stop = run.offset + run.length
    for (let at = run.offset; at < stop; ) {
      const cell = Math.floor(at / cellBytes)
      const next = Math.min(stop, (cell + 1) * cellBytes)
      column[cell - firstCell] = (column[cell - firstCell] as number) + (next - at)
      at = next
    }
  }
}
