import { describe, expect, it } from 'vitest'
import { Prng } from './prng'
import {
  alignDown,
  alignUp,
  type ByteRange,
  endOf,
  intersect,
  isAligned,
  isPowerOfTwo,
  joinRanges,
  splitByUnit,
} from './ranges'

it('powers of two are told from other numbers', () => {
  expect([1, 2, 4096, 2 ** 40, 2 ** 52].every(isPowerOfTwo)).toBe(true)
  expect([0, -2, 3, 0.5, 4097, 2 ** 53, Number.NaN, 2 ** 40 + 1].some(isPowerOfTwo)).toBe(false)
})

it('aligning moves to the multiple below or above, for any unit and far up', () => {
  for (const [value, unit, down, up] of [
    [0, 512, 0, 0],
    [511, 512, 0, 512],
    [512, 512, 512, 512],
    [1000, 300, 900, 1200],
    [2 ** 52 + 1, 4096, 2 ** 52, 2 ** 52 + 4096],
  ] as const) {
    expect([alignDown(value, unit), alignUp(value, unit)]).toEqual([down, up])
    expect(isAligned(value, unit)).toBe(down === value)
  }
})

it('two ranges meet in the bytes that are in both', () => {
  const range = { offset: 10, length: 10 }
  expect(intersect(range, { offset: 0, length: 11 })).toEqual({ offset: 10, length: 1 })
  expect(intersect(range, { offset: 12, length: 3 })).toEqual({ offset: 12, length: 3 })
  expect(intersect(range, { offset: 20, length: 5 })).toBe(undefined)
  expect(intersect(range, { offset: 15, length: 0 })).toBe(undefined)
})

it('a range is cut at the multiples of a unit', () => {
  expect([...splitByUnit({ offset: 5, length: 20 }, 10)]).toEqual([
    { offset: 5, length: 5 },
    { offset: 10, length: 10 },
    { offset: 20, length: 5 },
  ])
  expect([...splitByUnit({ offset: 5, length: 0 }, 10)]).toEqual([])
  expect(() => [...splitByUnit({ offset: 0, length: 1 }, 0)]).toThrow('not positive')
})

describe('joined ranges', () => {
  for (let seed = 1; seed <= 20; seed++) {
    it(`are sorted, apart, and cover the same bytes (seed ${seed})`, () => {
      const prng = new Prng(seed)
      const ranges: ByteRange[] = Array.from({ length: prng.below(12) }, () => ({
        offset: prng.below(60),
        length: prng.below(9),
      }))
      const covered = (list: readonly ByteRange[]) => {
        const bytes = new Set<number>()
        for (const range of list) for (let i = range.offset; i < endOf(range); i++) bytes.add(i)
        return [...bytes].sort((a, b) => a - b)
      }
      const joined = joinRanges(ranges)
      expect(covered(joined)).toEqual(covered(ranges))
      for (const [i, range] of joined.entries()) {
        expect(range.length).toBeGreaterThan(0)
        if (i > 0) expect(range.offset).toBeGreaterThan(endOf(joined[i - 1]!))
      }
    })
  }
})
