import { expect, test } from 'vitest'
import { timeLeftText } from './time-left'

test('time left is rounded up, in units that a person waits in', () => {
  const left = (seconds: number) => timeLeftText({ done: 0, total: seconds * 10, rate: 10 })
  expect([0.2, 59, 60, 61, 3599, 3660, 400_000].map(left)).toEqual([
    '1 s left',
    '59 s left',
    '1 min left',
    '2 min left',
    '1 h 0 min left',
    '1 h 1 min left',
    'more than 100 h left',
  ])
})

test('nothing is promised without a rate, or when all is done', () => {
  expect(timeLeftText({ done: 0, total: 10, rate: 0 })).toBe('')
  expect(timeLeftText({ done: 10, total: 10, rate: 5 })).toBe('')
})
