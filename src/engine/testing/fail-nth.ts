import type { Fault } from '../layers/fault'

/** Far above the calls of any one operation under test; reaching it is a loop that never completes. */
const MOST_CALLS = 10_000

/**
 * Lets the first matching call of an operation fail, then the second, and so on, until the operation
 * completes without meeting the fault. `attempt` starts from the same state each time, arms the fault,
 * checks what must hold, and resolves with whether the fault struck. Resolves with how often it did.
 */
export async function failNth(
  fault: Omit<Fault, 'nth' | 'times'>,
  attempt: (fault: Fault) => Promise<boolean>,
): Promise<number> {
  for (let nth = 1; nth < MOST_CALLS; nth++) {
    if (!(await attempt({ ...fault, nth, times: 1 }))) return nth - 1
  }
  throw new Error(`the operation still fails at its call ${MOST_CALLS}`)
}

/** What a call rejected with; `undefined` when it resolved. */
export const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  )

/** True once every promise that is not held up by anything had its turn; for proving that one waits. */
export async function isPending(call: Promise<unknown>): Promise<boolean> {
  let pending = true
  void call.then(
    () => {
      pending = false
    },
    () => {
      pending = false
    },
  )
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  return pending
}
