// A channel over a message port: the page's own kind (DOM, also Node's worker threads) or the kind that
// Electron's main process holds. Both are described by shape, so nothing of Electron is needed here.
//
// A message is { message, bytes }; the last one before an orderly close is { bye: true }, because not
// every port tells that its other end is gone. Buffers are never transferred: a port of Electron's main
// process transfers ports only, and a message with a transferred buffer is lost. They are cloned, and
// a clone of a view takes its whole buffer along, so only exact-size arrays are posted.
//
// A port does not tell how much waits in it. Streams and replies are bounded by credit and by the open
// requests; that events stay few is up to whoever emits them.

import type { PlatterError } from '../engine/base/errors'
import { BaseChannel } from './base-channel'
import type { WireMessage } from './channel'
import { checkAttachedLength, checkWireMessage, protocolError } from './wire-message'

/** The part of a DOM MessagePort that is needed. */
export interface DomPort {
  postMessage(message: unknown): void
  start(): void
  close(): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'messageerror' | 'close', listener: () => void): void
}

/** The part of Electron's MessagePortMain that is needed. */
export interface MainPort {
  postMessage(message: unknown): void
  start(): void
  close(): void
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown
  on(event: 'close', listener: () => void): unknown
}

interface Port {
  readonly postMessage: (message: unknown) => void
  readonly close: () => void
}

export class PortChannel extends BaseChannel {
  readonly #port: Port
  readonly #maxBytes: number
  #otherEndGone = false

  /** `maxBytes`: the most attached bytes that are taken from the other side. */
  private constructor(port: Port, maxBytes: number) {
    super()
    this.#port = port
    this.#maxBytes = maxBytes
  }

  static overDomPort(port: DomPort, maxBytes: number): PortChannel {
    const channel = new PortChannel(port, maxBytes)
    port.addEventListener('message', (event) => channel.#take(event.data))
    port.addEventListener('messageerror', () => channel.end(protocolError('what cannot be read')))
    port.addEventListener('close', () => channel.#lost())
    port.start()
    return channel
  }

  static overMainPort(port: MainPort, maxBytes: number): PortChannel {
    const channel = new PortChannel(port, maxBytes)
    port.on('message', (event) => channel.#take(event.data))
    port.on('close', () => channel.#lost())
    port.start()
    return channel
  }

  protected override send(message: WireMessage, bytes: Uint8Array | undefined): void {
    this.#port.postMessage(bytes === undefined ? { message } : { message, bytes: exact(bytes) })
  }

  protected override disconnect(): void {
    if (!this.#otherEndGone) this.#port.postMessage({ bye: true })
    this.#port.close()
  }

  #lost(): void {
    this.#otherEndGone = true
    this.end(undefined)
  }

  #take(data: unknown): void {
    if (this.closed) return
    let parcel: Parcel
    try {
      parcel = unpack(data, this.#maxBytes)
    } catch (error) {
      this.end(error as PlatterError)
      return
    }
    if (parcel === 'bye') this.#lost()
    else this.receive(parcel.message, parcel.bytes)
  }
}

type Parcel = 'bye' | { readonly message: WireMessage; readonly bytes: Uint8Array | undefined }

function unpack(data: unknown, maxBytes: number): Parcel {
  if (typeof data !== 'object' || data === null) throw protocolError('a message that is no object')
  if ('bye' in data) return 'bye'
  const bytes = 'bytes' in data ? data.bytes : undefined
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) {
    throw protocolError('attached bytes that are none')
  }
  if (bytes !== undefined) checkAttachedLength(bytes.length, maxBytes)
  return { message: checkWireMessage('message' in data ? data.message : undefined), bytes }
}

// Not slice(): of a Node Buffer that is a view.
const exact = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
