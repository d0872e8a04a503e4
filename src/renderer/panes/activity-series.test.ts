import { expect, test } from 'vitest'
import type { ActivityTick } from '../../bridge/model'
import { activitySeries, activityTotals, axisEnd, SPAN_STEPS, STEP_MS } from './activity-series'

const tick = (time: number, over: Partial<ActivityTick> = {}): ActivityTick => ({
  time,
  read: 0,
  written: 0,
  zeroed: 0,
  trimmed: 0,
  requests: 1,
  ...over,
})
const END = 1_000_000 * STEP_MS

test('ticks of one step add up, and written counts whatever changes the disk', () => {
  const ticks = [
    tick(END - 900, { read: 100 }),
    tick(END - 100, { read: 50, written: 1, zeroed: 2, trimmed: 4 }),
  ]
  expect(activitySeries(ticks, END).at(-1)).toEqual({ age: 0, read: 150, written: 7, requests: 2 })
})

test('no byte within the span is lost', () => {
  const ticks = Array.from({ length: 500 }, (_, i) => tick(END - 1 - i * 237, { read: 4096 }))
  const shown = activitySeries(ticks, END)
  expect(shown).toHaveLength(SPAN_STEPS)
  const inSpan = ticks.filter((each) => each.time >= END - SPAN_STEPS * STEP_MS)
  expect(shown.reduce((sum, point) => sum + point.read, 0)).toBe(inSpan.length * 4096)
})

test('what is older than the span, or in the step under way, is not drawn', () => {
  const ticks = [tick(END - SPAN_STEPS * STEP_MS - 1, { read: 9 }), tick(END + 5, { read: 9 })]
  expect(activitySeries(ticks, END).every((point) => point.read === 0)).toBe(true)
})

test('totals keep the verbs apart', () => {
  expect(
    activityTotals([tick(0, { read: 1, trimmed: 8 }), tick(1, { read: 2, zeroed: 4 })]),
  ).toEqual({
    read: 3,
    written: 0,
    zeroed: 4,
    trimmed: 8,
    requests: 2,
  })
})

test('an axis ends at a power of two that holds the largest value', () => {
  expect([0, 1024, 1025, 3 * 1024 * 1024].map(axisEnd)).toEqual([1024, 1024, 2048, 4 * 1024 * 1024])
})
