// Ticks of activity as points of a chart: bytes a second over equal steps of time. Pure.

import type { ActivityTick } from '../../bridge/model'

export interface ActivityPoint {
  /** Seconds before the end of the chart; 0 is now. */
  readonly age: number
  readonly read: number
  /** Written, zeroed and trimmed. */
  readonly written: number
  readonly requests: number
}

export const STEP_MS = 1000
export const SPAN_STEPS = 120

/**
 * The last SPAN_STEPS steps, oldest first. The step that `endMs` lies in is not over and is left out. A
 * tick stands for what happened up to its time; steps without ticks are zero.
 */
export function activitySeries(ticks: readonly ActivityTick[], endMs: number): ActivityPoint[] {
  const end = Math.floor(endMs / STEP_MS)
  const steps = Array.from({ length: SPAN_STEPS }, () => ({ read: 0, written: 0, requests: 0 }))
  for (const tick of ticks) {
    const step = steps[Math.floor(tick.time / STEP_MS) - (end - SPAN_STEPS)]
    if (step === undefined) continue
    step.read += tick.read
    step.written += tick.written + tick.zeroed + tick.trimmed
    step.requests += tick.requests
  }
  const perSecond = 1000 / STEP_MS
  return steps.map(({ read, written, requests }, index) => ({
    age: ((SPAN_STEPS - 1 - index) * STEP_MS) / 1000,
    read: read * perSecond,
    written: written * perSecond,
    requests: requests * perSecond,
  }))
}

export interface ActivityTotals {
  readonly read: number
  readonly written: number
  readonly zeroed: number
  readonly trimmed: number
  readonly requests: number
}

export function activityTotals(ticks: readonly ActivityTick[]): ActivityTotals {
  const sum = (of: (tick: ActivityTick) => number) =>
    ticks.reduce((total, tick) => total + of(tick), 0)
  return {
    read: sum((tick) => tick.read),
    written: sum((tick) => tick.written),
    zeroed: sum((tick) => tick.zeroed),
    trimmed: sum((tick) => tick.trimmed),
    requests: sum((tick) => tick.requests),
  }
}

/** A round upper end for an axis of bytes: a power of two, so that its half is round too. */
export const axisEnd = (largest: number): number =>
  2 ** Math.ceil(Math.log2(Math.max(largest, 1024)))
