import { describe, expect, test } from 'vitest'
import { Prng } from '../../engine/base/prng'
import {
  clampTopRow,
  lastTopRow,
  rowOfThumb,
  SMALLEST_THUMB_PX,
  thumbOf,
  topRowShowing,
  wheelRows,
} from './scaled-scroll'

const LARGEST_ROWS = 2 ** 53 / 8

const shapeOf = (totalRows: number, visibleRows = 40, trackPx = 600) => ({
  totalRows,
  visibleRows,
  trackPx,
})

test('there is no thumb while everything fits', () => {
  expect(thumbOf(shapeOf(40), 0)).toBeUndefined()
  expect(lastTopRow(shapeOf(0))).toBe(0)
  expect(clampTopRow(shapeOf(0), 5)).toBe(0)
})

describe.each([41, 1000, 1_677_721, 2 ** 32, LARGEST_ROWS])('with %d rows', (totalRows) => {
  const shape = shapeOf(totalRows)
  const last = lastTopRow(shape)

  test('the thumb reaches both ends of the track and leads back to the first and last row', () => {
    const first = thumbOf(shape, 0)
    const end = thumbOf(shape, last)
    expect(first?.offsetPx).toBe(0)
    expect((end?.offsetPx ?? 0) + (end?.lengthPx ?? 0)).toBeCloseTo(600, 6)
    expect(first?.lengthPx).toBeGreaterThanOrEqual(SMALLEST_THUMB_PX)
    expect(rowOfThumb(shape, 0)).toBe(0)
    expect(rowOfThumb(shape, 600)).toBe(last)
    expect(rowOfThumb(shape, end?.offsetPx ?? 0)).toBe(last)
    expect(rowOfThumb(shape, -30)).toBe(0)
  })

  test('rows are whole, ordered as the thumb is, and never outside', () => {
    let before = 0
    for (let px = 0; px <= 600; px++) {
      const row = rowOfThumb(shape, px)
      expect(Number.isSafeInteger(row)).toBe(true)
      expect(row).toBeGreaterThanOrEqual(before)
      before = row
    }
    expect(before).toBe(last)
  })

  test('a step by one row is a step by one row anywhere', () => {
    const prng = new Prng(4)
    for (let i = 0; i < 100; i++) {
      const row = prng.below(last)
      expect(clampTopRow(shape, row + 1) - clampTopRow(shape, row)).toBe(1)
    }
  })

  test('a row is shown with the least scrolling', () => {
    const top = Math.floor(last / 2)
    expect(topRowShowing(shape, top, top)).toBe(top)
    expect(topRowShowing(shape, top, top + 39)).toBe(top)
    expect(topRowShowing(shape, top, top + 40)).toBe(top + 1)
    expect(topRowShowing(shape, top, Math.max(0, top - 3))).toBe(Math.max(0, top - 3))
    expect(topRowShowing(shape, top, totalRows - 1)).toBe(last)
  })
})

describe('the wheel', () => {
  const pixels = (deltaY: number) => ({ deltaY, deltaMode: 0 })

  test('adds up parts of a row and loses none', () => {
    let rest = 0
    let rows = 0
    for (let i = 0; i < 100; i++) {
      const step = wheelRows(pixels(7), rest, 20, 40)
      rows += step.rows
      rest = step.rest
    }
    expect(rows + rest).toBeCloseTo(35, 9)
  })

  test('answers at once when it turns around', () => {
    expect(wheelRows(pixels(-20), 0.9, 20, 40)).toEqual({ rows: -1, rest: 0 })
  })

  test('takes lines and pages as they are', () => {
    expect(wheelRows({ deltaY: 3, deltaMode: 1 }, 0, 20, 40).rows).toBe(3)
    expect(wheelRows({ deltaY: -1, deltaMode: 2 }, 0, 20, 40).rows).toBe(-39)
  })
})
