// Paints cells into a pixel buffer. A row of cells is painted as one line of pixels and copied down,
// then the few cells with marks get theirs. Marks are shapes as well as colours, so that they survive
// greyscale: staged is a bar at the lower edge (its length is the share, never below 2 px) with a wedge
// in the corner, dashed where blocks were zeroed; zero is dotted; not surveyed is hatched.
//
// The buffer is little-endian RGBA, as ImageData's memory is on every machine a page runs on.

import type { CellColours, CellLook } from './cell-colours'
import { MARK_STAGED, MARK_UNKNOWN, MARK_ZERO, mixPixels } from './cell-colours'

export interface PixelBuffer {
  readonly pixels: Uint32Array
  readonly width: number
  readonly height: number
}

/** Pixels are physical throughout. `unit` is one CSS pixel, rounded. */
export interface CellGrid {
  readonly columns: number
  /** Width and height of a cell, gap included. */
  readonly cellPx: number
  readonly rowPx: number
  readonly gapPx: number
  readonly unit: number
}

/** How a cell's marks are drawn, by its side in CSS pixels. */
export type MarkStyle = 'mixed' | 'edge' | 'full'

export function markStyleOf({ cellPx, unit }: Pick<CellGrid, 'cellPx' | 'unit'>): MarkStyle {
  if (cellPx < 3 * unit) return 'mixed'
  return cellPx < 8 * unit ? 'edge' : 'full'
}

/**
 * Paints screen rows `fromRow`…`toRow` (exclusive). `look` holds the cells of the rows from 0 on; rows
 * past its end, and pixels beside the columns, become ground.
 */
export function paintRows(
  buffer: PixelBuffer,
  grid: CellGrid,
  look: CellLook,
  colours: CellColours,
  fromRow: number,
  toRow: number,
): void {
  const style = markStyleOf(grid)
  for (let row = fromRow; row < toRow; row++) {
    const top = row * grid.rowPx
    if (top >= buffer.height) return
    const first = row * grid.columns
    const count = Math.max(0, Math.min(grid.columns, look.fill.length - first))
    const fill =
      style === 'mixed' ? mixedFill(look, first, count, colours) : look.fill.subarray(first)
    paintFills(buffer, grid, fill, count, top, colours.ground)
    paintMarks(buffer, grid, look, colours, style, { first, count, top })
  }
}

/** Ground below the last painted row. */
export function clearBelow(buffer: PixelBuffer, grid: CellGrid, row: number, ground: number): void {
  const from = Math.min(row * grid.rowPx, buffer.height) * buffer.width
  buffer.pixels.fill(ground, from, buffer.height * buffer.width)
}

/** At one or two pixels a cell there is no room for a shape: what is staged tints the fill. */
function mixedFill(look: CellLook, first: number, count: number, colours: CellColours) {
  const fill = look.fill.slice(first, first + count)
  for (let i = 0; i < count; i++) {
    const share = (look.written[first + i] as number) + (look.zeroed[first + i] as number)
    if (share === 0) continue
    const staged = look.written[first + i] === 0 ? colours.zeroed : colours.written
    fill[i] = mixPixels(fill[i] as number, staged, 0.35 + 0.65 * Math.min(1, share / 255))
  }
  return fill
}

function paintFills(
  { pixels, width, height }: PixelBuffer,
  { cellPx, rowPx, gapPx }: CellGrid,
  fill: Uint32Array,
  count: number,
  top: number,
  ground: number,
): void {
  const start = top * width
  const inner = cellPx - gapPx
  let at = start
  for (let i = 0; i < count; i++) {
    const colour = fill[i] as number
    for (let k = 0; k < inner; k++) pixels[at++] = colour
    if (gapPx === 0) continue
    const gap = gapColour(colour, ground)
    for (let k = 0; k < gapPx; k++) pixels[at++] = gap
  }
  pixels.fill(ground, at, start + width)
  const lines = Math.min(rowPx, height - top)
  const filled = Math.min(rowPx - gapPx, lines)
  for (let line = 1; line < filled; line++) {
    pixels.copyWithin(start + line * width, start, start + width)
  }
  if (filled === lines) return
  const gapLine = start + filled * width
  at = gapLine
  for (let i = 0; i < count; i++) {
    const gap = gapColour(fill[i] as number, ground)
    for (let k = 0; k < cellPx; k++) pixels[at++] = gap
  }
  pixels.fill(ground, at, gapLine + width)
  for (let line = filled + 1; line < lines; line++) {
    pixels.copyWithin(start + line * width, gapLine, gapLine + width)
  }
}

/** Near enough to the cell that an area of one class reads as an area: 5/8 ground. */
function gapColour(fill: number, ground: number): number {
  const odd = (((fill & 0xff00ff) * 3 + (ground & 0xff00ff) * 5) >>> 3) & 0xff00ff
  const even = (((fill & 0x00ff00) * 3 + (ground & 0x00ff00) * 5) >>> 3) & 0x00ff00
  return (0xff000000 | odd | even) >>> 0
}

interface RowPlace {
  readonly first: number
  readonly count: number
  readonly top: number
}

function paintMarks(
  buffer: PixelBuffer,
  grid: CellGrid,
  look: CellLook,
  colours: CellColours,
  style: MarkStyle,
  { first, count, top }: RowPlace,
): void {
  for (let i = 0; i < count; i++) {
    const marks = look.marks[first + i] as number
    if (marks === 0) continue
    const left = i * grid.cellPx
    if (marks & MARK_UNKNOWN) hatch(buffer, grid, left, top, colours.unknown)
    if (style === 'mixed') continue
    if (marks & MARK_ZERO && style === 'full') dot(buffer, grid, left, top, colours.zeroDot)
    if (marks & MARK_STAGED) {
      const written = look.written[first + i] as number
      const zeroed = look.zeroed[first + i] as number
      stagedMark(buffer, grid, colours, style, { left, top, written, zeroed })
    }
  }
}

/** Diagonals that run on from cell to cell. */
function hatch(buffer: PixelBuffer, grid: CellGrid, left: number, top: number, colour: number) {
  const inner = grid.cellPx - grid.gapPx
  const period = 5 * grid.unit
  const bottom = Math.min(top + grid.rowPx - grid.gapPx, buffer.height)
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < left + inner; x++) {
      if ((x + y) % period < grid.unit) buffer.pixels[y * buffer.width + x] = colour
    }
  }
}

/** One dot in the middle of the cell. */
function dot(buffer: PixelBuffer, grid: CellGrid, left: number, top: number, colour: number) {
  const inner = grid.cellPx - grid.gapPx
  const side = Math.max(grid.unit, 2 * Math.floor(inner / 8))
  const x = left + Math.floor((inner - side) / 2)
  const y = top + Math.floor((grid.rowPx - grid.gapPx - side) / 2)
  fillRect(buffer, x, y, side, side, colour)
}

interface StagedMark {
  readonly left: number
  readonly top: number
  /** Shares in 1/255. */
  readonly written: number
  readonly zeroed: number
}

function stagedMark(
  buffer: PixelBuffer,
  grid: CellGrid,
  colours: CellColours,
  style: MarkStyle,
  { left, top, written, zeroed }: StagedMark,
): void {
  const { unit } = grid
  const inner = grid.cellPx - grid.gapPx
  const height = style === 'full' ? barHeight(inner, unit) : inner >= 5 * unit ? 2 * unit : unit
  const lengthOf = (share: number) =>
    share === 0 ? 0 : Math.max(2 * unit, Math.round((share / 255) * inner))
  const solid = Math.min(inner, lengthOf(written))
  const dashed = Math.min(inner - solid, lengthOf(zeroed))
  const y = top + grid.rowPx - grid.gapPx - height
  if (style === 'full') {
    fillRect(buffer, left, y - unit, inner, unit, colours.ground)
    const side = Math.max(4 * unit, Math.round(inner * 0.4))
    wedge(buffer, left, top, side + unit, { colour: colours.ground, hollow: 0 })
    wedge(buffer, left, top, side, {
      colour: written > 0 ? colours.written : colours.zeroed,
      hollow: written === 0 ? unit : 0,
    })
  }
  fillRect(buffer, left, y, solid, height, colours.written)
  const dash = 2 * unit
  for (let x = 0; x < dashed; x += 2 * dash) {
    fillRect(buffer, left + solid + x, y, Math.min(dash, dashed - x), height, colours.zeroed)
  }
}

const barHeight = (inner: number, unit: number) => Math.max(2 * unit, Math.round(inner / 5))

/** A triangle in the upper left corner; with `hollow` only its long edge, that thick. */
function wedge(
  { pixels, width, height }: PixelBuffer,
  left: number,
  top: number,
  side: number,
  { colour, hollow }: { colour: number; hollow: number },
): void {
  for (let y = 0; y < side && top + y < height; y++) {
    const from = hollow === 0 ? 0 : Math.max(0, side - y - 2 * hollow)
    for (let x = from; x < side - y; x++) pixels[(top + y) * width + left + x] = colour
  }
}

function fillRect(
  { pixels, width, height }: PixelBuffer,
  x: number,
  y: number,
  w: number,
  h: number,
  colour: number,
): void {
  const bottom = Math.min(y + h, height)
  // A few pixels at a time: a call of fill() for each line would cost more than the pixels.
  for (let line = y; line < bottom; line++) {
    const start = line * width + x
    for (let at = start; at < start + w; at++) pixels[at] = colour
  }
}
