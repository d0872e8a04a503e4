import type { Clock } from '../engine/base/clock'
import { type CopyProgress, ProgressMeter } from '../engine/copy/copy-progress'
import type { CarryProgress } from './carry-into-base'

export interface PhaseProgress extends CopyProgress {
  readonly phase: CarryProgress['phase']
}

/** Each phase of a commit goes over the bytes once, at a rate of its own. */
export function meterPhases(
  clock: Clock,
  report: (progress: PhaseProgress) => void,
): (progress: CarryProgress) => void {
  let phase: CarryProgress['phase'] | undefined
  let meter: ProgressMeter | undefined
  let before = 0
  return ({ phase: now, done, total }) => {
    if (meter === undefined || now !== phase) {
      meter = new ProgressMeter(0, { total, clock, report: (at) => report({ phase: now, ...at }) })
      phase = now
      before = 0
    }
    meter.add(done - before)
    before = done
    if (done === total) meter.tell()
  }
}
