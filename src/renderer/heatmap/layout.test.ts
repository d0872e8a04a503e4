import { describe, expect, test } from 'vitest'
import { Prng } from '../../engine/base/prng'
import { cellAtPoint, nearestCell, outlineOfRun } from './hit-test'
import type { MapBox } from './layout'
import {
  cellAt,
  fitCellBytes,
  fitRange,
  layoutMap,
  rangeOfCell,
  rangeOfCells,
  rectOfCell,
  reveal,
  viewAtRow,
  visibleCells,
  zoomTo,
} from './layout'
import { asCell, asLogical, asOffset, asPhysical } from './spaces'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

const boxOf = (width: number, height: number, dpr = 1): MapBox => ({
  width: asPhysical(width),
  height: asPhysical(height),
  dpr,
  density: 'normal',
})
const box = boxOf(1100, 600)

test('a disk of few sectors gets larger cells, a larger one does not', () => {
  const cellPxOf = (size: number) =>
    layoutMap(size, { cellBytes: fitCellBytes(size, box), top: 0 }, box).cellPx
  expect(cellPxOf(4096)).toBeGreaterThan(16)
  expect(cellPxOf(4096)).toBeLessThanOrEqual(34)
  expect(cellPxOf(1_474_560)).toBeLessThan(17)
  expect(cellPxOf(GiB)).toBe(8)
})

test('cells grow taller where the whole disk leaves room, and only there', () => {
  const fitted = layoutMap(8 * GiB, { cellBytes: fitCellBytes(8 * GiB, box), top: 0 }, box)
  expect(fitted.rowPx).toBeGreaterThan(fitted.cellPx)
  expect(fitted.rowPx * fitted.rowCount).toBeLessThanOrEqual(600)
  const near = layoutMap(8 * GiB, { cellBytes: 65536, top: 0 }, box)
  expect(near.rowPx).toBe(near.cellPx)
})

test('columns are a power of two and cells a whole number of pixels', () => {
  for (const width of [100, 333, 640, 1023, 1024, 1100, 2000, 3840]) {
    const layout = layoutMap(8 * GiB, { cellBytes: MiB, top: 0 }, boxOf(width, 600))
    expect(Math.log2(layout.columns) % 1).toBe(0)
    expect(layout.columns * layout.cellPx).toBeLessThanOrEqual(width)
    expect(layout.cellPx).toBeGreaterThanOrEqual(8)
    expect(layout.cellPx).toBeLessThan(16 + 8)
  }
})

test('a screen of twice the pixels shows the same cells twice as sharp', () => {
  const view = { cellBytes: MiB, top: 0 }
  const plain = layoutMap(8 * GiB, view, boxOf(1100, 600))
  const sharp = layoutMap(8 * GiB, view, boxOf(2200, 1200, 2))
  expect(sharp.columns).toBe(plain.columns)
  expect(sharp.cellPx).toBeGreaterThanOrEqual(2 * plain.cellPx)
  expect(sharp.visibleRows).toBeLessThanOrEqual(plain.visibleRows)
})

test('the fit shows the whole disk with the smallest cells that can', () => {
  for (const size of [512, 100_000, 256 * MiB, 8 * GiB, 16 * 1024 * GiB, 2 ** 53 - 512]) {
    const cellBytes = fitCellBytes(size, box)
    const layout = layoutMap(size, { cellBytes, top: 0 }, box)
    expect(layout.rowCount).toBeLessThanOrEqual(layout.visibleRows)
    if (cellBytes > 512) {
      const finer = layoutMap(size, { cellBytes: cellBytes / 2, top: 0 }, box)
      expect(finer.rowCount).toBeGreaterThan(finer.visibleRows)
    }
  }
})

test('the last cell and the last row may be short, and nothing lies beyond them', () => {
  const layout = layoutMap(10 * MiB + 100, { cellBytes: MiB, top: 0 }, box)
  expect(layout.cellCount).toBe(11)
  expect(rangeOfCell(layout, asCell(10))).toEqual({ offset: 10 * MiB, length: 100 })
  expect(cellAt(layout, 10 * MiB + 99)).toBe(10)
  expect(rangeOfCells(layout, asCell(10), asCell(9))).toEqual({
    offset: 9 * MiB,
    length: MiB + 100,
  })
  const beyond = { x: asLogical(11.5 * layout.cellPx), y: asLogical(2) }
  expect(cellAtPoint(layout, beyond)).toBeUndefined()
  expect(nearestCell(layout, { x: asLogical(-50), y: asLogical(9999) })).toBe(10)
})

test('a point inside a cell finds the cell whose rectangle it is in', () => {
  const prng = new Prng(5)
  for (const dpr of [1, 1.25, 2]) {
    const layout = layoutMap(8 * GiB, { cellBytes: 65536, top: 3 * GiB }, boxOf(1100, 600, dpr))
    for (let i = 0; i < 200; i++) {
      const rows = layout.visibleRows * layout.columns
      const cell = asCell(layout.topRow * layout.columns + prng.below(rows))
      const rect = rectOfCell(layout, cell)
      const inside = (from: number, length: number) =>
        asLogical((from + prng.below(length) + 0.5) / dpr)
      const point = { x: inside(rect.x, rect.width), y: inside(rect.y, rect.height) }
      expect(cellAtPoint(layout, point)).toBe(cell)
    }
  }
})

describe('scrolling', () => {
  const layout = layoutMap(8 * GiB, { cellBytes: 65536, top: 0 }, box)

  test('stops at both ends', () => {
    expect(viewAtRow(layout, -5).top).toBe(0)
    const last = viewAtRow(layout, Number.MAX_SAFE_INTEGER)
    expect(last.top).toBe((layout.rowCount - layout.visibleRows) * layout.rowBytes)
    expect(layoutMap(8 * GiB, { cellBytes: 65536, top: 2 ** 53 - 1 }, box).topRow).toBe(
      layout.rowCount - layout.visibleRows,
    )
  })

  test('brings a cell into view with as few rows as it takes', () => {
    const top = 100 * layout.rowBytes
    const middle = layoutMap(8 * GiB, { cellBytes: 65536, top }, box)
    const at = (row: number) => reveal(middle, asCell(row * layout.columns)).top / layout.rowBytes
    expect(at(100)).toBe(100)
    expect(at(100 + layout.visibleRows - 1)).toBe(100)
    expect(at(99)).toBe(99)
    expect(at(100 + layout.visibleRows)).toBe(101)
  })

  test('draws the partial row below the last whole one', () => {
    expect(visibleCells(layout, box.height).count).toBe(
      Math.ceil(600 / layout.rowPx) * layout.columns,
    )
  })
})

test('a zoom keeps the row under the pointer where it is', () => {
  const prng = new Prng(11)
  const size = 64 * GiB
  for (let i = 0; i < 300; i++) {
    const anchor = asOffset(prng.below(size))
    const screenRow = prng.below(40)
    const view = zoomTo(size, 2 ** (9 + prng.below(14)), anchor, screenRow, box)
    const layout = layoutMap(size, view, box)
    const row = Math.floor(anchor / layout.rowBytes)
    const atAnEnd =
      layout.topRow === 0 || layout.topRow === Math.max(0, layout.rowCount - layout.visibleRows)
    if (!atAnEnd) expect(row - layout.topRow).toBe(screenRow)
    expect(row).toBeGreaterThanOrEqual(layout.topRow)
  }
})

test('the zoom ends at sectors and at the whole disk', () => {
  expect(zoomTo(8 * GiB, 1, asOffset(0), 0, box).cellBytes).toBe(512)
  expect(zoomTo(8 * GiB, 2 ** 50, asOffset(0), 0, box).cellBytes).toBe(fitCellBytes(8 * GiB, box))
})

test('a range is fitted with the smallest cells that hold all of it', () => {
  const prng = new Prng(3)
  const size = 64 * GiB
  for (let i = 0; i < 300; i++) {
    const offset = prng.below(size - 1)
    const length = 1 + prng.below(Math.min(size - offset, 2 ** prng.below(37)))
    const layout = layoutMap(size, fitRange(size, { offset, length }, box), box)
    expect(Math.floor(offset / layout.rowBytes)).toBeGreaterThanOrEqual(layout.topRow)
    const lastRow = Math.floor((offset + length - 1) / layout.rowBytes)
    expect(lastRow).toBeLessThan(layout.topRow + layout.visibleRows)
  }
  expect(fitRange(size, { offset: 5 * GiB, length: 1 }, box).cellBytes).toBe(512)
})

describe('the outline of a run', () => {
  const layout = layoutMap(8 * GiB, { cellBytes: MiB, top: 0 }, boxOf(8 * 64, 300))
  const cells = (first: number, last: number, rows = 10) =>
    outlineOfRun(layout, asCell(first), asCell(last), rows)
  const px = layout.cellPx
  const rowPx = layout.rowPx

  test('is a rectangle within a row', () => {
    expect(cells(2, 4)).toEqual([
      [
        [2 * px, 0],
        [5 * px, 0],
        [5 * px, rowPx],
        [2 * px, rowPx],
      ],
    ])
  })

  test('falls apart where a run turns around without overlap', () => {
    expect(cells(layout.columns - 2, layout.columns + 1)).toHaveLength(2)
    expect(cells(layout.columns - 2, 2 * layout.columns - 2)).toHaveLength(1)
  })

  test('has a step at both ends otherwise, and ends at what is drawn', () => {
    const [shape] = cells(3, 2 * layout.columns + 5)
    expect(shape).toHaveLength(8)
    const [cut] = cells(3, 50 * layout.columns, 4)
    expect(Math.max(...(cut ?? []).map(([, y]) => y))).toBe(4 * rowPx)
    expect(cells(11 * layout.columns, 12 * layout.columns)).toEqual([])
  })
})
