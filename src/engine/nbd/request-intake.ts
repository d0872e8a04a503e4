// What a client sends, on its way into the parser: bytes for which there is no room yet are held, and the
// connection is not read meanwhile, so that the rest waits in the client's own buffers.

import type { RequestParserOwner } from './request-parser'
import { RequestParser } from './request-parser'
import type { Transport } from './transport'

const NOTHING = new Uint8Array(0)

export class RequestIntake {
  readonly #owner: RequestParserOwner
  readonly #parser: RequestParser
  readonly #transport: Pick<Transport, 'pause' | 'resume'>
  /** Received and not parsed: the limits were reached in the middle of a chunk. */
  #held: Uint8Array | undefined
  #isPaused = false
  #isClosed = false

  constructor(
    owner: RequestParserOwner,
    extended: boolean,
    transport: Pick<Transport, 'pause' | 'resume'>,
  ) {
    this.#owner = owner
    this.#parser = new RequestParser(owner, extended)
    this.#transport = transport
  }

  /** Throws what the parser throws. */
  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return
    if (this.#held !== undefined) {
      // Arrived although the transport was paused: it waits behind what is held.
      this.#held = joinBytes(this.#held, chunk)
      return
    }
    const taken = this.#parser.receive(chunk)
    if (!this.#isClosed && taken < chunk.length) this.#held = chunk.slice(taken)
    this.#balance()
  }

  /** There may be room again. Throws what the parser throws. */
  goOn(): void {
    if (this.#held === undefined && !this.#parser.isWaiting) {
      this.#balance()
      return
    }
    const held = this.#held ?? NOTHING
    this.#held = undefined
    this.receive(held)
  }

  /** Takes nothing more; what still comes is read and dropped, so that it keeps no connection open. */
  close(): void {
    this.#isClosed = true
    this.#held = undefined
  }

  /** After close(): lets the connection be read to its end. */
  drain(): void {
    if (this.#isPaused) this.#transport.resume()
  }

  #balance(): void {
    if (this.#isClosed) return
    const full = this.#held !== undefined || this.#parser.isWaiting || !this.#owner.mayTake()
    if (full === this.#isPaused) return
    this.#isPaused = full
    if (full) this.#transport.pause()
    else this.#transport.resume()
  }
}

function joinBytes(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
