// A server that speaks NBD just long enough to be rude: each script gets the connection and what was read.

import { createServer, type Socket } from 'node:net'
import { ack, greeting, infoExport, optionError } from '../engine/nbd/byte-script.test-helper'

export type RudeScript = (connection: RudeConnection) => Promise<void>

const UNSUPPORTED = 1
const GO = 7

/** Calls `use` with the URI of a server that plays `script` to each client, and ends it afterwards. */
export async function withRudeServer(
  path: string,
  script: RudeScript,
  use: (uri: string) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    script(new RudeConnection(socket)).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  try {
    await use(`nbd+unix:///?socket=${path}`)
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

export class RudeConnection {
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #wake: () => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
    socket.on('close', () => this.#wake())
  }

  send(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#socket.write(chunk)
  }

  hangUp(): void {
    this.#socket.end()
  }

  async read(length: number): Promise<Buffer> {
    while (this.#bytes.length < length) {
      if (this.#socket.destroyed || this.#socket.readableEnded) throw new Error('the client left')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return taken
  }

  /** The number of the next option. */
  async readOption(): Promise<number> {
    const header = await this.read(16)
    await this.read(header.readUInt32BE(12))
    return header.readUInt32BE(8)
  }

  /** Up to and with NBD_OPT_GO, by the book and with simple replies only. */
  async shakeHands(size: number | bigint): Promise<void> {
    this.send(greeting())
    await this.read(4)
    for (;;) {
      const option = await this.readOption()
      if (option === GO) break
      this.send(optionError(option, UNSUPPORTED))
    }
    const hasFlagsSendsFlush = 5
    this.send(infoExport(GO, size, hasFlagsSendsFlush), ack(GO))
  }

  /** Cookie and length of the next request. */
  async readRequest(): Promise<{ readonly cookie: bigint; readonly length: number }> {
    const header = await this.read(28)
    return { cookie: header.readBigUInt64BE(8), length: header.readUInt32BE(24) }
  }
}
