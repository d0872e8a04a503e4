import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import {
  classOf,
  describeFlags,
  type Extent,
  ExtentList,
  listFromRanges,
  MAX_EXTENTS,
} from './extents'

const spans = (list: ExtentList) => list.toArray().map((e) => [e.offset, e.length, e.flags])

describe('an extent list', () => {
  it('joins what follows with the same status, and leaves out what is empty', () => {
    const list = new ExtentList(100)
    list.append(10, 0)
    list.append(0, 3)
    list.append(5, 0)
    list.append(7, 3)
    expect(spans(list)).toEqual([
      [100, 15, 0],
      [115, 7, 3],
    ])
    expect([list.count, list.end]).toEqual([2, 122])
  })

  it('takes of another list what lies between its end and the one given', () => {
    const other = new ExtentList(0)
    for (let i = 0; i < 10; i++) other.append(10, i % 2)
    const list = ExtentList.of(20, 5, 1)
    list.appendList(other, 52)
    expect(spans(list)).toEqual([
      [20, 5, 1],
      [25, 5, 0],
      [30, 10, 1],
      [40, 10, 0],
      [50, 2, 1],
    ])
    expect(() => list.appendList(ExtentList.of(60, 10, 0))).toThrow('do not meet')
    expect(() => list.append(-1, 0)).toThrow('extent of -1 bytes')
  })

  it('says when it is full', () => {
    const list = new ExtentList(0)
    for (let i = 0; i < MAX_EXTENTS; i++) list.append(1, i % 2)
    expect(list.isFull).toBe(true)
    list.append(1, (MAX_EXTENTS - 1) % 2)
    expect(() => list.append(1, MAX_EXTENTS % 2)).toThrow('full')
  })
})

describe('ranges in any order become a list', () => {
  for (let seed = 1; seed <= 20; seed++) {
    it(`that says the same of every byte (seed ${seed})`, () => {
      const prng = new Prng(seed)
      const bytes = new Uint8Array(200).fill(9)
      const ranges: Extent[] = []
      for (let at = prng.below(10); at < 190; ) {
        const length = Math.min(prng.below(20), 200 - at)
        const flags = prng.below(4)
        ranges.splice(prng.below(ranges.length + 1), 0, { offset: at, length, flags })
        bytes.fill(flags, at, at + length)
        at += length + prng.below(6)
      }
      const offset = prng.below(150)
      const length = 1 + prng.below(50)
      const list = listFromRanges(ranges, offset, length, 9)
      expect([list.offset, list.end]).toEqual([offset, offset + length])
      const said = new Uint8Array(200)
      for (const extent of list) {
        said.fill(extent.flags, extent.offset, extent.offset + extent.length)
      }
      expect([...said.subarray(offset, list.end)]).toEqual([...bytes.subarray(offset, list.end)])
    })
  }

  it('that ends early when there are too many', () => {
    const ranges = Array.from({ length: MAX_EXTENTS }, (_, i) => {
      return { offset: i * 2, length: 1, flags: 0 }
    })
    const list = listFromRanges(ranges, 0, 2 * MAX_EXTENTS, 3)
    expect(list.end).toBeGreaterThan(MAX_EXTENTS - 5)
    const other = new ExtentList(list.end)
    for (let i = 0; i < 10; i++) other.append(1, i % 2)
    list.appendList(other)
    expect([list.isFull, list.count]).toEqual([true, MAX_EXTENTS])
  })

  it('unless they overlap', () => {
    const ranges = [
      { offset: 10, length: 5, flags: 0 },
      { offset: 0, length: 11, flags: 3 },
    ]
    expect(() => listFromRanges(ranges, 0, 100, 0)).toThrow('extents overlap at offset 10')
  })
})

it('only a hole that reads as zeroes is a hole on the map', () => {
  expect([0, 1, 2, 3, 4, 7].map(classOf)).toEqual(['data', 'data', 'zero', 'hole', 'data', 'hole'])
  expect([0, 1, 2, 3, 4].map(describeFlags)).toEqual([
    'data',
    'hole',
    'zero',
    'hole,zero',
    'unknown',
  ])
})
