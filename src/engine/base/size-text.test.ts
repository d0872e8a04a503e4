import { describe, expect, it } from 'vitest'
import {
  formatExact,
  formatHex,
  formatPercent,
  formatSize,
  groupDigits,
  parseSize,
} from './size-text'

describe('a size in words', () => {
  for (const [text, bytes] of [
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['0x200', 512],
    [' 64K ', 65536],
    ['64k', 65536],
    ['64KiB', 65536],
    ['64KB', 65536],
    ['1.5G', 1.5 * 2 ** 30],
    ['2 TiB', 2 ** 41],
    ['0.5K', 512],
    ['7P', 7 * 2 ** 50],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ] as const) {
    it(`'${text}' is ${bytes} bytes`, () => {
      expect(parseSize(text, '--size')).toBe(bytes)
    })
  }

  for (const [text, why] of [
    ['', 'is not a size'],
    ['K', 'is not a size'],
    ['-1', 'is not a size'],
    ['1e3', 'is not a size'],
    ['12Q', 'is not a size'],
    ['0x', 'is not a size'],
    ['1.5', 'is not a whole number of bytes'],
    ['0.3K', 'is not a whole number of bytes'],
    ['8P', 'is above the largest supported'],
    ['9007199254740993', 'is above the largest supported'],
    ['0x20000000000000', 'is above the largest supported'],
  ] as const) {
    it(`'${text}' is refused: ${why}`, () => {
      expect(() => parseSize(text, '--size')).toThrow(`--size: '${text}' ${why}`)
    })
  }
})

it('a size is shown in its unit and never rounded up', () => {
  const shown = [0, 1, 1023, 1024, 1536, 1024 ** 2 - 1, 1024 ** 3, 2 ** 53 - 1].map((n) =>
    formatSize(n),
  )
  expect(shown).toEqual([
    '0 B',
    '1 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '1023.9 KiB',
    '1 GiB',
    '7.9 PiB',
  ])
  expect(formatSize(1300, 2)).toBe('1.26 KiB')
})

it('exact numbers are grouped', () => {
  expect([formatExact(1), formatExact(1234567)]).toEqual(['1 byte', '1,234,567 bytes'])
  expect([groupDigits(999), groupDigits(2 ** 53 - 1)]).toEqual(['999', '9,007,199,254,740,991'])
  expect([formatHex(0x1f4, 8), formatHex(0)]).toEqual(['0x000001F4', '0x0'])
})

it('a percentage is 0 or 100 only for nothing and for all', () => {
  const shown = [
    [0, 100],
    [0, 0],
    [1, 10_000],
    [1, 1000],
    [1, 3],
    [9990, 10_000],
    [9999, 10_000],
    [100, 100],
  ].map(([part, whole]) => formatPercent(part!, whole!))
  expect(shown).toEqual([
    '0.0 %',
    '0.0 %',
    '< 0.1 %',
    '0.1 %',
    '33.3 %',
    '99.9 %',
    '> 99.9 %',
    '100.0 %',
  ])
})
