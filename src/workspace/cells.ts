import { encodeCells, makeCellColumns } from '../bridge/frames'
import type { OverlayDisk } from '../engine/layers/overlay'
import type { Survey } from '../engine/survey/survey'

export interface CellsView {
  /** A power of two, 512 or more. */
  readonly cellBytes: number
  readonly firstCell: number
  readonly cellCount: number
}

/** The frame of a map view: base classes from the survey, staged ones from the overlay's own states. */
export function fillCells(survey: Survey, overlay: OverlayDisk, view: CellsView): Uint8Array {
  const { cellBytes, firstCell, cellCount } = view
  const columns = makeCellColumns(cellBytes, cellCount)
  survey.columns(cellBytes, firstCell, cellCount, columns)
  const from = firstCell * cellBytes
  const end = Math.min(from + cellBytes * cellCount, overlay.size)
  // Only cells that hold something staged are visited: the runs lead from one to the next.
  for (const run of overlay.stagedRuns(from, Math.max(0, end - from))) {
    const column = columns[run.state]
    let at = Math.max(run.offset, from)
    const stop = Math.min(run.offset + run.length, end)
    while (at < stop) {
      const cell = Math.floor(at / cellBytes)
      const next = Math.min(stop, (cell + 1) * cellBytes)
      column[cell - firstCell] = (column[cell - firstCell] as number) + (next - at)
      at = next
    }
  }
  return encodeCells(columns)
}
