// Cells of one size from cells of another: what the map shows for the moment between a zoom and the
// first frame of the new stream. Towards larger cells the sums are exact. Towards smaller ones the mix
// is spread evenly, and staged bytes are left out unless all of the cell is staged: where in it they are
// is not known.

import type { CellColumns } from '../../bridge/frames'
import { makeCellColumns } from '../../bridge/frames'
import { CELL_CLASSES } from '../../bridge/model'
import type { CellRange, CellsWindow } from './cells-feed'

export interface CellsView {
  readonly columns: CellColumns
  /** Index in `columns` of the first cell asked for. */
  readonly from: number
  /** The host's own numbers for cells of this size; cells that did not come are all zero. */
  readonly isExact: boolean
}

export function cellsFrom(window: CellsWindow | undefined, wanted: CellRange): CellsView {
  const { cellBytes, firstCell, cellCount } = wanted
  if (window?.cellBytes === cellBytes) {
    const from = firstCell - window.firstCell
    if (from >= 0 && from + cellCount <= window.cellCount) {
      return { columns: window.columns, from, isExact: true }
    }
  }
  const columns = makeCellColumns(cellBytes, cellCount)
  if (window === undefined) return { columns, from: 0, isExact: false }
  if (window.cellBytes <= cellBytes) gather(window, wanted, columns)
  else spread(window, wanted, columns)
  return { columns, from: 0, isExact: window.cellBytes === cellBytes }
}

/** Sums; a cell that is not wholly known stays empty. */
function gather(window: CellsWindow, wanted: CellRange, into: CellColumns): void {
  const ratio = wanted.cellBytes / window.cellBytes
  for (let i = 0; i < wanted.cellCount; i++) {
    const start = (wanted.firstCell + i) * ratio - window.firstCell
    if (start < 0 || start + ratio > window.cellCount) continue
    for (const name of CELL_CLASSES) {
      let sum = 0
      for (let k = 0; k < ratio; k++) sum += window.columns[name][start + k] as number
      into[name][i] = sum
    }
  }
}

function spread(window: CellsWindow, wanted: CellRange, into: CellColumns): void {
  const ratio = window.cellBytes / wanted.cellBytes
  for (let i = 0; i < wanted.cellCount; i++) {
    const at = Math.floor((wanted.firstCell + i) / ratio) - window.firstCell
    if (at < 0 || at >= window.cellCount) continue
    for (const name of CELL_CLASSES) {
      const bytes = window.columns[name][at] as number
      const isStaged = name === 'written' || name === 'zeroed'
      into[name][i] = isStaged && bytes < window.cellBytes ? 0 : bytes / ratio
    }
  }
}
