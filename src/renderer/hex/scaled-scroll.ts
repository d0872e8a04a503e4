// Scrolling over more rows than a browser can lay out: Chromium ends at 33,554,432 px, which is 26 MB of
// bytes at 16 a row. Only the thumb is scaled; what is shown is counted in whole rows, and wheel and
// keys move by whole rows, so that every row can be reached on a disk of 2^53 bytes.

export const SMALLEST_THUMB_PX = 28

export interface ScrollShape {
  readonly totalRows: number
  /** Rows that fit whole; at least 1. */
  readonly visibleRows: number
  /** Length of the scrollbar's track. */
  readonly trackPx: number
}

export const lastTopRow = ({ totalRows, visibleRows }: ScrollShape): number =>
  Math.max(0, totalRows - visibleRows)

export const clampTopRow = (shape: ScrollShape, row: number): number =>
  Math.max(0, Math.min(Math.floor(row), lastTopRow(shape)))

export interface Thumb {
  readonly offsetPx: number
  readonly lengthPx: number
}

/** `undefined` while everything fits. */
export function thumbOf(shape: ScrollShape, topRow: number): Thumb | undefined {
  const last = lastTopRow(shape)
  if (last === 0) return undefined
  const share = shape.visibleRows / shape.totalRows
  const lengthPx = Math.min(shape.trackPx, Math.max(SMALLEST_THUMB_PX, shape.trackPx * share))
  return { offsetPx: (topRow / last) * (shape.trackPx - lengthPx), lengthPx }
}

/** The top row for a thumb dragged to `offsetPx`: exactly the first and the last at the ends. */
export function rowOfThumb(shape: ScrollShape, offsetPx: number): number {
  const thumb = thumbOf(shape, 0)
  if (thumb === undefined) return 0
  const room = shape.trackPx - thumb.lengthPx
  if (room <= 0) return 0
  const part = Math.max(0, Math.min(offsetPx / room, 1))
  return clampTopRow(shape, Math.round(part * lastTopRow(shape)))
}

/** The top row that shows `row` with the least scrolling. */
export function topRowShowing(shape: ScrollShape, topRow: number, row: number): number {
  if (row < topRow) return clampTopRow(shape, row)
  if (row >= topRow + shape.visibleRows) return clampTopRow(shape, row - shape.visibleRows + 1)
  return clampTopRow(shape, topRow)
}

export interface WheelTurn {
  readonly deltaY: number
  /** WheelEvent.deltaMode: 0 pixels, 1 lines, 2 pages. */
  readonly deltaMode: number
}

/** Whole rows for a turn of the wheel, and the part of a row that is kept for the next turn. */
export function wheelRows(
  turn: WheelTurn,
  rest: number,
  rowPx: number,
  visibleRows: number,
): { readonly rows: number; readonly rest: number } {
  const inRows =
    turn.deltaMode === 0
      ? turn.deltaY / rowPx
      : turn.deltaMode === 1
        ? turn.deltaY
        : turn.deltaY * Math.max(1, visibleRows - 1)
  // A turn the other way answers at once instead of using up what was left of this one.
  const kept = rest * inRows < 0 ? 0 : rest
  const rows = Math.trunc(kept + inRows)
  return { rows, rest: kept + inRows - rows }
}
