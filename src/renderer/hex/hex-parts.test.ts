import { describe, expect, test } from 'vitest'
import { Prng } from '../../engine/base/prng'
import { anchorOf, cursorAt, intentOfKey } from './hex-keys'
import { byteAtColumn, columnOf, hexWidth, moveCaret } from './hex-layout'
import { parseHexText, runsOf, textOf } from './hex-text'

describe('columns', () => {
  test.each([8, 16, 32])('of %d bytes lead back to their byte from both digits', (bytesPerRow) => {
    for (let i = 0; i < bytesPerRow; i++) {
      for (const part of [0, 1, 1.9]) {
        expect(byteAtColumn('hex', columnOf('hex', i) + part, bytesPerRow)).toBe(i)
      }
      expect(byteAtColumn('text', columnOf('text', i) + 0.5, bytesPerRow)).toBe(i)
    }
    expect(byteAtColumn('hex', -5, bytesPerRow)).toBe(0)
    expect(byteAtColumn('hex', 999, bytesPerRow)).toBe(bytesPerRow - 1)
  })

  test('leave a space more between groups of 8', () => {
    expect([0, 7, 8, 15].map((i) => columnOf('hex', i))).toEqual([0, 21, 25, 46])
    expect(hexWidth(16)).toBe(48)
  })
})

describe('the caret', () => {
  const at = { size: 1000, bytesPerRow: 16, visibleRows: 11 }

  test('never leaves the disk and moves by rows within its column', () => {
    const prng = new Prng(2)
    const moves = ['left', 'right', 'up', 'down', 'page-up', 'page-down'] as const
    for (let i = 0; i < 2000; i++) {
      const offset = prng.below(1000)
      const move = prng.pick(moves)
      const to = moveCaret(offset, move, at)
      expect(to).toBeGreaterThanOrEqual(0)
      expect(to).toBeLessThan(1000)
      if (move !== 'left' && move !== 'right') expect(to % 16).toBe(offset % 16)
    }
  })

  test('goes a page at a time, and as far as there are rows', () => {
    expect(moveCaret(500, 'page-down', at)).toBe(660)
    expect(moveCaret(500, 'page-up', at)).toBe(340)
    expect(moveCaret(990, 'page-down', at)).toBe(990)
    expect(moveCaret(980, 'down', at)).toBe(996)
    expect(moveCaret(5, 'page-up', at)).toBe(5)
  })

  test('goes to the ends of rows and of the disk', () => {
    expect(moveCaret(500, 'row-start', at)).toBe(496)
    expect(moveCaret(500, 'row-end', at)).toBe(511)
    expect(moveCaret(996, 'row-end', at)).toBe(999)
    expect(moveCaret(500, 'disk-end', at)).toBe(999)
    expect(moveCaret(500, 'disk-start', at)).toBe(0)
  })
})

test('a selection grows and shrinks around where it began', () => {
  let cursor = cursorAt({ offset: 10 }, 12, true)
  expect(cursor).toEqual({ offset: 12, selection: { offset: 10, length: 3 } })
  cursor = cursorAt(cursor, 8, true)
  expect(cursor).toEqual({ offset: 8, selection: { offset: 8, length: 3 } })
  expect(anchorOf(cursor)).toBe(10)
  cursor = cursorAt(cursor, 10, true)
  expect(cursor).toEqual({ offset: 10, selection: { offset: 10, length: 1 } })
  expect(cursorAt(cursor, 11, false)).toEqual({ offset: 11 })
})

describe('keys', () => {
  const stroke = (key: string, more = {}) => ({
    key,
    shiftKey: false,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    ...more,
  })

  test('write digits in the hex pane and characters in the text pane', () => {
    expect(intentOfKey(stroke('a'), 'hex')).toEqual({ kind: 'nibble', value: 10 })
    expect(intentOfKey(stroke('g'), 'hex')).toBeUndefined()
    expect(intentOfKey(stroke('g'), 'text')).toEqual({ kind: 'char', value: 0x67 })
    expect(intentOfKey(stroke('ä'), 'text')).toBeUndefined()
    expect(intentOfKey(stroke('@', { ctrlKey: true, altKey: true }), 'text')).toEqual({
      kind: 'char',
      value: 0x40,
    })
  })

  test('of the page pass by', () => {
    for (const key of ['z', 'c', 'v', 'g', 'Enter']) {
      expect(intentOfKey(stroke(key, { ctrlKey: true }), 'hex')).toBeUndefined()
    }
    expect(intentOfKey(stroke('ArrowLeft', { altKey: true }), 'hex')).toBeUndefined()
    expect(intentOfKey(stroke('F6'), 'text')).toBeUndefined()
  })
})

describe('hexadecimal text', () => {
  test.each([
    ['00 ff A1', [0, 255, 161]],
    ['0x12, 0x34', [0x12, 0x34]],
    ['\\x7f\\x45', [0x7f, 0x45]],
    ['deadbeef\n00', [0xde, 0xad, 0xbe, 0xef, 0]],
  ])('%j is read', (text, expected) => {
    expect([...parseHexText(text)]).toEqual(expected)
  })

  test.each(['', 'hello', '0', '12 3', '12 345'])('%j is refused', (text) => {
    expect(() => parseHexText(text)).toThrow(/^paste: /)
  })
})

test('runs cover a row without gaps', () => {
  expect(runsOf(Uint8Array.of(1, 1, 0, 2, 2))).toEqual([
    { from: 0, to: 2, style: 1 },
    { from: 2, to: 3, style: 0 },
    { from: 3, to: 5, style: 2 },
  ])
  expect(textOf(0x41)).toBe('A')
  expect(textOf(0x7f)).toBe('·')
})
