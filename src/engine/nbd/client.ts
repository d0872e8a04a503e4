// One connection to one export in its transmission phase: many requests in flight, each with a cookie,
// a deadline and, where it has no effects, a way to be given up.
//
// - Requests beyond MAX_CLIENT_REQUESTS or MAX_CLIENT_BYTES wait in line, as they do while the socket
//   is full.
// - A deadline is `requestTimeoutMs` after sending or after the last byte of the answer; what waits in
//   line has it from the last sign of life of the server. A read or a status query that misses it fails
//   alone, and its late answer is thrown away. Anything that changes the disk takes the connection down
//   with it: the server may still carry it out, after whatever the caller would do next. So does a
//   server that said nothing at all since the request, or that owes MAX_OVERDUE answers.
// - A violation by the server closes the connection; every open request fails with what was wrong.
// - Nothing is sent again and nothing reconnects here.

import { assert } from '../base/assert'
import type { Clock } from '../base/clock'
import { abortedError, PlatterError } from '../base/errors'
import type { CallOptions } from '../disk/disk'
import type { ExtentList } from '../disk/extents'
import type { NbdRequests } from './client-requests'
import * as nbd from './constants'
import type { ExportInfo } from './export-info'
import { DISCONNECT_TIMEOUT_MS } from './limits'
import type { RequestSpec, StatusByContext } from './pending-request'
import { PendingRequest } from './pending-request'
import { ReplyParser } from './reply-parser'
import { RequestEncoder } from './request-encoder'
import { RequestsInProgress } from './requests-in-progress'
import { SweepTimer } from './sweep-timer'
import type { Transport, TransportEvents } from './transport'

export interface NbdClientOptions {
  readonly transport: Transport
  readonly info: ExportInfo
  readonly clock: Clock
  readonly requestTimeoutMs: number
  /** Once; an error when the connection ended otherwise than by disconnect(). */
  readonly onClosed?: (error: PlatterError | undefined) => void
}

export class NbdClient implements NbdRequests {
  readonly info: ExportInfo
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #onClosed: ((error: PlatterError | undefined) => void) | undefined
  readonly #parser: ReplyParser
  readonly #deadlines: SweepTimer
  readonly #encoder: RequestEncoder
  readonly #requests = new RequestsInProgress()
  #lastHeardAt: number
  #blocked = false
  #cancelCut: () => void = () => undefined
  #leaving = false
  /** Why the server made us leave. */
  #refusal: string | undefined
  #error: PlatterError | undefined
  #transportGone = false
  #idle: (() => void)[] = []

  constructor(options: NbdClientOptions) {
    this.info = options.info
    this.#transport = options.transport
    this.#clock = options.clock
    this.#timeoutMs = options.requestTimeoutMs
    this.#onClosed = options.onClosed
    this.#lastHeardAt = options.clock.now()
    this.#encoder = new RequestEncoder(options.info.extended)
    this.#deadlines = new SweepTimer(options.clock, () => this.#sweep())
    this.#parser = new ReplyParser({
      structured: options.info.structured,
      extended: options.info.extended,
      contextIds: options.info.contexts.map((context) => context.id),
      find: (cookie) => this.#requests.find(cookie),
      onAnswered: (cookie, request) => this.#onAnswered(cookie, request),
      pull: options.transport.receiveInto,
    })
  }

  /** To be given to the transport. */
  readonly events: TransportEvents = {
    onData: (chunk) => this.#onData(chunk),
    onDrain: () => {
      this.#blocked = false
      this.#pump()
    },
    onClose: (error) => this.#onClose(error),
  }

  get peer(): string {
    return this.#transport.peer
  }

  get isOpen(): boolean {
    return !this.#leaving && this.#error === undefined
  }

  /** Requests that somebody waits for. */
  get openRequests(): number {
    return this.#requests.awaitedCount
  }

  /** `flags`: NBD_CMD_FLAG_DF asks for one piece, which servers need not give above 64 KiB. */
  read(target: Uint8Array, offset: number, options: CallOptions = {}, flags = 0): Promise<void> {
    const { length } = target
    return this.#perform({ command: nbd.NBD_CMD_READ, flags, offset, length, target }, options)
  }

  write(
    payload: Uint8Array,
    offset: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<void> {
    const { length } = payload
    return this.#perform({ command: nbd.NBD_CMD_WRITE, flags, offset, length, payload }, options)
  }

  /** NBD_CMD_TRIM, NBD_CMD_CACHE, NBD_CMD_WRITE_ZEROES or NBD_CMD_FLUSH. */
  act(
    command: number,
    offset: number,
    length: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#perform({ command, flags, offset, length }, options)
  }

  /**
   * Extents for each context, from `offset` on, clipped to the range; each at least one byte long.
   * `contexts`, by number: only these; the server has to offer NBD_FLAG_BLOCK_STATUS_PAYLOAD.
   */
  blockStatus(
    offset: number,
    length: number,
    flags: number,
    options: CallOptions = {},
    contexts?: readonly number[],
  ): Promise<StatusByContext> {
    const spec = { command: nbd.NBD_CMD_BLOCK_STATUS, flags, offset, length }
    const chosen = contexts === undefined ? spec : { ...spec, contexts }
    return new Promise((resolve, reject) => this.#submit(chosen, options, resolve, reject))
  }

  /** The extents of one context by its name; the server is spared the others where it lets us choose. */
  async statusOf(
    context: string,
    offset: number,
    length: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<ExtentList> {
    const { contexts, extended } = this.info
    const id = contexts.find((known) => known.name === context)?.id
    assert(id !== undefined, `context ${context} was not negotiated`)
    const canChoose = extended && (this.info.flags & nbd.NBD_FLAG_BLOCK_STATUS_PAYLOAD) !== 0
    const chosen = canChoose && contexts.length > 1 ? [id] : undefined
    const list = (await this.blockStatus(offset, length, flags, options, chosen)).get(id)
    assert(list !== undefined, 'a finished status query has a list for each context')
    return list
  }

  /** Waits for what is open (no longer than its deadlines), says goodbye, and closes. */
  async disconnect(): Promise<void> {
    if (this.#leaving || this.#error !== undefined) return
    this.#leaving = true
    await this.#leave()
  }

  async #leave(): Promise<void> {
    if (this.openRequests > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    this.#deadlines.stop()
    if (this.#error !== undefined || this.#transportGone) return
    const goodbye = { command: nbd.NBD_CMD_DISC, flags: 0, offset: 0, length: 0 }
    this.#transport.write(this.#encoder.encode(goodbye, 0))
    this.#transport.end()
    this.#cancelCut = this.#clock.after(DISCONNECT_TIMEOUT_MS, () => this.#transport.destroy())
  }

  #perform(spec: RequestSpec, options: CallOptions): Promise<void> {
    return new Promise((resolve, reject) => this.#submit(spec, options, () => resolve(), reject))
  }

  #submit(
    spec: RequestSpec,
    { signal }: CallOptions,
    resolve: (status: StatusByContext) => void,
    reject: (error: unknown) => void,
  ): void {
    const refusal = this.#refusalOf(spec, signal)
    if (refusal !== undefined) {
      reject(refusal)
      return
    }
    assert(spec.length > 0 || spec.command === nbd.NBD_CMD_FLUSH, 'a request of 0 bytes')
    const needed = spec.command === nbd.NBD_CMD_READ && spec.flags !== 0 ? nbd.NBD_FLAG_SEND_DF : 0
    assert((this.info.flags & needed) === needed, 'one piece, where the server does not offer it')
    const request = new PendingRequest(spec, this.#clock.now(), resolve, reject)
    if (signal !== undefined) {
      const onAbort = () => this.#onAbort(request, signal)
      signal.addEventListener('abort', onAbort, { once: true })
      request.onSettled = () => signal.removeEventListener('abort', onAbort)
    }
    this.#requests.add(request)
    this.#deadlines.expect(request.activeAt + this.#timeoutMs)
    this.#pump()
  }

  #refusalOf(spec: RequestSpec, signal: AbortSignal | undefined): PlatterError | undefined {
    if (this.#error !== undefined) return unsent(this.#error)
    if (this.#leaving) {
      const [code, why] =
        this.#refusal === undefined
          ? (['CLOSED', 'the connection is closed'] as const)
          : (['DISCONNECTED', this.#refusal] as const)
      return unsent(new PlatterError(code, `NBD ${this.peer}: ${why}`))
    }
    return signal?.aborted ? abortedError(signal, nbd.nameOfCommand(spec.command)) : undefined
  }

  /** Sends what may be sent. */
  #pump(): void {
    while (!this.#blocked && this.#error === undefined) {
      const next = this.#requests.takeNext()
      if (next === undefined) return
      const { spec } = next.request
      next.request.activeAt = this.#clock.now()
      let free = this.#transport.write(this.#encoder.encode(spec, next.cookie))
      if (spec.payload !== undefined) free = this.#transport.write(spec.payload)
      if (!free) this.#blocked = true
    }
  }

  #onData(chunk: Uint8Array): void {
    if (this.#error !== undefined) return
    this.#lastHeardAt = this.#clock.now()
    try {
      this.#parser.receive(chunk)
    } catch (error) {
      this.#breakOff(error)
      return
    }
    const current = this.#parser.request
    if (current !== undefined) current.activeAt = this.#lastHeardAt
    if (this.#requests.waitingCount > 0) this.#pump()
  }

  #onAnswered(cookie: number, request: PendingRequest): void {
    this.#requests.onAnswered(cookie, request)
    if (request.errno === nbd.NBD_ESHUTDOWN && !this.#leaving) {
      // The specification's soft disconnect: nothing new is sent, what is open is waited for.
      this.#leaving = true
      this.#refusal = 'the server is shutting down'
      void this.#leave()
    }
    this.#wakeIfIdle()
  }

  #onAbort(request: PendingRequest, signal: AbortSignal): void {
    const sent = !this.#requests.withdraw(request)
    // What the server may be carrying out cannot be called back: its caller waits for the outcome.
    if (sent && !request.isHarmless) return
    request.settle(abortedError(signal, `NBD ${this.peer}: ${request.what}`))
    this.#wakeIfIdle()
  }

  #onClose(error: Error | undefined): void {
    this.#transportGone = true
    this.#cancelCut()
    if (this.#error !== undefined) return
    const orderly = this.#leaving && this.#refusal === undefined && this.openRequests === 0
    const why = this.#refusal ?? error?.message ?? 'the server hung up'
    this.#error = new PlatterError('DISCONNECTED', `NBD ${this.peer}: ${why}`, { cause: error })
    this.#end(orderly ? undefined : this.#error)
  }

  /** Closes the connection because of `error`, which every open request gets. */
  #breakOff(error: unknown): void {
    if (this.#error !== undefined) return
    if (!(error instanceof PlatterError)) {
      this.#error = new PlatterError('DISCONNECTED', `NBD ${this.peer}: closed after a fault`)
      this.#transport.destroy()
      this.#end(this.#error)
      throw error
    }
    const { code, message, data } = error
    this.#error = new PlatterError(code, `NBD ${this.peer}: ${message}; connection closed`, {
      data,
    })
    this.#transport.destroy()
    this.#end(this.#error)
  }

  #end(error: PlatterError | undefined): void {
    this.#deadlines.stop()
    const { sent, waiting } = this.#requests.clear()
    for (const request of sent) request.settle(this.#error)
    for (const request of waiting) request.settle(unsent(this.#error))
    this.#wakeIfIdle()
    this.#onClosed?.(error)
  }

  #wakeIfIdle(): void {
    if (this.#idle.length > 0 && this.openRequests === 0) {
      for (const wake of this.#idle.splice(0)) wake()
    }
  }

  /** Looks at every request; the earliest deadline that is left, if any. */
  #sweep(): number | undefined {
    const now = this.#clock.now()
    let next: number | undefined
    for (const request of this.#requests.punctual()) {
      const since = this.#requests.isWaiting(request)
        ? Math.max(request.activeAt, this.#lastHeardAt)
        : request.activeAt
      const deadline = since + this.#timeoutMs
      if (deadline > now) next = Math.min(next ?? deadline, deadline)
      else this.#onOverdue(request)
      if (this.#error !== undefined) return undefined
    }
    this.#pump()
    return next
  }

  #onOverdue(request: PendingRequest): void {
    const what = `${request.what}: no answer for ${this.#timeoutMs} ms`
    const silent = this.#lastHeardAt <= request.activeAt
    if (this.#requests.withdraw(request)) {
      request.settle(new PlatterError('TIMEOUT', `NBD ${this.peer}: ${what}`))
      this.#wakeIfIdle()
      return
    }
    if (silent || !request.isHarmless || this.#requests.isOverdueFull) {
      this.#breakOff(new PlatterError('TIMEOUT', what))
      return
    }
    this.#requests.noteOverdue(request)
    request.settle(new PlatterError('TIMEOUT', `NBD ${this.peer}: ${what}`))
    this.#wakeIfIdle()
  }
}

/** The same failure for a request of which nothing has left us: data.unsent says so. */
function unsent(error: PlatterError | undefined): PlatterError {
  assert(error !== undefined, 'a connection ends for a reason')
  const { code, message, data, cause } = error
  return new PlatterError(code, message, { cause, data: { ...data, unsent: true } })
}
