// Keeps one connection to the host: dials, says hello, and dials again when it is lost, waiting longer
// each time and giving up after a bounded number of attempts in a row. Nothing of the page is forgotten
// in between: the host keeps the sessions, and its answer to hello says how they are now.

import type { HostInfo } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import type { Clock } from '../../engine/base/clock'

/** A channel that is open, and the promise of its end. */
export interface Line {
  readonly peer: Peer
  /** Resolves with the reason when the channel is gone. */
  readonly closed: Promise<string>
  close(): void
}

export type Dial = () => Promise<Line>

/** Dialling again by itself is no use; a person has to do something first. */
export class HopelessError extends Error {}

export type ConnectionState =
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'connected' }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly delayMs: number; why: string }
  | { readonly kind: 'lost'; readonly why: string }

export interface ConnectionEvents {
  onState(state: ConnectionState): void
  /** Called for every new connection, before the state says `connected`. */
  onHello(peer: Peer, hello: HostInfo): void
}

export const FIRST_DELAY_MS = 250
export const LONGEST_DELAY_MS = 8000
export const MAX_ATTEMPTS = 20
export const HELLO_TIMEOUT_MS = 10_000

export interface Connection {
  /** Dials at once: while it waits, or after it has given up. */
  retry(): void
  stop(): void
}

export function keepConnected(dial: Dial, clock: Clock, events: ConnectionEvents): Connection {
  let stopped = false
  let attempt = 0
  let callOff = () => {}
  let line: Line | undefined
  let resting = false

  const fail = (why: string, hopeless = false) => {
    line?.close()
    line = undefined
    if (stopped) return
    attempt++
    resting = true
    if (hopeless || attempt >= MAX_ATTEMPTS) return events.onState({ kind: 'lost', why })
    const delayMs = delayBefore(attempt)
    events.onState({ kind: 'waiting', attempt, delayMs, why })
    callOff = clock.after(delayMs, start)
  }

  const start = () => {
    resting = false
    events.onState({ kind: 'connecting', attempt })
    connectOnce().catch((error: unknown) => fail(reasonOf(error), error instanceof HopelessError))
  }

  const connectOnce = async () => {
    const opened = await dial()
    if (stopped) return opened.close()
    line = opened
    const hello = await sayHello(opened, clock)
    if (stopped) return
    attempt = 0
    events.onHello(opened.peer, hello)
    events.onState({ kind: 'connected' })
    fail(await opened.closed)
  }

  start()
  return {
    retry() {
      if (!resting || stopped) return
      callOff()
      attempt = 0
      start()
    },
    stop() {
      stopped = true
      callOff()
      line?.close()
    },
  }
}

export const delayBefore = (attempt: number): number =>
  Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1))

async function sayHello(line: Line, clock: Clock): Promise<HostInfo> {
  let callOff = () => {}
  const refused = new Promise<never>((_, reject) => {
    callOff = clock.after(HELLO_TIMEOUT_MS, () => {
      reject(new Error(`the host did not answer in ${HELLO_TIMEOUT_MS / 1000} s`))
    })
    void line.closed.then((why) => reject(new Error(why)))
  })
  try {
    const { value } = await Promise.race([line.peer.request('host.hello', {}), refused])
    return value
  } finally {
    callOff()
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
