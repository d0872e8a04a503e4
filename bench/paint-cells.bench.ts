// How long a frame of the map takes beside the plain copy of its pixels, for a 1920×1080 map at three
// sizes of cell. `look` is from byte counts to colours, `paint` from colours to pixels; a frame is both.
import { bench, describe } from 'vitest'
import { makeCellColumns } from '../src/bridge/frames'
import { CELL_CLASSES } from '../src/bridge/model'
import { Prng } from '../src/engine/base/prng'
import { lookOfCells, makeCellColours, makeCellLook } from '../src/renderer/heatmap/cell-colours'
import { paintRows } from '../src/renderer/heatmap/paint'
import { PALETTES } from '../src/renderer/theme/palette'

const WIDTH = 1920
const HEIGHT = 1080
const CELL_BYTES = 1 << 20

const colours = makeCellColours(PALETTES.dark, undefined)

function randomCells(count: number) {
  const prng = new Prng(count)
  const columns = makeCellColumns(CELL_BYTES, count)
  for (let i = 0; i < count; i++) {
    let left = CELL_BYTES
    for (const name of ['data', 'zero', 'hole'] as const) {
      const part = name === 'hole' || prng.bool() ? left : prng.below(left)
      columns[name][i] = part
      left -= part
    }
    if (prng.bool(0.05)) columns[prng.pick(CELL_CLASSES.slice(4))][i] = prng.below(CELL_BYTES)
  }
  return columns
}

describe.each([
  { columns: 128, cellPx: 15, gapPx: 1 },
  { columns: 256, cellPx: 7, gapPx: 1 },
  { columns: 512, cellPx: 3, gapPx: 0 },
])('1920×1080 with $columns columns', ({ columns, cellPx, gapPx }) => {
  const rows = Math.ceil(HEIGHT / cellPx)
  const count = rows * columns
  const cells = randomCells(count)
  const look = makeCellLook(count)
  const buffer = { pixels: new Uint32Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT }
  const copy = new Uint32Array(WIDTH * HEIGHT)
  const grid = { columns, cellPx, rowPx: cellPx, gapPx, unit: 1 }
  lookOfCells(cells, 0, count, colours, look)

  bench('copy of the pixels', () => copy.set(buffer.pixels))
  bench('look', () => lookOfCells(cells, 0, count, colours, look))
  bench('paint', () => paintRows(buffer, grid, look, colours, 0, rows))
})
