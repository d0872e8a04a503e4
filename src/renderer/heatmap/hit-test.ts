// From a point on the canvas to a cell, and from a run of cells to the outline around it.

import type { MapLayout } from './layout'
import type { CellIndex, LogicalPx, PhysicalPx } from './spaces'
import { asCell, asPhysical, toPhysical } from './spaces'

export interface LogicalPoint {
  readonly x: LogicalPx
  readonly y: LogicalPx
}

/** The cell under a point; `undefined` beside the cells and below the last. */
export function cellAtPoint(layout: MapLayout, { x, y }: LogicalPoint): CellIndex | undefined {
  const column = Math.floor(toPhysical(x, layout.dpr) / layout.cellPx)
  const row = layout.topRow + Math.floor(toPhysical(y, layout.dpr) / layout.rowPx)
  if (column < 0 || column >= layout.columns || row < layout.topRow) return undefined
  const cell = row * layout.columns + column
  return cell < layout.cellCount ? asCell(cell) : undefined
}

/** The cell nearest to a point, for a drag that leaves the canvas; below the last row, the last cell. */
export function nearestCell(layout: MapLayout, { x, y }: LogicalPoint): CellIndex {
  const column = Math.floor(toPhysical(x, layout.dpr) / layout.cellPx)
  const row = layout.topRow + Math.floor(toPhysical(y, layout.dpr) / layout.rowPx)
  if (row >= layout.rowCount) return asCell(layout.cellCount - 1)
  const inRow = Math.max(0, Math.min(column, layout.columns - 1))
  return asCell(Math.min(Math.max(0, row) * layout.columns + inRow, layout.cellCount - 1))
}

/** Row on the screen (0 at the top) of a point; may be past the last row. */
export const screenRowAt = (layout: MapLayout, y: LogicalPx): number =>
  Math.max(0, Math.floor(toPhysical(y, layout.dpr) / layout.rowPx))

export type PixelPoint = readonly [PhysicalPx, PhysicalPx]

/**
 * The closed lines around the cells `first`…`last`, cut at `drawnRows` below and at the top row: a
 * rectangle within one row, two where the run turns around without overlap, else one stepped shape.
 */
export function outlineOfRun(
  layout: MapLayout,
  first: CellIndex,
  last: CellIndex,
  drawnRows: number,
): PixelPoint[][] {
  const { columns, topRow } = layout
  const from = Math.max(first, topRow * columns)
  const to = Math.min(last, (topRow + drawnRows) * columns - 1)
  if (from > to) return []
  const [rowA, rowB] = [Math.floor(from / columns), Math.floor(to / columns)]
  const [columnA, columnB] = [from - rowA * columns, to - rowB * columns + 1]
  const point = (column: number, row: number): PixelPoint => [
    asPhysical(column * layout.cellPx),
    asPhysical((row - topRow) * layout.rowPx),
  ]
  const box = (left: number, top: number, right: number, bottom: number) => [
    point(left, top),
    point(right, top),
    point(right, bottom),
    point(left, bottom),
  ]
  if (rowA === rowB) return [box(columnA, rowA, columnB, rowA + 1)]
  if (rowB === rowA + 1 && columnB <= columnA) {
    return [box(columnA, rowA, columns, rowA + 1), box(0, rowB, columnB, rowB + 1)]
  }
  return [
    [
      point(columnA, rowA),
      point(columns, rowA),
      point(columns, rowB),
      point(columnB, rowB),
      point(columnB, rowB + 1),
      point(0, rowB + 1),
      point(0, rowA + 1),
      point(columnA, rowA + 1),
    ],
  ]
}
