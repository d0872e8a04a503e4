// The page's side of the bridge: a Peer over a channel.
//
// Every request settles: with its answer, or with DISCONNECTED when the channel closes. An aborted signal
// tells the host, and the request rejects when the host confirms, which it does at once; when the answer was
// on its way already, the answer counts, because it is what happened. Frames of a stream are handed over
// one after another, never two at once; the host hears of each that has been dealt with.

import { assert } from '../engine/base/assert'
import type { PlainError } from '../engine/base/errors'
import { abortedError, fromPlainError, PlatterError } from '../engine/base/errors'
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
import { MAX_BYTES_PER_REQUEST } from './contract'
import { FrameQueue } from './frame-queue'
import type { Peer, RequestOptions, StreamEvents, StreamHandle } from './peer'

export interface RpcClientOptions {
  readonly channel: Channel
  /** Called once when the channel is closed, after everything pending was rejected. */
  readonly onClose?: (reason: Error | undefined) => void
  /** Told of errors that a listener threw. */
  readonly onBug?: (error: unknown) => void
}

/** Frames asked for when a stream opens: one on screen, one on its way. */
const INITIAL_CREDIT = 2

interface Pending {
  resolve(answer: WithBytes<unknown>): void
  reject(error: Error): void
}

type AnyListener = (data: unknown) => void

export class RpcClient implements Peer {
  readonly #options: RpcClientOptions
  readonly #channel: Channel
  readonly #pending = new Map<number, Pending>()
  readonly #streams = new Map<number, FrameQueue>()
  readonly #listeners = new Map<string, Set<AnyListener>>()
  #nextId = 1
  #disconnected: PlatterError | undefined

  constructor(options: RpcClientOptions) {
    this.#options = options
    this.#channel = options.channel
    this.#channel.onMessage = (message, bytes) => this.#take(message, bytes)
    this.#channel.onClose = (reason) => this.#shut(reason)
  }

  get closed(): boolean {
    return this.#disconnected !== undefined
  }

  close(): void {
    this.#channel.close()
  }

  request<N extends RequestName>(
    name: N,
    params: Params<N>,
    options: RequestOptions = {},
  ): Promise<WithBytes<Result<N>>> {
    const { signal, bytes } = options
    const answer = new Promise<WithBytes<unknown>>((resolve, reject) => {
      if (this.#disconnected !== undefined) return reject(this.#disconnected)
      if (signal?.aborted) return reject(abortedError(signal, name))
      if (bytes !== undefined && bytes.length > MAX_BYTES_PER_REQUEST) {
        return reject(tooManyBytes(name, bytes.length))
      }
      const id = this.#nextId++
      this.#channel.post({ kind: 'request', id, name, params }, bytes)
      // The channel may have closed itself while it sent.
      if (this.#disconnected !== undefined) return reject(this.#disconnected)
      const cancel = () => this.#channel.post({ kind: 'cancel', id })
      const settled = () => {
        this.#pending.delete(id)
        signal?.removeEventListener('abort', cancel)
      }
      signal?.addEventListener('abort', cancel, { once: true })
      this.#pending.set(id, {
        resolve: (value) => {
          settled()
          resolve(value)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      })
    })
    return answer as Promise<WithBytes<Result<N>>>
  }

  on<E extends EventName>(name: E, listener: (data: Events[E]) => void): () => void {
    // A listener registered twice is called twice, and each is taken off alone.
    const own: AnyListener = (data) => listener(data as Events[E])
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(own))
    return () => {
      listeners.delete(own)
    }
  }

  openStream<S extends StreamName>(
    name: S,
    params: Streams[S]['params'],
    events: StreamEvents<S>,
  ): StreamHandle {
    const id = this.#nextId++
    const queue = new FrameQueue({
      onFrame: (frame, bytes) => events.onFrame(frame as Streams[S]['frame'], bytes),
      onDone: () => this.#channel.post({ kind: 'credit', id, frames: 1 }),
      onEnd: (error) => {
        // Still here: the page's own handler failed, and the host does not know yet.
        if (this.#streams.delete(id)) this.#channel.post({ kind: 'end', id })
        this.#guard(() => events.onEnd(error))
      },
    })
    if (this.#disconnected !== undefined) {
      const error = this.#disconnected
      queueMicrotask(() => queue.end(error))
      return { close: () => queue.close() }
    }
    this.#streams.set(id, queue)
    this.#channel.post({ kind: 'open', id, name, params })
    this.#channel.post({ kind: 'credit', id, frames: INITIAL_CREDIT })
    return {
      close: () => {
        queue.close()
        if (this.#streams.delete(id)) this.#channel.post({ kind: 'end', id })
      },
    }
  }

  #take(message: WireMessage, bytes: Uint8Array | undefined): void {
    // An id that is not known belongs to something that was closed while the message was on its way.
    switch (message.kind) {
      case 'reply': {
        const answer = { value: message.value, ...(bytes && { bytes }) }
        this.#pending.get(message.id)?.resolve(answer)
        break
      }
      case 'error':
        this.#pending.get(message.id)?.reject(fromPlainError(message.error))
        break
      case 'event':
        this.#dispatch(message.name, message.data)
        break
      case 'frame':
        this.#streams.get(message.id)?.push(message.value, bytes ?? new Uint8Array(0))
        break
      case 'end':
        this.#endByHost(message.id, message.error)
        break
      default:
        this.close()
    }
  }

  #endByHost(id: number, error: PlainError | undefined): void {
    const queue = this.#streams.get(id)
    this.#streams.delete(id)
    queue?.end(error === undefined ? undefined : fromPlainError(error))
  }

  #dispatch(name: string, data: unknown): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      this.#guard(() => listener(data))
    }
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#options.onBug?.(error)
    }
  }

  #shut(reason: Error | undefined): void {
    assert(this.#disconnected === undefined, 'a channel closed twice')
    const error = new PlatterError(
      'DISCONNECTED',
      'bridge: the connection to the host is closed; what was asked for may or may not be done',
      { cause: reason },
    )
    this.#disconnected = error
    for (const pending of [...this.#pending.values()]) pending.reject(error)
    const streams = [...this.#streams.values()]
    this.#streams.clear()
    for (const queue of streams) queue.end(error)
    this.#options.onClose?.(reason)
  }
}

const tooManyBytes = (name: string, length: number) =>
  new PlatterError(
    'LIMIT',
    `${name}: ${length} bytes, more than the ${MAX_BYTES_PER_REQUEST} of one request`,
  )
