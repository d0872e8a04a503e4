// Where cells lie. Row-major; the number of columns is a power of two, so that a row is a round number
// of bytes and a zoom step splits each row into two. All cells of a canvas have the same whole number
// of physical pixels; what is left over at the right is given to the partition bands. Cells are square,
// but where the whole disk is in view they grow taller, up to twice, to fill the height.

import { assert } from '../../engine/base/assert'
import type { ByteRange } from '../../engine/base/ranges'
import { isPowerOfTwo } from '../../engine/base/ranges'
import type { MapViewState } from '../views'
import type { ByteOffset, CellIndex, PhysicalPx } from './spaces'
import { asCell, asOffset, asPhysical } from './spaces'

export const SMALLEST_CELL_BYTES = 512

/** Smallest side of a cell in CSS pixels; a cell is at most twice as large. */
export const DENSITIES = { fine: 2, dense: 4, normal: 8, large: 16 } as const
export type Density = keyof typeof DENSITIES

export interface MapBox {
  /** Of the canvas that holds the cells. */
  readonly width: PhysicalPx
  readonly height: PhysicalPx
  readonly dpr: number
  readonly density: Density
}

export interface MapLayout {
  /** Of the disk, bytes. */
  readonly size: number
  readonly dpr: number
  readonly cellBytes: number
  readonly columns: number
  readonly rowBytes: number
  /** Width and height of a cell with its gap, and the gap at its right and lower edge. */
  readonly cellPx: PhysicalPx
  readonly rowPx: PhysicalPx
  readonly gapPx: PhysicalPx
  /** Of the whole disk; the last cell and the last row may be cut short. */
  readonly cellCount: number
  readonly rowCount: number
  /** Rows that fit whole. */
  readonly visibleRows: number
  readonly topRow: number
}

export interface CellRun {
  readonly first: CellIndex
  readonly count: number
}

/** Cells of a disk of few sectors grow up to this many CSS pixels. */
const LARGEST_CELL_PX = 32

function gridShape(size: number, { width, height, dpr, density }: MapBox) {
  const smallest = DENSITIES[density] * dpr
  let columns = Math.max(8, 2 ** Math.floor(Math.log2(Math.max(1, width / smallest))))
  for (; columns > 8; columns /= 2) {
    const larger = Math.floor(width / (columns / 2))
    const rows = Math.ceil(size / SMALLEST_CELL_BYTES / (columns / 2))
    if (larger > LARGEST_CELL_PX * dpr || rows * larger > height) break
  }
  const cellPx = Math.max(1, Math.floor(width / columns))
  return { columns, cellPx, visibleRows: Math.max(1, Math.floor(height / cellPx)) }
}

export function layoutMap(size: number, view: MapViewState, box: MapBox): MapLayout {
  const { cellBytes } = view
  assert(isPowerOfTwo(cellBytes) && cellBytes >= SMALLEST_CELL_BYTES, `cell of ${cellBytes} bytes`)
  const { columns, cellPx, visibleRows } = gridShape(size, box)
  const rowBytes = columns * cellBytes
  const rowCount = Math.max(1, Math.ceil(size / rowBytes))
  return {
    size,
    dpr: box.dpr,
    cellBytes,
    columns,
    rowBytes,
    cellPx: asPhysical(cellPx),
    rowPx: asPhysical(tallest(cellPx, rowCount, box.height)),
    gapPx: asPhysical(cellPx >= 5 * box.dpr ? Math.max(1, Math.round(box.dpr / 2)) : 0),
    cellCount: Math.ceil(size / cellBytes),
    rowCount,
    visibleRows,
    topRow: clampRow(Math.floor(view.top / rowBytes), rowCount, visibleRows),
  }
}

const tallest = (cellPx: number, rowCount: number, height: number) =>
  Math.max(cellPx, Math.min(2 * cellPx, Math.floor(height / rowCount)))

const clampRow = (row: number, rowCount: number, visibleRows: number) =>
  Math.max(0, Math.min(row, rowCount - visibleRows))

/** The smallest cells with which the whole disk is in view. */
export function fitCellBytes(size: number, box: MapBox): number {
  const { columns, visibleRows } = gridShape(size, box)
  let cellBytes = SMALLEST_CELL_BYTES
  while (Math.ceil(size / (cellBytes * columns)) > visibleRows) cellBytes *= 2
  return cellBytes
}

/** The smallest cells with which `range` is in view, and the view that shows it. */
export function fitRange(size: number, range: ByteRange, box: MapBox): MapViewState {
  const { columns, visibleRows } = gridShape(size, box)
  let cellBytes = SMALLEST_CELL_BYTES
  for (const largest = fitCellBytes(size, box); cellBytes < largest; cellBytes *= 2) {
    const rowBytes = cellBytes * columns
    const last = range.offset + Math.max(range.length, 1) - 1
    const rows = Math.floor(last / rowBytes) - Math.floor(range.offset / rowBytes) + 1
    if (rows <= visibleRows) break
  }
  const layout = layoutMap(size, { cellBytes, top: range.offset }, box)
  const used = Math.ceil(range.length / layout.rowBytes)
  const lead = Math.max(0, Math.floor((visibleRows - used) / 2))
  const row = Math.floor(range.offset / layout.rowBytes) - lead
  return viewAtRow(layout, row)
}

/** The view with `row` on top, or as near as the disk's ends allow. */
export function viewAtRow(layout: MapLayout, row: number): MapViewState {
  const topRow = clampRow(row, layout.rowCount, layout.visibleRows)
  return { cellBytes: layout.cellBytes, top: topRow * layout.rowBytes }
}

/** Cells of another size, with `anchor` staying in the row (counted from the top) where it is. */
export function zoomTo(
  size: number,
  cellBytes: number,
  anchor: ByteOffset,
  screenRow: number,
  box: MapBox,
): MapViewState {
  const largest = fitCellBytes(size, box)
  const clamped = Math.min(largest, Math.max(SMALLEST_CELL_BYTES, cellBytes))
  const layout = layoutMap(size, { cellBytes: clamped, top: 0 }, box)
  return viewAtRow(layout, Math.floor(anchor / layout.rowBytes) - screenRow)
}

/** The cells from the first to the last that are at least partly on the canvas. */
export function visibleCells(layout: MapLayout, height: PhysicalPx): CellRun {
  const rows = Math.min(Math.ceil(height / layout.rowPx), layout.rowCount - layout.topRow)
  const first = asCell(layout.topRow * layout.columns)
  return { first, count: Math.min(rows * layout.columns, layout.cellCount - first) }
}

export const cellAt = (layout: MapLayout, offset: number): CellIndex =>
  asCell(Math.min(Math.floor(offset / layout.cellBytes), layout.cellCount - 1))

/** The bytes of a cell; the last one of the disk may be shorter. */
export function rangeOfCell(
  layout: MapLayout,
  cell: CellIndex,
): ByteRange & { offset: ByteOffset } {
  const offset = asOffset(cell * layout.cellBytes)
  return { offset, length: Math.min(layout.cellBytes, layout.size - offset) }
}

/** The bytes of all cells from one to another, in either order. */
export function rangeOfCells(layout: MapLayout, a: CellIndex, b: CellIndex): ByteRange {
  const offset = Math.min(a, b) * layout.cellBytes
  const end = Math.min((Math.max(a, b) + 1) * layout.cellBytes, layout.size)
  return { offset, length: end - offset }
}

export interface PixelRect {
  readonly x: PhysicalPx
  readonly y: PhysicalPx
  readonly width: PhysicalPx
  readonly height: PhysicalPx
}

/** Where a cell is on the canvas, gap included; outside of it when it is scrolled away. */
export function rectOfCell(layout: MapLayout, cell: CellIndex): PixelRect {
  const row = Math.floor(cell / layout.columns)
  const { cellPx, rowPx } = layout
  return {
    x: asPhysical((cell - row * layout.columns) * cellPx),
    y: asPhysical((row - layout.topRow) * rowPx),
    width: cellPx,
    height: rowPx,
  }
}

/** The view scrolled as little as it takes to have the cell in it; the same rows when it is. */
export function reveal(layout: MapLayout, cell: CellIndex): MapViewState {
  const row = Math.floor(cell / layout.columns)
  if (row < layout.topRow) return viewAtRow(layout, row)
  if (row >= layout.topRow + layout.visibleRows) {
    return viewAtRow(layout, row - layout.visibleRows + 1)
  }
  return viewAtRow(layout, layout.topRow)
}
