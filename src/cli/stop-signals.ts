import { hasCode, PlatterError } from '../engine/base/errors'

export interface StopSignals {
  /** Aborted by the first signal: end in good order. */
  readonly asked: AbortSignal
  /** Aborted by the second: wait for nobody. A third one ends the process where it stands. */
  readonly insisted: AbortSignal
}

const NAMES = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Takes over the signals that ask a program to end; called first, so that none is missed. */
export function catchStopSignals(): StopSignals {
  const asked = new AbortController()
  const insisted = new AbortController()
  const onSignal = (name: string) => {
    const reason = new PlatterError('ABORTED', `ended by ${name}`)
    if (!asked.signal.aborted) {
      asked.abort(reason)
      return
    }
    for (const other of NAMES) process.off(other, onSignal)
    insisted.abort(reason)
  }
  for (const name of NAMES) process.on(name, onSignal)
  return { asked: asked.signal, insisted: insisted.signal }
}

/** Runs what may be given up before it has begun to serve: that is an end in good order too. */
export async function unlessStopped(asked: AbortSignal, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!asked.aborted || !hasCode(error, 'ABORTED')) throw error
  }
}

/** Resolves when the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
