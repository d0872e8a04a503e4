// A channel over an open WebSocket: a browser's, or one of the package `ws`. How a message looks there is
// wire-codec.ts's business.
//
// A WebSocket queues without bound when the other side reads slowly. Streams have credit against that;
// replies are bounded by the requests that may be open; events have neither, so a line with too much
// unsent is closed, and the page connects again and asks for what it shows.

import { PlatterError } from '../engine/base/errors'
import { BaseChannel } from './base-channel'
import type { WireMessage } from './channel'
import { CLOSE_CODES } from './web-handshake'
import { decodeWire, encodeWire } from './wire-codec'
import { protocolError } from './wire-message'

/** The part of a WebSocket that is needed. */
export interface SocketLike {
  binaryType: string
  readonly bufferedAmount: number
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void
  addEventListener(type: 'error', listener: () => void): void
}

/** Four of the largest frames. */
export const MAX_UNSENT_BYTES = 48 * 1024 * 1024

const ORDERLY = 1000
const GOING_AWAY = 1001
const NO_STATUS = 1005

export class SocketChannel extends BaseChannel {
  readonly #socket: SocketLike
  readonly #maxBytes: number

  /** `socket` is open. `maxBytes`: the most attached bytes that are taken from the other side. */
  constructor(socket: SocketLike, maxBytes: number) {
    super()
    this.#socket = socket
    this.#maxBytes = maxBytes
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', (event) => this.#take(event.data))
    socket.addEventListener('close', (event) => this.end(closeReason(event)))
    // What went wrong is told by the close event that follows.
    socket.addEventListener('error', () => {})
  }

  protected override send(message: WireMessage, bytes: Uint8Array | undefined): void {
    this.#socket.send(encodeWire(message, bytes))
    const unsent = this.#socket.bufferedAmount
    if (unsent > MAX_UNSENT_BYTES) this.end(tooSlow(unsent))
  }

  protected override disconnect(reason: Error | undefined): void {
    if (reason instanceof PlatterError && reason.code === 'PROTOCOL') {
      this.#socket.close(CLOSE_CODES.PROTOCOL, 'protocol')
    } else if (reason instanceof PlatterError && reason.code === 'LIMIT') {
      this.#socket.close(CLOSE_CODES.TOO_SLOW, 'too slow')
    } else this.#socket.close(ORDERLY)
  }

  #take(data: unknown): void {
    if (this.closed) return
    let decoded: ReturnType<typeof decodeWire>
    try {
      decoded = decodeWire(asWire(data), this.#maxBytes)
    } catch (error) {
      this.end(error as Error)
      return
    }
    this.receive(decoded.message, decoded.bytes)
  }
}

function asWire(data: unknown): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  throw protocolError('a message of neither text nor bytes')
}

const tooSlow = (unsent: number) =>
  new PlatterError(
    'LIMIT',
    `bridge: ${unsent} bytes wait for a page that does not read, more than ${MAX_UNSENT_BYTES}; the connection is closed`,
  )

function closeReason(event: { code: number; reason: string }): Error | undefined {
  if (event.code === ORDERLY || event.code === GOING_AWAY || event.code === NO_STATUS) {
    return undefined
  }
  const why = event.reason === '' ? '' : `, ${event.reason}`
  return new PlatterError('DISCONNECTED', `bridge: the connection broke (code ${event.code}${why})`)
}
