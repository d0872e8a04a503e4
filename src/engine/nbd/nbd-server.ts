// Serves exports to any number of clients, each over a transport that somebody else accepted. Limits
// hold for all of them; a shutdown lets them finish, then cuts off who did not.

import type { Clock } from '../base/clock'
import type { PlatterError } from '../base/errors'
import { BufferPool } from './buffer-pool'
import type { ExportSource, NbdExport } from './export-registry'
import type { ServerLimits } from './limits'
import { DEFAULT_SERVER_LIMITS } from './limits'
import { PayloadBudget } from './payload-budget'
import type { RequestLog } from './request-log'
import type { ServerClient } from './server-client'
import { ServerSession } from './server-session'
import type { ServerTls } from './session-greeting'
import type { Transport } from './transport'

export interface NbdServerOptions {
  /** A registry, or a function that names the exports of the moment; the first one is the default. */
  readonly exports: ExportSource | (() => readonly NbdExport[])
  readonly clock: Clock
  readonly limits?: Partial<ServerLimits>
  /** Without it, connections are not encrypted. */
  readonly tls?: ServerTls | undefined
  /** Send zeroes as holes, at the price of asking the disk for its extents before each read. */
  readonly sendHoles?: boolean
  /** Gets a record of every request of the transmission phase, when it is done. */
  readonly log?: RequestLog | undefined
  /** A client has finished its handshake. */
  readonly onClient?: (client: ServerClient) => void
  /** It is gone, its requests are finished and what it wrote is flushed. */
  readonly onClientGone?: (client: ServerClient, error: PlatterError | undefined) => void
}

const DEFAULT_GRACE_MS = 5_000

export class NbdServer {
  readonly #options: NbdServerOptions
  readonly #exports: ExportSource
  readonly #limits: ServerLimits
  readonly #budget: PayloadBudget
  readonly #buffers = new BufferPool()
  /** Every session, and whether it came out of its handshake. */
  readonly #sessions = new Map<ServerSession, boolean>()
  /** Sessions that are done with their disk and whose last replies are on the way. */
  readonly #parting = new Set<ServerSession>()
  #lastId = 0
  #closing = false
  #idle: (() => void)[] = []

  constructor(options: NbdServerOptions) {
    this.#options = options
    this.#exports =
      typeof options.exports === 'function' ? sourceOf(options.exports) : options.exports
    this.#limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits }
    const { totalBytes: limit, stallTimeoutMs } = this.#limits
    this.#budget = new PayloadBudget({ limit, stallTimeoutMs, clock: options.clock })
  }

  /** Clients that have an export open. */
  get clients(): ServerClient[] {
    return [...this.#sessions].filter(([, serving]) => serving).map(([session]) => session.client)
  }

  /** Takes a new connection over; hangs up on it when there are too many, or during a shutdown. */
  accept(transport: Transport): void {
    if (this.#closing || this.#sessions.size >= this.#limits.connections) {
      transport.start(IGNORE)
      transport.destroy()
      return
    }
    const session = new ServerSession({
      id: ++this.#lastId,
      transport,
      exports: this.#exports,
      clock: this.#options.clock,
      limits: this.#limits,
      budget: this.#budget,
      buffers: this.#buffers,
      tls: this.#options.tls,
      sendHoles: this.#options.sendHoles === true,
      log: this.#options.log,
      onServing: () => {
        this.#sessions.set(session, true)
        this.#options.onClient?.(session.client)
      },
      onGone: (error) => this.#onGone(session, error),
      onClosed: () => {
        this.#parting.delete(session)
        this.#wake()
      },
    })
    this.#sessions.set(session, false)
    session.start()
  }

  /**
   * Refuses new clients and requests, lets what is in progress finish, flushes. Who is not done after
   * `graceMs` is cut off. Resolves when the disks are left alone and the connections closed.
   */
  async shutdown(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing = true
    await this.#dismiss(() => true, graceMs)
  }

  /** The same for the clients of one export, while the others go on. */
  async closeExport(name: string, graceMs = DEFAULT_GRACE_MS): Promise<void> {
    await this.#dismiss((session) => session.exportName === name, graceMs)
  }

  async #dismiss(which: (session: ServerSession) => boolean, graceMs: number): Promise<void> {
    const leaving = [...this.#sessions.keys(), ...this.#parting].filter(which)
    for (const session of leaving) session.shutDown()
    const cancel = this.#options.clock.after(graceMs, () => {
      for (const session of leaving) session.destroy()
    })
    const isHere = (session: ServerSession) =>
      this.#sessions.has(session) || this.#parting.has(session)
    while (leaving.some(isHere)) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
    cancel()
  }

  #onGone(session: ServerSession, error: PlatterError | undefined): void {
    const served = this.#sessions.get(session) === true
    this.#sessions.delete(session)
    this.#parting.add(session)
    if (served) this.#options.onClientGone?.(session.client, error)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#idle.splice(0)) wake()
  }
}

const IGNORE = { onData: () => undefined, onDrain: () => undefined, onClose: () => undefined }

function sourceOf(list: () => readonly NbdExport[]): ExportSource {
  return {
    list,
    find: (name) => {
      const all = list()
      return all.find((entry) => entry.name === name) ?? (name === '' ? all[0] : undefined)
    },
  }
}
