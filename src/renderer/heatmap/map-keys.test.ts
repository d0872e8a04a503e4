import { describe, expect, test } from 'vitest'
import { Prng } from '../../engine/base/prng'
import { layoutMap } from './layout'
import type { CellMove } from './map-keys'
import { anchorOf, cursorAfterMove, intentOfKey, moveCell } from './map-keys'
import { asCell, asPhysical } from './spaces'

const KiB = 1024

// 16 columns of 1 KiB, 10 rows in view, 100 cells and a bit.
const layout = layoutMap(
  100 * KiB + 1,
  { cellBytes: KiB, top: 0 },
  { width: asPhysical(16 * 10), height: asPhysical(100), dpr: 1, density: 'normal' },
)

const stroke = (key: string, more = {}) => ({
  key,
  code: '',
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
})

describe('keys', () => {
  test('move by cell, row, screen and disk', () => {
    expect(intentOfKey(stroke('ArrowLeft'))).toEqual({ kind: 'move', move: 'left', extend: false })
    expect(intentOfKey(stroke('End', { shiftKey: true }))).toEqual({
      kind: 'move',
      move: 'row-end',
      extend: true,
    })
    expect(intentOfKey(stroke('End', { metaKey: true }))).toMatchObject({ move: 'disk-end' })
  })

  test('W, A, S, D are places on the keyboard, whatever they write', () => {
    expect(intentOfKey(stroke('z', { code: 'KeyW' }))).toEqual({ kind: 'zoom', inwards: true })
    expect(intentOfKey(stroke('q', { code: 'KeyA' }))).toEqual({ kind: 'pan', screens: -0.25 })
    expect(intentOfKey(stroke('w', { code: 'KeyZ' }))).toBeUndefined()
  })

  test('with other modifiers belong to the page', () => {
    for (const key of ['s', '0', '+', '.', ' ', 'f', 'Enter']) {
      expect(intentOfKey(stroke(key, { ctrlKey: true, code: 'KeyS' }))).toBeUndefined()
      expect(intentOfKey(stroke(key, { altKey: true, code: 'KeyS' }))).toBeUndefined()
    }
    expect(intentOfKey(stroke('F6'))).toBeUndefined()
    expect(intentOfKey(stroke('Tab'))).toBeUndefined()
  })
})

describe('a move', () => {
  const go = (from: number, move: CellMove) => moveCell(layout, asCell(from), move)

  test('stays on the disk and, by rows, in its column', () => {
    const prng = new Prng(8)
    const moves = ['left', 'right', 'up', 'down', 'page-up', 'page-down'] as const
    expect(layout.cellCount).toBe(101)
    for (let i = 0; i < 1000; i++) {
      const from = prng.below(101)
      const move = prng.pick(moves)
      const to = go(from, move)
      expect(to).toBeGreaterThanOrEqual(0)
      expect(to).toBeLessThan(101)
      if (move !== 'left' && move !== 'right') expect(to % 16).toBe(from % 16)
    }
  })

  test('to the end of a short row ends at the last cell', () => {
    expect(go(97, 'row-end')).toBe(100)
    expect(go(20, 'row-end')).toBe(31)
    expect(go(20, 'row-start')).toBe(16)
    expect(go(95, 'down')).toBe(95)
    expect(go(84, 'down')).toBe(100)
    expect(go(0, 'disk-end')).toBe(100)
  })
})

test('a selection of cells grows from where it began and ends with the disk', () => {
  const start = { offset: 20 * KiB }
  const down = cursorAfterMove(layout, start, asCell(36), true)
  expect(down).toEqual({
    offset: 36 * KiB,
    selection: { offset: 20 * KiB, length: 17 * KiB },
  })
  expect(anchorOf(layout, down)).toBe(20)
  const back = cursorAfterMove(layout, down, asCell(10), true)
  expect(back).toEqual({
    offset: 10 * KiB,
    selection: { offset: 10 * KiB, length: 11 * KiB },
  })
  expect(anchorOf(layout, back)).toBe(20)
  expect(cursorAfterMove(layout, back, asCell(100), true).selection).toEqual({
    offset: 20 * KiB,
    length: 80 * KiB + 1,
  })
  expect(cursorAfterMove(layout, back, asCell(3), false)).toEqual({ offset: 3 * KiB })
})
