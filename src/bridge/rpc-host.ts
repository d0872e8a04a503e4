// The host's side of the bridge for one page: answers its requests, runs its streams, sends it events.
//
// A request is answered exactly once: with its handler's value, with its error, or, when it is cancelled
// first, at once with ABORTED; what its handler says after that is dropped. A failure of the world is an
// answer with a code; a bug of ours is an answer without one and is told to onBug as well. What a page
// sends is checked before a handler sees it. A page that breaks the protocol itself (an id used twice, a
// message that only hosts send) is cut off. When the channel closes, every handler's signal aborts.
//
// Handlers are not called again or waited for after that; ending their work is theirs.

import { PlatterError, toPlainError } from '../engine/base/errors'
import type { Channel, WireMessage } from './channel'
import type {
  EventName,
  Events,
  Params,
  RequestName,
  Result,
  StreamName,
  Streams,
  WithBytes,
} from './contract'
import type { StreamSink } from './rpc-streams'
import { CreditSink } from './rpc-streams'
import type { ValidateParams } from './validators'

export interface RequestContext {
  /** Attached to the request: there for those requests that carry bytes, and only for those. */
  readonly bytes?: Uint8Array
  /** Aborted when the page cancelled the request or is gone. */
  readonly signal: AbortSignal
}

export type Handlers = {
  readonly [N in RequestName]: (
    params: Params<N>,
    context: RequestContext,
  ) => Promise<WithBytes<Result<N>>>
}

/** A stream ends when its promise settles: with an error when it rejected. */
export type StreamHandlers = {
  readonly [S in StreamName]: (
    params: Streams[S]['params'],
    sink: StreamSink<Streams[S]['frame']>,
  ) => Promise<void>
}

export interface RpcHostOptions {
  readonly channel: Channel
  readonly handlers: Handlers
  readonly streams: StreamHandlers
  readonly validate: ValidateParams
  /** Told of assertions and other errors without a code that a handler threw. */
  readonly onBug?: (error: unknown) => void
  /** Called once, after every handler's signal was aborted; `reason` when the end was not orderly. */
  readonly onClose?: (reason: Error | undefined) => void
}

/** Handlers that run for one page at once, those of cancelled requests included. */
export const MAX_RUNNING_REQUESTS = 256
/** Streams that one page has open. */
export const MAX_OPEN_STREAMS = 32

type AnyHandler = (params: unknown, context: RequestContext) => Promise<WithBytes<unknown>>
type AnyStreamHandler = (params: unknown, sink: StreamSink<unknown>) => Promise<void>

export class RpcHost {
  readonly #options: RpcHostOptions
  readonly #channel: Channel
  readonly #requests = new Map<number, AbortController>()
  readonly #streams = new Map<number, CreditSink>()
  #running = 0
  #closed = false

  constructor(options: RpcHostOptions) {
    this.#options = options
    this.#channel = options.channel
    this.#channel.onMessage = (message, bytes) => this.#take(message, bytes)
    this.#channel.onClose = (reason) => this.#shut(reason)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Nothing once closed. */
  emit<E extends EventName>(name: E, data: Events[E]): void {
    try {
      this.#channel.post({ kind: 'event', name, data })
    } catch (error) {
      this.#options.onBug?.(error)
    }
  }

  close(): void {
    this.#channel.close()
  }

  #take(message: WireMessage, bytes: Uint8Array | undefined): void {
    switch (message.kind) {
      case 'request':
        this.#request(message.id, message.name, message.params, bytes)
        break
      case 'cancel':
        this.#cancel(message.id)
        break
      case 'open':
        this.#open(message.id, message.name, message.params)
        break
      case 'credit':
        // Absent: the stream has ended meanwhile.
        this.#streams.get(message.id)?.grant(message.frames)
        break
      case 'end':
        this.#endByPage(message.id)
        break
      default:
        this.close()
    }
  }

  #request(id: number, name: string, params: unknown, bytes: Uint8Array | undefined): void {
    if (this.#isUsed(id)) {
      this.close()
      return
    }
    const controller = new AbortController()
    this.#requests.set(id, controller)
    if (this.#running < MAX_RUNNING_REQUESTS) {
      void this.#run(id, controller, name, params, bytes)
      return
    }
    const error = tooMany(`${MAX_RUNNING_REQUESTS} requests are running`)
    this.#answer(id, controller, { kind: 'error', id, error: toPlainError(error) })
  }

  async #run(
    id: number,
    controller: AbortController,
    name: string,
    params: unknown,
    bytes: Uint8Array | undefined,
  ): Promise<void> {
    const { signal } = controller
    this.#running++
    try {
      const answer = await this.#call(name, params, { signal, ...(bytes && { bytes }) })
      this.#answer(id, controller, { kind: 'reply', id, value: answer.value }, answer.bytes)
    } catch (error) {
      this.#reportBug(error, signal)
      this.#answer(id, controller, { kind: 'error', id, error: toPlainError(error) })
    } finally {
      this.#running--
    }
  }

  async #call(name: string, params: unknown, context: RequestContext): Promise<WithBytes<unknown>> {
    const { handlers, validate } = this.#options
    if (!isKey(handlers, name)) throw unknownName('request', name)
    const checked = validate(name, params, context.bytes)
    return (handlers[name] as AnyHandler)(checked, context)
  }

  #answer(id: number, request: AbortController, answer: WireMessage, bytes?: Uint8Array): void {
    if (this.#requests.get(id) !== request) return
    this.#requests.delete(id)
    this.#post(id, answer, bytes)
  }

  /** An answer that cannot be sent becomes an error that can. */
  #post(id: number, message: WireMessage, bytes?: Uint8Array): void {
    try {
      this.#channel.post(message, bytes)
    } catch (error) {
      this.#options.onBug?.(error)
      const { message: why } = toPlainError(error)
      this.#channel.post({ kind: 'error', id, error: { message: why } })
    }
  }

  #cancel(id: number): void {
    const request = this.#requests.get(id)
    // Its answer and the cancel have crossed.
    if (request === undefined) return
    const error = new PlatterError('ABORTED', 'request: cancelled')
    this.#answer(id, request, { kind: 'error', id, error: toPlainError(error) })
    request.abort(error)
  }

  #open(id: number, name: string, params: unknown): void {
    if (this.#isUsed(id)) {
      this.close()
      return
    }
    const sink = new CreditSink(name, (value, bytes) =>
      this.#channel.post({ kind: 'frame', id, value }, bytes),
    )
    const isFull = this.#streams.size >= MAX_OPEN_STREAMS
    this.#streams.set(id, sink)
    const running = isFull
      ? Promise.reject(tooMany(`${MAX_OPEN_STREAMS} streams are open`))
      : this.#runStream(name, params, sink)
    running.then(
      () => this.#endByHost(id, sink, undefined),
      (error) => this.#endByHost(id, sink, error),
    )
  }

  async #runStream(name: string, params: unknown, sink: CreditSink): Promise<void> {
    const { streams, validate } = this.#options
    if (!isKey(streams, name)) throw unknownName('stream', name)
    const checked = validate(name, params, undefined)
    await (streams[name] as AnyStreamHandler)(checked, sink)
  }

  #endByHost(id: number, sink: CreditSink, error: unknown): void {
    if (error !== undefined) this.#reportBug(error, sink.signal)
    if (this.#streams.get(id) !== sink) return
    this.#streams.delete(id)
    sink.close('ended')
    this.#channel.post(
      error === undefined ? { kind: 'end', id } : { kind: 'end', id, error: toPlainError(error) },
    )
  }

  #endByPage(id: number): void {
    const sink = this.#streams.get(id)
    this.#streams.delete(id)
    sink?.close('closed by the page')
  }

  #shut(reason: Error | undefined): void {
    this.#closed = true
    const requests = [...this.#requests.values()]
    const streams = [...this.#streams.values()]
    this.#requests.clear()
    this.#streams.clear()
    const error = new PlatterError('ABORTED', 'request: the page is gone')
    for (const request of requests) request.abort(error)
    for (const sink of streams) sink.close('the page is gone')
    this.#options.onClose?.(reason)
  }

  #isUsed(id: number): boolean {
    return this.#requests.has(id) || this.#streams.has(id)
  }

  #reportBug(error: unknown, signal: AbortSignal): void {
    if (error instanceof PlatterError || (signal.aborted && isAbort(error))) return
    this.#options.onBug?.(error)
  }
}

const isKey = <T extends object>(table: T, name: string): name is keyof T & string =>
  Object.hasOwn(table, name)

/** What Node's own functions reject with when a signal aborts. */
const isAbort = (error: unknown) => error instanceof Error && error.name === 'AbortError'

const unknownName = (kind: string, name: string) =>
  new PlatterError('BAD_REQUEST', `bridge: no ${kind} has the name ${JSON.stringify(name)}`)

const tooMany = (what: string) =>
  new PlatterError('LIMIT', `bridge: ${what} for this page; no more are taken until some end`)
