import { describe, expect, it } from 'vitest'
import type { Extent } from '../disk/extents'
import { formatMapJson, formatMapText, formatTotalsJson, formatTotalsText } from './map-rows'

const EXTENTS: Extent[] = [
  { offset: 0, length: 32768, flags: 0 },
  { offset: 32768, length: 32768, flags: 1 },
  { offset: 65536, length: 100, flags: 2 },
  { offset: 65636, length: 12_345_678_901, flags: 3 },
  { offset: 12_345_744_537, length: 5, flags: 9 },
]

const one = (part: number, whole: number): Extent[] => [
  { offset: 0, length: part, flags: 0 },
  { offset: part, length: whole - part, flags: 3 },
]

/** The percentage of the first row of each. */
const percents = (part: number, whole: number) => ({
  text: /(\S+)%/.exec(formatTotalsText(one(part, whole)))?.[1],
  json: /"percent": ([^,]+),/.exec(formatTotalsJson(one(part, whole)))?.[1],
})

describe('the map as nbdinfo prints it', () => {
  it('has right-aligned columns, and words where there are any', () => {
    expect(formatMapText(EXTENTS)).toBe(
      [
        '         0       32768    0  data',
        '     32768       32768    1  hole',
        '     65536         100    2  zero',
        '     65636  12345678901    3  hole,zero',
        '12345744537           5    9',
        '',
      ].join('\n'),
    )
  })

  it('is JSON with the same keys', () => {
    expect(formatMapJson(EXTENTS.slice(0, 2))).toBe(
      [
        '[',
        '{ "offset": 0, "length": 32768, "type": 0, "description": "data"},',
        '{ "offset": 32768, "length": 32768, "type": 1, "description": "hole"}',
        ']',
        '',
      ].join('\n'),
    )
    expect(JSON.parse(formatMapJson(EXTENTS))).toHaveLength(5)
  })

  it('sums up each type in the order of the numbers', () => {
    expect(formatTotalsText([...EXTENTS].reverse())).toBe(
      [
        '     32768   0.0%   0 data',
        '     32768   0.0%   1 hole',
        '       100   0.0%   2 zero',
        '12345678901 100.0%   3 hole,zero',
        '         5   0.0%   9',
        '',
      ].join('\n'),
    )
    expect(JSON.parse(formatTotalsJson(EXTENTS))[0]).toEqual({
      size: 32768,
      percent: 0.000265419,
      type: 0,
      description: 'data',
    })
  })

  it('is empty for an empty disk', () => {
    expect(formatMapText([])).toBe('')
    expect(formatMapJson([])).toBe('[\n\n]\n')
    expect(formatTotalsText([])).toBe('')
    expect(formatTotalsJson([])).toBe('[]\n')
  })

  it('rounds a percentage as C does, ties to even', () => {
    expect(percents(1, 16)).toEqual({ text: '6.2', json: '6.25' })
    expect(percents(3, 16)).toEqual({ text: '18.8', json: '18.75' })
    expect(percents(17, 256).json).toBe('6.64062')
    expect(percents(1, 3)).toEqual({ text: '33.3', json: '33.3333' })
    expect(percents(1, 1)).toEqual({ text: '100.0', json: '100' })
    expect(percents(1, 2 ** 40)).toEqual({ text: '0.0', json: '9.09495e-11' })
    expect(percents(1, 10_000)).toEqual({ text: '0.0', json: '0.01' })
    expect(percents(1, 1_000_000)).toEqual({ text: '0.0', json: '0.0001' })
    expect(percents(1, 10_000_000).json).toBe('1e-05')
    expect(percents(9_999_999, 10_000_000)).toEqual({ text: '100.0', json: '100' })
  })
})
