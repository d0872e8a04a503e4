// From dialling to the transmission phase: one connection, or as many as are wanted and allowed.

import type { Clock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { NbdClient } from './client'
import type { OpenGoal } from './client-handshake'
import { openExport } from './client-handshake'
import type { LinkOptions } from './client-link'
import { NbdLink } from './client-link'
import { NbdPool } from './client-pool'
import type { NbdRequests } from './client-requests'
import * as nbd from './constants'
import type { ExportInfo } from './export-info'
import { changeOfExport } from './export-info'
import type { ReconnectPolicy } from './reconnect'
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

/** Connections to one export at the same time: what the specification's clients use at most. */
export const MAX_CONNECTIONS = 16

export interface PoolOptions {
  readonly connections: number
  readonly insist: boolean
  readonly readOnly: boolean
  readonly reconnect?: ReconnectPolicy | undefined
  readonly onTrouble?: ((error: PlatterError | undefined) => void) | undefined
  /** Once, when the first connection is over for good, or all are closed. */
  readonly onClosed: (error: PlatterError | undefined) => void
}

/** The first connection decides what the export is; the others have to find the same. */
export async function openNbdRequests(
  options: ConnectOptions,
  pool: PoolOptions,
  signal?: AbortSignal | undefined,
): Promise<{ requests: NbdRequests; info: ExportInfo }> {
  const { connections } = pool
  if (!Number.isInteger(connections) || connections < 1 || connections > MAX_CONNECTIONS) {
    const why = `${connections} connections: 1 to ${MAX_CONNECTIONS} are possible`
    throw new PlatterError('LIMIT', `NBD: ${why}`)
  }
  const linkOptions = linksTogether(options, pool)
  const first = await NbdLink.open(linkOptions(), signal)
  const { info } = first
  if (connections === 1 || !mayHaveSeveral(info, pool)) return { requests: first, info }
  const opening = Array.from({ length: connections - 1 }, () => NbdLink.open(linkOptions(), signal))
  const opened = await Promise.allSettled(opening)
  const links = [first, ...opened.flatMap((o) => (o.status === 'fulfilled' ? [o.value] : []))]
  const failure = opened.find((outcome) => outcome.status === 'rejected')
  const change = links.map((link) => changeOfExport(info, link.info)).find((c) => c !== undefined)
  if (failure === undefined && change === undefined) return { requests: new NbdPool(links), info }
  await Promise.all(links.map((link) => link.disconnect()))
  if (failure !== undefined) throw failure.reason
  throw new PlatterError('TARGET_CHANGED', `NBD ${first.peer}: on another connection ${change}`)
}

function mayHaveSeveral(info: ExportInfo, { insist, readOnly }: PoolOptions): boolean {
  const has = (flag: number) => (info.flags & flag) !== 0
  if (has(nbd.NBD_FLAG_CAN_MULTI_CONN)) return true
  return insist && (readOnly || has(nbd.NBD_FLAG_READ_ONLY))
}

/** Options for each link that tell of the trouble of all as one. */
function linksTogether(options: ConnectOptions, pool: PoolOptions): () => LinkOptions {
  const inTrouble = new Set<symbol>()
  let isOver = false
  return () => {
    const me = Symbol('link')
    return {
      connect: (onClosed, signal) => openNbdClient(options, onClosed, signal),
      clock: options.clock,
      policy: pool.reconnect,
      onTrouble: (error) => {
        if (error !== undefined) inTrouble.add(me)
        else inTrouble.delete(me)
        if (error !== undefined || inTrouble.size === 0) pool.onTrouble?.(error)
      },
      onClosed: (error) => {
        if (isOver) return
        isOver = true
        pool.onClosed(error)
      },
    }
  }
}
