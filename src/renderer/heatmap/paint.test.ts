import { describe, expect, test } from 'vitest'
import { makeCellColumns } from '../../bridge/frames'
import type { CellClass } from '../../bridge/model'
import { Prng } from '../../engine/base/prng'
import { PALETTES } from '../theme/palette'
import { pixelOf } from '../theme/palette-colour'
import { lookOfCells, makeCellColours, makeCellLook } from './cell-colours'
import type { CellGrid } from './paint'
import { clearBelow, paintRows } from './paint'

const palette = PALETTES.dark
const colours = makeCellColours(palette, undefined)
const CELL = 1024

type Shares = Partial<Record<CellClass, number>>

function lookOf(cells: readonly Shares[], solo?: CellClass) {
  const columns = makeCellColumns(CELL, cells.length)
  cells.forEach((cell, i) => {
    for (const [name, bytes] of Object.entries(cell)) columns[name as CellClass][i] = bytes
  })
  const look = makeCellLook(cells.length)
  const chosen = solo === undefined ? colours : makeCellColours(palette, solo)
  lookOfCells(columns, 0, cells.length, chosen, look)
  return look
}

function paint(cells: readonly Shares[], grid: Partial<CellGrid>, width: number, height: number) {
  const pixels = new Uint32Array(width * height).fill(1)
  const square = { columns: cells.length, cellPx: 4, gapPx: 0, unit: 1, ...grid }
  const whole = { rowPx: square.cellPx, ...square }
  const rows = Math.ceil(height / whole.rowPx)
  paintRows({ pixels, width, height }, whole, lookOf(cells), colours, 0, rows)
  return pixels
}

const DATA = pixelOf(palette.data)
const ZERO = pixelOf(palette.zero)
const HOLE = pixelOf(palette.hole)
const GROUND = pixelOf(palette.ground)
const STAGED = pixelOf(palette.staged)

/** A gap is 3/8 of its cell and 5/8 ground. */
const gapOf = (fill: number) =>
  [0, 8, 16].reduce((pixel, shift) => {
    const channel = (p: number) => (p >>> shift) & 255
    return (pixel | (((channel(fill) * 3 + channel(GROUND) * 5) >> 3) << shift)) >>> 0
  }, 0xff000000)

const lightness = (pixel: number) => (pixel & 255) + ((pixel >> 8) & 255) + ((pixel >> 16) & 255)

describe('the fill of a cell', () => {
  const fillOf = (cell: Shares, solo?: CellClass) => lookOf([cell], solo).fill[0] as number

  test('of one class is its colour', () => {
    expect(fillOf({ data: CELL })).toBe(DATA)
    expect(fillOf({ zero: CELL })).toBe(ZERO)
    expect(fillOf({ hole: CELL })).toBe(HOLE)
  })

  test('shows a single byte of data among any number of others', () => {
    for (const other of ['hole', 'zero'] as const) {
      const trace = fillOf({ data: 1, [other]: CELL - 1 })
      expect(lightness(trace) - lightness(fillOf({ [other]: CELL }))).toBeGreaterThan(15)
    }
    expect(fillOf({ zero: 1, hole: CELL - 1 })).not.toBe(HOLE)
  })

  test('shows a single byte that is not data', () => {
    expect(fillOf({ data: CELL - 1, hole: 1 })).not.toBe(DATA)
    expect(fillOf({ zero: CELL - 1, hole: 1 })).not.toBe(ZERO)
  })

  test('gets lighter with every bit of data', () => {
    for (const other of ['hole', 'zero'] as const) {
      let last = -1
      for (let data = 0; data <= CELL; data += 16) {
        const now = lightness(fillOf({ data, [other]: CELL - data }))
        expect(now).toBeGreaterThanOrEqual(last)
        last = now
      }
    }
  })

  test('does not jump where two classes are equal', () => {
    const a = fillOf({ data: 100, zero: 463, hole: 461 })
    const b = fillOf({ data: 100, zero: 461, hole: 463 })
    expect(Math.abs(lightness(a) - lightness(b))).toBeLessThan(12)
  })

  test('of half data over a hole is not taken for zeroes', () => {
    const half = fillOf({ data: CELL / 2, hole: CELL / 2 })
    const blueOverRed = (pixel: number) => ((pixel >> 16) & 255) - (pixel & 255)
    expect(blueOverRed(half)).toBeGreaterThan(blueOverRed(ZERO) + 40)
  })

  test('keeps its colour for the class that is singled out and loses it for the others', () => {
    expect(fillOf({ data: CELL }, 'data')).toBe(DATA)
    const dimmed = lightness(fillOf({ data: CELL }, 'zero'))
    expect(dimmed).toBeLessThan(lightness(DATA) / 2)
    expect(lightness(fillOf({ data: 1, zero: CELL - 1 }, 'data'))).toBeGreaterThan(
      lightness(fillOf({ zero: CELL }, 'data')) + 20,
    )
  })
})

describe('painting', () => {
  test('fills whole cells, gaps and the rest of each line', () => {
    const pixels = paint([{ data: CELL }, { hole: CELL }], { cellPx: 3, gapPx: 1 }, 8, 4)
    const [d, h] = [gapOf(DATA), gapOf(HOLE)]
    const line = [DATA, DATA, d, HOLE, HOLE, h, GROUND, GROUND]
    const gap = [d, d, d, h, h, h, GROUND, GROUND]
    const empty = new Array(8).fill(GROUND)
    expect([...pixels]).toEqual([...line, ...line, ...gap, ...empty])
  })

  test('covers every pixel of the rows it is asked for and none besides', () => {
    const width = 20
    const pixels = new Uint32Array(width * 12).fill(1)
    const grid = { columns: 4, cellPx: 4, rowPx: 4, gapPx: 0, unit: 1 }
    const look = lookOf(new Array(12).fill({ data: CELL }))
    paintRows({ pixels, width, height: 12 }, grid, look, colours, 1, 2)
    expect(pixels.subarray(0, 4 * width).every((p) => p === 1)).toBe(true)
    expect(pixels.subarray(4 * width, 8 * width).includes(1)).toBe(false)
    expect(pixels.subarray(8 * width).every((p) => p === 1)).toBe(true)
    clearBelow({ pixels, width, height: 12 }, grid, 2, colours.ground)
    expect(pixels.subarray(8 * width).every((p) => p === GROUND)).toBe(true)
  })

  test('a large cell has a bar as long as the staged share, never below 2 px', () => {
    const cells = [
      { hole: CELL, written: CELL },
      { hole: CELL, written: CELL / 2 },
    ]
    const pixels = paint([...cells, { hole: CELL, written: 1 }], { cellPx: 10 }, 30, 10)
    const last = [...pixels.subarray(9 * 30, 10 * 30)]
    const count = (cell: number) =>
      last.slice(cell * 10, cell * 10 + 10).filter((p) => p === STAGED).length
    expect([count(0), count(1), count(2)]).toEqual([10, 5, 2])
    expect(pixels[20]).toBe(STAGED)
  })

  test('zeroed blocks are dashed where written ones are solid', () => {
    const pixels = paint([{ data: CELL, zeroed: CELL }], { cellPx: 8 }, 8, 8)
    const [s, d] = [STAGED, DATA]
    expect([...pixels.subarray(56, 64)]).toEqual([s, s, d, d, s, s, d, d])
  })

  test('a small cell has its lowest line, the smallest a tint that grows with the share', () => {
    const small = paint([{ data: CELL, written: CELL }], { cellPx: 4 }, 4, 4)
    expect([...small]).toEqual([...new Array(12).fill(DATA), ...new Array(4).fill(STAGED)])
    const tints = [1, CELL / 2, CELL].map(
      (written) => paint([{ hole: CELL, written }], { cellPx: 1 }, 1, 1)[0] as number,
    )
    expect(tints[2]).toBe(STAGED)
    const [trace = 0, half = 0] = tints.map(lightness)
    expect(trace - lightness(HOLE)).toBeGreaterThan(150)
    expect(half).toBeGreaterThan(trace)
  })

  test('what is not surveyed is a hatch over the ground, not a colour of its own', () => {
    const pixels = paint([{ unknown: CELL }], { cellPx: 10 }, 10, 10)
    const unknown = pixelOf(palette.unknown)
    expect(pixels.filter((p) => p === unknown)).toHaveLength(20)
    expect(pixels.filter((p) => p === GROUND)).toHaveLength(80)
  })

  test('painting part by part gives the same pixels as painting at once', () => {
    const prng = new Prng(21)
    const classes = ['data', 'zero', 'hole', 'unknown', 'written', 'zeroed'] as const
    for (let round = 0; round < 40; round++) {
      const columns = 2 ** prng.below(4)
      const cellPx = 1 + prng.below(12)
      const rowPx = cellPx + prng.below(cellPx)
      const grid = { columns, cellPx, rowPx, gapPx: prng.below(2), unit: 1 }
      if (grid.gapPx >= grid.cellPx) continue
      const cells = Array.from({ length: columns * 3 + prng.below(columns) }, () => ({
        [prng.pick(classes)]: prng.below(CELL),
        [prng.pick(classes)]: CELL,
      }))
      const width = columns * grid.cellPx + prng.below(9)
      const height = 3 * grid.rowPx + prng.below(30)
      const look = lookOf(cells)
      const rows = Math.ceil(height / grid.rowPx)
      const once = { pixels: new Uint32Array(width * height), width, height }
      paintRows(once, grid, look, colours, 0, rows)
      const parts = { pixels: new Uint32Array(width * height), width, height }
      for (let row = rows - 1; row >= 0; row--) {
        paintRows(parts, grid, look, colours, row, row + 1)
      }
      expect(parts.pixels).toEqual(once.pixels)
    }
  })
})
