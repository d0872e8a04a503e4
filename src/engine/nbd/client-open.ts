// One connection from dialling to the transmission phase.

import type { Clock } from '../base/clock'
import type { PlatterError } from '../base/errors'
import { NbdClient } from './client'
import type { OpenGoal } from './client-handshake'
import { openExport } from './client-handshake'
import type { SecureTransport } from './run-handshake'
import { runHandshake } from './run-handshake'
import type { Transport } from './transport'

export type Dial = (signal?: AbortSignal) => Promise<Transport>

export interface ConnectOptions {
  readonly dial: Dial
  readonly goal: OpenGoal
  /** What encrypts a connection; has to be there when the goal wishes for TLS. */
  readonly secure?: SecureTransport | undefined
  readonly clock: Clock
  /** From the established connection to the end of the handshake. */
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

/** Rejects with NO_SERVER, EXPORT_UNKNOWN, TIMEOUT, PROTOCOL, REFUSED… `onClosed` as in NbdClient. */
export async function openNbdClient(
  options: ConnectOptions,
  onClosed: (error: PlatterError | undefined) => void,
  signal?: AbortSignal | undefined,
): Promise<NbdClient> {
  const { clock, requestTimeoutMs } = options
  return runHandshake({
    transport: await options.dial(signal),
    script: openExport(options.goal),
    clock,
    timeoutMs: options.connectTimeoutMs,
    signal,
    secure: options.secure,
    finish: (info, transport) => {
      const result = new NbdClient({ transport, info, clock, requestTimeoutMs, onClosed })
      return { result, events: result.events }
    },
  })
}
