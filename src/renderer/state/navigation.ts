// Where a person has been on a disk: Back and Forward of the Go menu. Pure.

export interface NavigationHistory {
  readonly back: readonly number[]
  readonly forward: readonly number[]
  /** When the last step was taken: quick steps one after the other are one visit. */
  readonly steppedAt: number
}

export const NO_HISTORY: NavigationHistory = {
  back: [],
  forward: [],
  steppedAt: Number.NEGATIVE_INFINITY,
}

/** Steps below this distance are reading, not travelling. */
export const NEAR_BYTES = 4096
/** Steps in a row within this time (arrow keys, a drag) are kept as one. */
export const SAME_VISIT_MS = 800
const MAX_PLACES = 200

export function visit(
  history: NavigationHistory,
  from: number,
  to: number,
  nowMs: number,
): NavigationHistory {
  if (Math.abs(from - to) < NEAR_BYTES) return history
  const sameVisit = nowMs - history.steppedAt < SAME_VISIT_MS && history.back.length > 0
  const back = sameVisit ? history.back : [...history.back, from].slice(-MAX_PLACES)
  return { back, forward: [], steppedAt: nowMs }
}

export interface NavigationStep {
  readonly history: NavigationHistory
  readonly offset: number
}

export function goBack(history: NavigationHistory, here: number): NavigationStep | undefined {
  const offset = history.back.at(-1)
  if (offset === undefined) return undefined
  const { steppedAt } = NO_HISTORY
  const back = history.back.slice(0, -1)
  return { offset, history: { back, forward: [...history.forward, here], steppedAt } }
}

export function goForward(history: NavigationHistory, here: number): NavigationStep | undefined {
  const offset = history.forward.at(-1)
  if (offset === undefined) return undefined
  const { steppedAt } = NO_HISTORY
  const forward = history.forward.slice(0, -1)
  return { offset, history: { back: [...history.back, here], forward, steppedAt } }
}
