import { describe, expect, test } from 'vitest'
import type { RequestRow } from '../../../bridge/request-rows'
import {
  ALL_REQUESTS,
  durationText,
  filterRequests,
  isFiltering,
  placeOf,
  resultText,
  valuesOf,
} from './request-filter'

const [READ, WRITE, FLUSH] = [0, 1, 3]

const row = (change: Partial<RequestRow>): RequestRow => ({
  seq: 0,
  time: 0,
  client: 1,
  command: READ,
  flags: 0,
  offset: 4096,
  length: 512,
  errno: 0,
  durationMs: 1,
  ...change,
})

const ROWS = [
  row({ seq: 1, client: 12 }),
  row({ seq: 2, client: 2, command: WRITE }),
  row({ seq: 3, client: 12, command: WRITE, errno: 5 }),
  row({ seq: 4, client: 2, errno: 22 }),
]
const kept = (filter: Parameters<typeof filterRequests>[1]) =>
  filterRequests(ROWS, filter).map(({ seq }) => seq)

describe('a filter of requests', () => {
  test('keeps all of them in order when it says nothing', () => {
    expect(kept(ALL_REQUESTS)).toEqual([1, 2, 3, 4])
    expect(isFiltering(ALL_REQUESTS)).toBe(false)
  })

  test('keeps what fits everything that it says; command 0 is one too', () => {
    expect(kept({ command: READ, failuresOnly: false })).toEqual([1, 4])
    expect(kept({ client: 12, failuresOnly: false })).toEqual([1, 3])
    expect(kept({ client: 12, command: WRITE, failuresOnly: true })).toEqual([3])
    expect(kept({ failuresOnly: true })).toEqual([3, 4])
    expect(isFiltering({ command: READ, failuresOnly: false })).toBe(true)
  })

  test('offers each value once, by number', () => {
    expect(valuesOf(ROWS, 'client')).toEqual([2, 12])
    expect(valuesOf(ROWS, 'command')).toEqual([READ, WRITE])
  })
})

describe('the place of a request', () => {
  test('is what it was about, cut at the end of the disk', () => {
    expect(placeOf(row({}), 8192)).toEqual({ offset: 4096, length: 512 })
    expect(placeOf(row({ length: 2 ** 40 }), 8192)).toEqual({ offset: 4096, length: 4096 })
  })

  test('is none beyond the end, and none of a flush', () => {
    expect(placeOf(row({ offset: 8192 }), 8192)).toBeUndefined()
    expect(placeOf(row({ command: FLUSH, offset: 0, length: 0 }), 8192)).toBeUndefined()
  })
})

test('results and durations read the same width below a second', () => {
  expect([row({}), row({ errno: 28 })].map(resultText)).toEqual(['ok', 'ENOSPC'])
  expect([0.04, 12.3456, 1234.5].map(durationText)).toEqual(['0.040', '12.346', '1235'])
})
