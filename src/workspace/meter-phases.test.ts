import { expect, test } from 'vitest'
import type { CarryProgress } from './carry-into-base'
import { meterPhases, type PhaseProgress } from './meter-phases'

test('each phase of a commit has a rate of its own, and tells its end', () => {
  let now = 0
  const told: PhaseProgress[] = []
  const show = meterPhases({ now: () => now, after: () => () => {} }, (at) => told.push(at))
  const step = (phase: CarryProgress['phase'], done: number) => {
    now += 1000
    show({ phase, done, total: 4000 })
  }
  step('writing', 0)
  step('writing', 2000)
  step('writing', 4000)
  step('verifying', 0)
  step('verifying', 4000)
  const end = (phase: string, bytesPerSecond: number) => ({
    ...{ phase, done: 4000, total: 4000, bytesPerSecond, msLeft: 0 },
  })
  expect(told).toContainEqual({
    ...{ phase: 'writing', done: 2000, total: 4000, bytesPerSecond: 2000, msLeft: 1000 },
  })
  expect(told.filter(({ done }) => done === 4000)).toEqual([
    ...[end('writing', 2000), end('writing', 2000)],
    ...[end('verifying', 4000), end('verifying', 4000)],
  ])
})
