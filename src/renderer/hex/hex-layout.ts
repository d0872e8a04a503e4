// Where bytes stand: rows of 8, 16 or 32, in groups of 8, each byte two digits and a space wide and a
// group one space more. Positions are in characters of the fixed-width face.

import { alignDown } from '../../engine/base/ranges'

export type BytesPerRow = 8 | 16 | 32
export type HexPaneName = 'hex' | 'text'

export const GROUP = 8
export const SECTOR = 512

/** Column of a byte's first digit in the hex pane. */
export const hexColumn = (index: number): number => index * 3 + Math.floor(index / GROUP)

/** Characters of a whole row of the hex pane. */
export const hexWidth = (bytesPerRow: number): number => hexColumn(bytesPerRow - 1) + 2

export const columnOf = (pane: HexPaneName, index: number): number =>
  pane === 'hex' ? hexColumn(index) : index

/** The byte whose place a column is in; the space after a byte belongs to it. */
export function byteAtColumn(pane: HexPaneName, column: number, bytesPerRow: number): number {
  const clamp = (index: number) => Math.max(0, Math.min(index, bytesPerRow - 1))
  if (pane === 'text') return clamp(Math.floor(column))
  const groupWidth = GROUP * 3 + 1
  const group = Math.floor(column / groupWidth)
  const inGroup = Math.min(GROUP - 1, Math.floor((column - group * groupWidth) / 3))
  return clamp(group * GROUP + inGroup)
}

export const rowCountOf = (size: number, bytesPerRow: number): number =>
  Math.max(1, Math.ceil(size / bytesPerRow))

export const rowOf = (offset: number, bytesPerRow: number): number =>
  Math.floor(offset / bytesPerRow)

export type CaretMove =
  | 'left'
  | 'right'
  | 'up'
  | 'down'
  | 'row-start'
  | 'row-end'
  | 'disk-start'
  | 'disk-end'
  | 'page-up'
  | 'page-down'

/** Where the caret goes; it stays where there is no such place. */
export function moveCaret(
  offset: number,
  move: CaretMove,
  { size, bytesPerRow, visibleRows }: { size: number; bytesPerRow: number; visibleRows: number },
): number {
  const last = Math.max(0, size - 1)
  const page = Math.max(1, visibleRows - 1) * bytesPerRow
  const rowStart = alignDown(offset, bytesPerRow)
  const up = (bytes: number) => {
    const steps = Math.min(bytes, alignDown(offset, bytesPerRow))
    return offset - alignDown(steps, bytesPerRow)
  }
  const down = (bytes: number) => offset + Math.min(bytes, alignDown(last - offset, bytesPerRow))
  switch (move) {
    case 'left':
      return Math.max(0, offset - 1)
    case 'right':
      return Math.min(last, offset + 1)
    case 'up':
      return up(bytesPerRow)
    case 'down':
      return down(bytesPerRow)
    case 'page-up':
      return up(page)
    case 'page-down':
      return down(page)
    case 'row-start':
      return rowStart
    case 'row-end':
      return Math.min(last, rowStart + bytesPerRow - 1)
    case 'disk-start':
      return 0
    case 'disk-end':
      return last
  }
}
