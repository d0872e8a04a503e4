// Coming back after a loss: dials until it succeeds, with pauses that double up to a longest one, and
// gives up when the time for the whole of it is over, wherever an attempt stands then.

import type { Clock } from '../base/clock'
import { abortedError, PlatterError } from '../base/errors'

export interface ReconnectPolicy {
  /** From the loss to giving up: dials, handshakes and pauses together. */
  readonly limitMs: number
  /** Before the second dial; the first comes at once. Doubled each time. */
  readonly firstDelayMs: number
  /** Also how long a connection has to hold for its next loss to be a new one. */
  readonly longestDelayMs: number
}

export const DEFAULT_RECONNECT: ReconnectPolicy = {
  limitMs: 30_000,
  firstDelayMs: 100,
  longestDelayMs: 5000,
}

/** One loss, with those that follow it too soon to count as new. */
export interface Outage {
  readonly since: number
  /** Before the next dial. */
  delayMs: number
  attempts: number
}

export interface DialAgainOptions {
  readonly peer: string
  readonly clock: Clock
  readonly policy: ReconnectPolicy
  readonly outage: Outage
  /** Aborted: nobody wants the connection any more. */
  readonly over: AbortSignal
  /** Only one attempt. */
  readonly isLastTry?: boolean
  /** Resolves to why it failed, or to nothing when we are back; rejects when there is no use in another. */
  readonly attempt: (signal: AbortSignal) => Promise<Error | undefined>
}

/** Rejects with DISCONNECTED (data: waitedMs, attempts) after the limit, ABORTED, or as `attempt` does. */
export async function dialAgain(options: DialAgainOptions): Promise<void> {
  const { clock, policy, outage, over } = options
  const stop = new AbortController()
  const onOver = () => stop.abort(over.reason)
  const left = Math.max(0, outage.since + policy.limitMs - clock.now())
  const cancel = clock.after(left, () => stop.abort())
  over.addEventListener('abort', onOver, { once: true })
  if (over.aborted) onOver()
  let last: Error | undefined
  try {
    while (!stop.signal.aborted) {
      if (outage.attempts > 0) await pauseBefore(outage, policy, clock, stop.signal)
      if (stop.signal.aborted) break
      outage.attempts++
      const failure = await options.attempt(stop.signal)
      if (failure === undefined) return
      if (!stop.signal.aborted) last = failure
      if (options.isLastTry === true) break
    }
  } finally {
    cancel()
    over.removeEventListener('abort', onOver)
  }
  if (over.aborted) throw abortedError(over, 'reconnection')
  throw gaveUp(options, last)
}

function gaveUp({ peer, clock, outage }: DialAgainOptions, last: Error | undefined): PlatterError {
  const waitedMs = Math.round(clock.now() - outage.since)
  const { attempts } = outage
  const how = `${waitedMs} ms (${attempts} ${attempts === 1 ? 'attempt' : 'attempts'})`
  const why = last?.message ?? 'the server does not answer'
  return new PlatterError(
    'DISCONNECTED',
    `NBD ${peer}: the connection was lost and did not come back within ${how}: ${why}`,
    { cause: last, data: { waitedMs, attempts } },
  )
}

async function pauseBefore(
  outage: Outage,
  policy: ReconnectPolicy,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const ms = outage.delayMs
  outage.delayMs = Math.min(2 * ms, policy.longestDelayMs)
  await new Promise<void>((resolve) => {
    const stop = clock.after(ms, done)
    function done(): void {
      stop()
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}
