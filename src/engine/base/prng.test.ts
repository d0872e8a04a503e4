import { expect, it } from 'vitest'
import { Prng } from './prng'

it('the same seed gives the same run, and another seed another', () => {
  const run = (seed: number) => Array.from({ length: 20 }, () => new Prng(seed).u32())
  const long = (seed: number) => new Prng(seed).fill(new Uint8Array(64))
  expect(run(1)).toEqual(run(1))
  expect(long(1)).toEqual(long(1))
  expect(long(1)).not.toEqual(long(2))
})

it('numbers stay below their limit and reach all of a small range and the top of a large one', () => {
  const prng = new Prng(3)
  const seen = new Set(Array.from({ length: 500 }, () => prng.below(7)))
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
  const large = Array.from({ length: 1000 }, () => prng.below(2 ** 53))
  expect(large.every((n) => Number.isSafeInteger(n) && n >= 0 && n < 2 ** 53)).toBe(true)
  expect(Math.max(...large)).toBeGreaterThan(2 ** 52)
  expect(large.some((n) => n % 2 === 1)).toBe(true)
  expect(prng.below(1)).toBe(0)
  expect([1, 2]).toContain(prng.pick([1, 2]))
})
