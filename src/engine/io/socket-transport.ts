// A Transport over a connected socket, TCP or Unix. What is written within one turn of the event loop
// leaves in one system call. Data that arrives before start() is kept for it.

import type { Socket } from 'node:net'
import { PlatterError } from '../base/errors'
import type { PlacedBytes, Transport, TransportEvents } from '../nbd/transport'
import { PlacedSender } from './placed-sender'
import type { SocketCalls } from './socket-calls'
import { descriptorOf } from './socket-descriptor'

/** Bytes that may wait unsent before a writer is asked to wait: a few large replies. */
export const SEND_BUFFER = 1024 * 1024

const NOTHING = new Uint8Array(0)

export class SocketTransport implements Transport {
  readonly peer: string
  readonly sendPlaced: ((bytes: PlacedBytes) => boolean) | undefined
  readonly receiveInto: ((target: Uint8Array) => number) | undefined
  readonly #socket: Socket
  readonly #sender: PlacedSender | undefined
  readonly #feedsItself: boolean
  #isPaused = false
  #events: TransportEvents | undefined
  #early: Uint8Array[] = []
  #isCorked = false
  #error: Error | undefined
  #isClosed = false

  /**
   * `feedsItself`: data comes through receive() and not through the socket's `data` events. `calls`: for
   * a socket of the system's own, never for an encrypted one, whose bytes have to pass through Node.
   */
  constructor(socket: Socket, peer: string, feedsItself: boolean, calls?: SocketCalls) {
    this.peer = peer
    this.#socket = socket
    this.#sender = PlacedSender.of(socket, calls, () => this.#events?.onDrain())
    this.#feedsItself = feedsItself
    this.receiveInto = calls && ((target) => this.#receiveInto(target, calls))
    this.sendPlaced = this.#sender && ((bytes) => this.#sendPlaced(bytes))
    socket.setNoDelay(true)
    socket.on('error', this.#onError)
    socket.on('drain', this.#onDrain)
    socket.on('close', this.#onClose)
    if (!feedsItself) socket.on('data', this.#onData)
  }

  /**
   * Gives the socket up, as it is after the last byte that was written here has left, to be wrapped
   * (TLS) and carried on by another transport. Nothing is told to this one's events any more. Rejects
   * when the socket closes meanwhile, or when bytes have arrived that nobody took.
   */
  async release(): Promise<Socket> {
    const socket = this.#socket
    this.#events = undefined
    socket.pause()
    socket.uncork()
    this.#isCorked = false
    await new Promise<void>((resolve, reject) => {
      const gone = () =>
        reject(this.#error ?? new PlatterError('DISCONNECTED', 'the connection was closed'))
      socket.once('close', gone)
      socket.write(NOTHING, () => {
        socket.off('close', gone)
        if (socket.destroyed) gone()
        else resolve()
      })
    })
    socket.off('drain', this.#onDrain)
    socket.off('close', this.#onClose)
    socket.off('data', this.#onData)
    if (this.#early.length === 0 && socket.readableLength === 0) return socket
    socket.destroy()
    throw new PlatterError('PROTOCOL', 'bytes arrived before the connection was handed on')
  }

  readonly #onError = (error: Error): void => {
    this.#error = error
  }

  readonly #onDrain = (): void => {
    if (this.#sender?.isIdle !== false) this.#events?.onDrain()
  }

  readonly #onClose = (): void => {
    this.#isClosed = true
    this.#sender?.drop()
    this.#events?.onClose(this.#error)
  }

  readonly #onData = (chunk: Uint8Array): void => this.receive(chunk)

  start(events: TransportEvents): void {
    this.#events = events
    for (const chunk of this.#early.splice(0)) events.onData(chunk)
    if (this.#isClosed) queueMicrotask(() => events.onClose(this.#error))
  }

  /** `chunk` may be reused by its owner afterwards. */
  receive(chunk: Uint8Array): void {
    if (this.#events === undefined) this.#early.push(chunk.slice())
    else this.#events.onData(chunk)
  }

  write(chunk: Uint8Array, onSent?: () => void): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) {
      if (onSent !== undefined) process.nextTick(onSent)
      return true
    }
    if (this.#sender?.isIdle === false) return this.#sender.queue({ bytes: chunk, onSent })
    if (!this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      process.nextTick(() => {
        if (!this.#isCorked) return
        this.#isCorked = false
        socket.uncork()
      })
    }
    return onSent === undefined ? socket.write(chunk) : socket.write(chunk, onSent)
  }

  #receiveInto(target: Uint8Array, calls: SocketCalls): number {
    const socket = this.#socket
    // What Node has read and not given out would have to come first.
    const isInOrder = this.#feedsItself || (socket.readableFlowing && socket.readableLength === 0)
    if (this.#isPaused || socket.destroyed || !isInOrder) return 0
    const fd = descriptorOf(socket)
    return fd === undefined ? 0 : calls.receive(fd, target)
  }

  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket.resume()
  }

  #sendPlaced(bytes: PlacedBytes): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded || this.#sender === undefined) return true
    if (this.#isCorked) {
      this.#isCorked = false
      socket.uncork()
    }
    return this.#sender.queue(bytes)
  }

  end(): void {
    if (this.#sender?.isIdle === false) {
      this.#sender.onIdle = () => this.end()
      return
    }
    // All is said and sent: the other side's goodbye is not worth keeping a process alive for.
    this.#socket.end(() => this.#socket.unref())
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
