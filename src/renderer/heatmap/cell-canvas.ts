// The canvas of the cells. Keeps the pixels and the looks that are on it, and paints only the rows whose
// looks have changed; nothing at all when none has.

import type { CellsView } from '../data/resample'
import type { CellColours, CellLook } from './cell-colours'
import { lookOfCells, makeCellLook } from './cell-colours'
import type { MapLayout } from './layout'
import type { CellGrid } from './paint'
import { paintRows } from './paint'

export interface CellScene {
  readonly layout: MapLayout
  /** Of the canvas, physical pixels. */
  readonly width: number
  readonly height: number
  readonly cells: CellsView
  readonly cellCount: number
  readonly colours: CellColours
}

export class CellCanvas {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  #image: ImageData | undefined
  #pixels = new Uint32Array(0)
  #look: CellLook = makeCellLook(0)
  #spare: CellLook = makeCellLook(0)
  #grid: CellGrid | undefined
  #colours: CellColours | undefined

  constructor(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D) {
    this.#canvas = canvas
    this.#context = context
  }

  /** The number of rows that were painted. */
  paint(scene: CellScene): number {
    const { layout, cells, cellCount, colours } = scene
    const grid: CellGrid = {
      columns: layout.columns,
      cellPx: layout.cellPx,
      rowPx: layout.rowPx,
      gapPx: layout.gapPx,
      unit: Math.max(1, Math.round(layout.dpr)),
    }
    const isSame = !this.#resize(scene) && sameGrid(grid, this.#grid) && colours === this.#colours
    const before = this.#look
    const look = this.#spare.fill.length === cellCount ? this.#spare : makeCellLook(cellCount)
    lookOfCells(cells.columns, cells.from, cellCount, colours, look)
    this.#look = look
    this.#spare = before
    this.#grid = grid
    this.#colours = colours
    const rows = Math.ceil(scene.height / grid.rowPx)
    if (!isSame || before.fill.length !== cellCount) return this.#paintRun(scene, grid, 0, rows)
    return this.#paintChanged(scene, grid, before, rows)
  }

  #paintChanged(scene: CellScene, grid: CellGrid, before: CellLook, rows: number): number {
    let painted = 0
    for (let row = 0; row < rows; row++) {
      if (sameRow(before, this.#look, row * grid.columns, grid.columns)) continue
      let end = row + 1
      while (end < rows && !sameRow(before, this.#look, end * grid.columns, grid.columns)) end++
      painted += this.#paintRun(scene, grid, row, end)
      row = end
    }
    return painted
  }

  #paintRun(
    { width, height, colours }: CellScene,
    grid: CellGrid,
    from: number,
    to: number,
  ): number {
    if (this.#image === undefined) return 0
    const buffer = { pixels: this.#pixels, width, height }
    paintRows(buffer, grid, this.#look, colours, from, to)
    const top = from * grid.rowPx
    this.#context.putImageData(this.#image, 0, 0, 0, top, width, (to - from) * grid.rowPx)
    return to - from
  }

  /** True when the canvas is new and empty. */
  #resize({ width, height }: CellScene): boolean {
    if (this.#image?.width === width && this.#image.height === height) return false
    this.#canvas.width = width
    this.#canvas.height = height
    this.#image = width > 0 && height > 0 ? new ImageData(width, height) : undefined
    this.#pixels = new Uint32Array(this.#image?.data.buffer ?? new ArrayBuffer(0))
    return true
  }
}

const sameGrid = (a: CellGrid, b: CellGrid | undefined) =>
  b !== undefined &&
  a.columns === b.columns &&
  a.cellPx === b.cellPx &&
  a.rowPx === b.rowPx &&
  a.gapPx === b.gapPx &&
  a.unit === b.unit

function sameRow(a: CellLook, b: CellLook, first: number, count: number): boolean {
  const end = Math.min(first + count, a.fill.length)
  for (let i = first; i < end; i++) {
    if (
      a.fill[i] !== b.fill[i] ||
      a.marks[i] !== b.marks[i] ||
      a.written[i] !== b.written[i] ||
      a.zeroed[i] !== b.zeroed[i]
    ) {
      return false
    }
  }
  return true
}
