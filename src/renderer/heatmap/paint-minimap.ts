// The strip of the whole device: one column of pixels for each part of it, coloured as a cell is, with a
// line below that shows where something is staged.

import type { CellsWindow } from '../data/cells-feed'
import type { CellColours } from './cell-colours'
import { lookOfCells, MARK_STAGED, MARK_UNKNOWN, makeCellLook } from './cell-colours'
import type { PixelBuffer } from './paint'

/** The smallest cells of which the whole device has at most `width`. */
export function minimapCellBytes(size: number, width: number): number {
  let cellBytes = 512
  while (Math.ceil(size / cellBytes) > Math.max(1, width)) cellBytes *= 2
  return cellBytes
}

export function paintMinimap(
  { pixels, width, height }: PixelBuffer,
  window: CellsWindow | undefined,
  size: number,
  tickPx: number,
  colours: CellColours,
): void {
  pixels.fill(colours.ground)
  if (window === undefined || width === 0) return
  const look = makeCellLook(window.cellCount)
  lookOfCells(window.columns, 0, window.cellCount, colours, look)
  const body = height - tickPx
  const bytesPerPixel = size / width
  for (let x = 0; x < width; x++) {
    const cell = Math.min(
      window.cellCount - 1,
      Math.floor((x * bytesPerPixel) / window.cellBytes) - window.firstCell,
    )
    if (cell < 0) continue
    const marks = look.marks[cell] as number
    const fill = look.fill[cell] as number
    for (let y = 0; y < body; y++) {
      const isHatch = marks & MARK_UNKNOWN && (x + y) % 4 === 0
      pixels[y * width + x] = isHatch ? colours.unknown : fill
    }
    if ((marks & MARK_STAGED) === 0) continue
    const staged = look.written[cell] === 0 ? colours.zeroed : colours.written
    for (let y = body; y < height; y++) pixels[y * width + x] = staged
  }
}
