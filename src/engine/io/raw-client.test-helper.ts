// A client on a real socket that sends the bytes it is told and keeps count of those it gets.

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'

export class RawClient {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  #length = 0
  /** When the connection is gone, whichever way. */
  readonly closed: Promise<void>
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      this.#length += chunk.length
      this.#wake()
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => this.#wake())
  }

  static async open(path: string): Promise<RawClient> {
    const socket = connect({ path, allowHalfOpen: true })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get length(): number {
    return this.#length
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Waits for so many bytes in all; false when the connection is gone before. */
  async gets(length: number): Promise<boolean> {
    while (this.#length < length && !this.socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#length >= length
  }
}
