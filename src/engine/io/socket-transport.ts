// A Transport over a connected socket, TCP or Unix. What is written within one turn of the event loop
// leaves in one system call. Data that arrives before start() is kept for it.

import type { Socket } from 'node:net'
import type { Transport, TransportEvents } from '../nbd/transport'

/** Bytes that may wait unsent before a writer is asked to wait: a few large replies. */
export const SEND_BUFFER = 1024 * 1024

export class SocketTransport implements Transport {
  readonly peer: string
  readonly #socket: Socket
  #events: TransportEvents | undefined
  #early: Uint8Array[] = []
  #isCorked = false
  #error: Error | undefined
  #isClosed = false

  /** `feedsItself`: data comes through receive() and not through the socket's `data` events. */
  constructor(socket: Socket, peer: string, feedsItself: boolean) {
    this.peer = peer
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('drain', () => this.#events?.onDrain())
    socket.on('close', () => {
      this.#isClosed = true
      this.#events?.onClose(this.#error)
    })
    if (!feedsItself) socket.on('data', (chunk) => this.receive(chunk))
  }

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

  write(chunk: Uint8Array): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return true
    if (!this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        socket.uncork()
      })
    }
    return socket.write(chunk)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    // All is said and sent: the other side's goodbye is not worth keeping a process alive for.
    this.#socket.end(() => this.#socket.unref())
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
