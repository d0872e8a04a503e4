// One end of a connection in the hands of a test: it sends what it likes, and keeps what it gets.

import type { TransportEvents } from './transport'
import type { PairedTransport } from './transport-pair.test-helper'

export class RawPeer implements TransportEvents {
  readonly transport: PairedTransport
  readonly #received: number[] = []
  isClosed = false

  constructor(transport: PairedTransport) {
    this.transport = transport
    transport.start(this)
  }

  get received(): Uint8Array {
    return Uint8Array.from(this.#received)
  }

  /** What came, as hexadecimal digits. */
  get hex(): string {
    return this.#received.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  /** Forgets what came so far. */
  clear(): void {
    this.#received.length = 0
  }

  send(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.transport.write(chunk.slice())
  }

  onData(chunk: Uint8Array): void {
    for (const byte of chunk) this.#received.push(byte)
  }

  onDrain(): void {}

  onClose(): void {
    this.isClosed = true
  }
}

/** A reply as a server sent it: a simple one, or a chunk of a structured one. */
export interface RawReply {
  readonly kind: 'simple' | 'chunk'
  readonly cookie: number
  /** The error of a simple reply; the type of a chunk. */
  readonly code: number
  readonly done: boolean
  readonly payload: Uint8Array
}

/** Takes a stream of replies apart by the lengths in it; simple replies are taken to have no data. */
export function splitReplies(stream: Uint8Array): RawReply[] {
  const number = (at: number, length: number) =>
    stream.subarray(at, at + length).reduce((value, byte) => value * 256 + byte, 0)
  const replies: RawReply[] = []
  for (let at = 0; at < stream.length; ) {
    const magic = number(at, 4)
    if (magic === 0x67446698) {
      const [code, cookie] = [number(at + 4, 4), number(at + 8, 8)]
      replies.push({ kind: 'simple', cookie, code, done: true, payload: new Uint8Array(0) })
      at += 16
    } else if (magic === 0x668e33ef) {
      const length = number(at + 16, 4)
      const payload = stream.slice(at + 20, at + 20 + length)
      const done = (number(at + 4, 2) & 1) === 1
      const [code, cookie] = [number(at + 6, 2), number(at + 8, 8)]
      replies.push({ kind: 'chunk', cookie, code, done, payload })
      at += 20 + length
    } else throw new RangeError(`no reply begins with ${magic.toString(16)} at ${at}`)
  }
  return replies
}

/** The number in an error chunk. */
export const errnoOf = (reply: RawReply): number =>
  reply.kind === 'simple'
    ? reply.code
    : reply.payload.subarray(0, 4).reduce((v, b) => v * 256 + b, 0)

/** Lets everything that is due in this turn of the event loop and the next few happen. */
export async function settle(turns = 4): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
