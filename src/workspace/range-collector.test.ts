import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { endOf } from '../engine/base/ranges'
import { RangeCollector } from './range-collector'

describe('RangeCollector', () => {
  it('joins what overlaps and touches, and gives it out once', () => {
    const collector = new RangeCollector(10)
    collector.add({ offset: 100, length: 10 })
    collector.add({ offset: 0, length: 10 })
    collector.add({ offset: 10, length: 5 })
    expect(collector.take()).toEqual([
      { offset: 0, length: 15 },
      { offset: 100, length: 10 },
    ])
    expect(collector.isEmpty).toBe(true)
    expect(collector.take()).toEqual([])
  })

  for (const seed of [1, 2, 3]) {
    it(`never gives out more than its limit and never drops a byte (seed ${seed})`, () => {
      const random = new Prng(seed)
      const collector = new RangeCollector(8)
      const added: { offset: number; length: number }[] = []
      for (let i = 0; i < 500; i++) {
        const range = { offset: random.below(100_000), length: random.below(50) + 1 }
        added.push(range)
        collector.add(range)
      }
      const taken = collector.take()
      expect(taken.length).toBeLessThanOrEqual(8)
      for (const range of added) {
        const cover = taken.find((t) => t.offset <= range.offset && endOf(t) >= endOf(range))
        expect(cover).toBeDefined()
      }
      for (let i = 1; i < taken.length; i++) {
        expect(taken[i]!.offset).toBeGreaterThan(endOf(taken[i - 1]!))
      }
    })
  }

  it('bridges the narrowest gaps first', () => {
    const collector = new RangeCollector(2)
    for (const offset of [0, 12, 1000]) collector.add({ offset, length: 10 })
    expect(collector.take()).toEqual([
      { offset: 0, length: 22 },
      { offset: 1000, length: 10 },
    ])
  })
})
