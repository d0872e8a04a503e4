// A connection that comes back after a loss. It dials anew by itself, in use or idle, for a stated time
// (reconnect.ts), makes sure that it is the same export, and asks again what may be asked again
// (resend-rules.ts).
//
// A flush promises that earlier changes on its own connection are stable, which a new connection cannot
// know. If changes had been acknowledged and not flushed when the connection was lost, the next flush
// fails, once, with their number; without such changes it is sent again.
//
// After a violation by the server, or when the export is not what it was, the link stays down. When the
// time is up it tells its owner so, and a later request, not before the longest pause, makes one more try.

import type { Clock } from '../base/clock'
import { abortedError, PlatterError } from '../base/errors'
import type { CallOptions } from '../disk/disk'
import type { ExtentList } from '../disk/extents'
import type { NbdClient } from './client'
import type { NbdRequests } from './client-requests'
import * as nbd from './constants'
import type { ExportInfo } from './export-info'
import { changeOfExport } from './export-info'
import type { Outage, ReconnectPolicy } from './reconnect'
import { dialAgain } from './reconnect'
import type { Effect } from './resend-rules'
import { effectOf, isLoss, MAX_RESENDS, mayRepeat, unknownOutcome } from './resend-rules'

export type Connect = (
  onClosed: (error: PlatterError | undefined) => void,
  signal?: AbortSignal | undefined,
) => Promise<NbdClient>

export interface LinkOptions {
  readonly connect: Connect
  readonly clock: Clock
  /** Absent: a loss is for good. */
  readonly policy?: ReconnectPolicy | undefined
  /** The connection was lost; without an error, it is back. */
  readonly onTrouble?: (error: PlatterError | undefined) => void
  /** Once: it is over; an error when it was not closed by disconnect(). */
  readonly onClosed?: (error: PlatterError | undefined) => void
}

export class NbdLink implements NbdRequests {
  readonly info: ExportInfo
  readonly #options: LinkOptions
  #client: NbdClient
  /** What is being done to come back. */
  #return: Promise<void> | undefined
  #down: { readonly error: PlatterError; readonly since: number } | undefined
  #failed: PlatterError | undefined
  #ended = false
  readonly #over = new AbortController()
  #outage: Outage | undefined
  #backAt = 0
  /** Changes acknowledged on this connection, and how many of them a flush has covered. */
  #acknowledged = 0
  #flushed = 0
  /** Acknowledged, not flushed, and their connection lost; until somebody has been told. */
  #lost = 0

  private constructor(options: LinkOptions, first: NbdClient) {
    this.#options = options
    this.#client = first
    this.info = first.info
  }

  static async open(options: LinkOptions, signal?: AbortSignal): Promise<NbdLink> {
    let link: NbdLink | undefined
    let early: PlatterError | undefined
    const client: NbdClient = await options.connect((error) => {
      if (link === undefined) early = error
      else link.#onClosed(client, error)
    }, signal)
    link = new NbdLink(options, client)
    if (early !== undefined) link.#onClosed(client, early)
    return link
  }

  get peer(): string {
    return this.#client.peer
  }

  /** A request would go out at once. */
  get isUp(): boolean {
    return this.#failed === undefined && this.#return === undefined && this.#client.isOpen
  }

  /** Changes that a flush has still to make stable. */
  get unflushed(): number {
    return this.#lost + this.#acknowledged - this.#flushed
  }

  get lost(): number {
    return this.#lost
  }

  /** What a flush on another connection that begins now will cover; for `coveredBy`. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** A flush on another connection, of a server with CAN_MULTI_CONN, has covered as much. */
  covered(acknowledged: number): void {
    this.#flushed = Math.max(this.#flushed, Math.min(acknowledged, this.#acknowledged))
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#run('none', options, (client) => client.read(target, offset, options))
  }

  write(
    payload: Uint8Array,
    offset: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<void> {
    const write = (client: NbdClient) => client.write(payload, offset, flags, options)
    return this.#run(effectOf(nbd.NBD_CMD_WRITE, flags), options, write)
  }

  act(
    command: number,
    offset: number,
    length: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<void> {
    const act = (client: NbdClient) => client.act(command, offset, length, flags, options)
    return command === nbd.NBD_CMD_FLUSH
      ? this.#flush(options, act)
      : this.#run(effectOf(command, flags), options, act)
  }

  statusOf(
    context: string,
    offset: number,
    length: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<ExtentList> {
    return this.#run('none', options, (client) =>
      client.statusOf(context, offset, length, flags, options),
    )
  }

  async disconnect(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#over.abort(new PlatterError('CLOSED', `NBD ${this.peer}: the connection is closed`))
    await this.#return?.catch(() => undefined)
    await this.#client.disconnect()
  }

  async #flush(options: CallOptions, act: (client: NbdClient) => Promise<void>): Promise<void> {
    this.#refuseLost()
    let covers = 0
    let on: NbdClient | undefined
    try {
      await this.#run('flush', options, (client) => {
        this.#refuseLost()
        on = client
        covers = this.#acknowledged
        return act(client)
      })
    } catch (error) {
      this.#refuseLost(error)
      throw error
    }
    if (on === this.#client) this.covered(covers)
  }

  #refuseLost(cause?: unknown): void {
    const lost = this.#lost
    if (lost === 0) return
    this.#lost = 0
    const what = lost === 1 ? '1 change was' : `${lost} changes were`
    throw new PlatterError(
      'DISCONNECTED',
      `NBD ${this.peer}: flush: ${what} acknowledged, but the connection was lost before a flush: whether the server kept them is not known`,
      { cause, data: { lost } },
    )
  }

  async #run<T>(
    effect: Effect,
    options: CallOptions,
    call: (client: NbdClient) => Promise<T>,
  ): Promise<T> {
    for (let resends = 0; ; resends++) {
      const client = this.isUp ? this.#client : await this.#usable(options.signal)
      try {
        const result = await call(client)
        if (effect === 'change') this.#noteChange(client)
        return result
      } catch (error) {
        if (this.#ended || resends >= MAX_RESENDS || !this.#wasLost(error)) throw error
        if (options.signal?.aborted) throw error
        if (!mayRepeat(effect, error)) throw unknownOutcome(effect, error)
      }
    }
  }

  /** An acknowledgement from a connection that has been replaced is of a change that no flush covers. */
  #noteChange(client: NbdClient): void {
    if (client === this.#client) this.#acknowledged++
    else this.#lost++
  }

  #wasLost(error: unknown): error is PlatterError {
    return this.#options.policy !== undefined && this.#failed === undefined && isLoss(error)
  }

  async #usable(signal: AbortSignal | undefined): Promise<NbdClient> {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#ended || this.#options.policy === undefined) return this.#client
    if (this.#return === undefined && !this.#client.isOpen) this.#comeBack()
    if (this.#return !== undefined) await withSignal(this.#return, signal)
    return this.#client
  }

  #onClosed(client: NbdClient, error: PlatterError | undefined): void {
    if (this.#ended) {
      if (client === this.#client) this.#options.onClosed?.(error)
      return
    }
    if (client !== this.#client || error === undefined) return
    const { policy } = this.#options
    if (policy === undefined || error.code === 'PROTOCOL') this.#fail(error)
    else {
      this.#options.onTrouble?.(error)
      if (this.#return === undefined && this.#down === undefined) this.#comeBack()
    }
  }

  #fail(error: PlatterError): void {
    this.#failed = error
    this.#options.onClosed?.(error)
  }

  #comeBack(): void {
    const { policy, clock } = this.#options
    if (policy === undefined) return
    this.#countLost()
    const down = this.#down
    const waits = down !== undefined && clock.now() - down.since < policy.longestDelayMs
    const coming = waits ? Promise.reject(down.error) : this.#reconnect(policy)
    this.#return = coming.finally(() => {
      this.#return = undefined
    })
    this.#return.catch(() => undefined)
  }

  #countLost(): void {
    this.#lost += this.#acknowledged - this.#flushed
    this.#acknowledged = this.#flushed = 0
  }

  async #reconnect(policy: ReconnectPolicy): Promise<void> {
    const { clock } = this.#options
    try {
      await dialAgain({
        peer: this.peer,
        clock,
        policy,
        outage: this.#outageNow(policy),
        over: this.#over.signal,
        isLastTry: this.#down !== undefined,
        attempt: (signal) => this.#attempt(signal),
      })
    } catch (error) {
      if (this.#ended || this.#failed !== undefined || !(error instanceof PlatterError)) throw error
      this.#down = { error, since: clock.now() }
      this.#outage = undefined
      this.#options.onTrouble?.(error)
      throw error
    }
    this.#down = undefined
    this.#backAt = clock.now()
    this.#options.onTrouble?.(undefined)
  }

  /** A server that hangs up again and again is one outage, which ends: not a new one each time. */
  #outageNow(policy: ReconnectPolicy): Outage {
    const now = this.#options.clock.now()
    const isNew = this.#outage === undefined || now - this.#backAt >= policy.longestDelayMs
    if (isNew) this.#outage = { since: now, delayMs: policy.firstDelayMs, attempts: 0 }
    return this.#outage as Outage
  }

  /** Why it failed, when another attempt may do better. */
  async #attempt(signal: AbortSignal): Promise<Error | undefined> {
    try {
      await this.#connectAgain(signal)
      return undefined
    } catch (error) {
      if (this.#failed !== undefined || !(error instanceof Error)) throw error
      return error
    }
  }

  async #connectAgain(signal: AbortSignal): Promise<void> {
    let early: PlatterError | undefined
    let taken = false
    const client: NbdClient = await this.#options.connect((error) => {
      if (taken) this.#onClosed(client, error)
      else early = error
    }, signal)
    const change = changeOfExport(this.info, client.info)
    if (change !== undefined) {
      void client.disconnect()
      const code = client.info.size === this.info.size ? 'TARGET_CHANGED' : 'SIZE_CHANGED'
      const error = new PlatterError(code, `NBD ${this.peer}: after a reconnection ${change}`)
      this.#fail(error)
      throw error
    }
    if (early !== undefined) throw early
    taken = true
    // The old connection may have answered a few more while it was being replaced.
    this.#countLost()
    this.#client = client
  }
}

/** Waits for `work`, but no longer than the caller wants to. */
function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  if (signal.aborted) return Promise.reject(abortedError(signal, 'NBD request'))
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortedError(signal, 'NBD request'))
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
