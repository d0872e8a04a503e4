// The server's transmission phase, inbound: chunks cut anywhere in, whole requests out. The header is
// judged before a byte is allocated for its payload; the payload of a refused write is read and thrown
// away, so that the stream stays in step. The parser stops between requests when its owner has taken
// enough (`mayTake`), and says how far it came.
//
// States: header (28 bytes), payload (into a buffer of its own), discard (a refused payload).

import { PlatterError } from '../base/errors'
import * as nbd from './constants'
import { MAX_REFUSED_PAYLOAD } from './limits'
import type { WireError } from './wire-errors'

export interface RequestHeader {
  readonly command: number
  readonly flags: number
  /** The client's 64 bits, given back as they came. */
  readonly cookieHigh: number
  readonly cookieLow: number
  /** Exact up to 2^53; above that only "too large". */
  readonly offset: number
  readonly length: number
}

export interface RequestParserOwner {
  /** Why the request cannot be carried out; asked once, before its payload is read. */
  judge(header: RequestHeader): WireError | undefined
  /** False: the parser stops before the next header. */
  mayTake(): boolean
  /** A whole request; a refused one has no payload. */
  onRequest(header: RequestHeader, payload: Uint8Array, refusal: WireError | undefined): void
}

const NOTHING = new Uint8Array(0)

export class RequestParser {
  readonly #owner: RequestParserOwner
  readonly #scratch = new Uint8Array(nbd.REQUEST_LENGTH)
  #have = 0
  #state: 'header' | 'payload' | 'discard' = 'header'
  #header: RequestHeader | undefined
  #refusal: WireError | undefined
  #payload: Uint8Array = NOTHING
  #left = 0

  constructor(owner: RequestParserOwner) {
    this.#owner = owner
  }

  get state(): string {
    return this.#state
  }

  /** How many bytes of `chunk` were taken: all, unless the owner wants no more requests for now. */
  receive(chunk: Uint8Array): number {
    let at = 0
    while (at < chunk.length) {
      if (this.#state === 'header') {
        if (this.#have === 0 && !this.#owner.mayTake()) return at
        at = this.#takeHeader(chunk, at)
      } else at = this.#takePayload(chunk, at)
    }
    return at
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    if (this.#have === 0 && chunk.length - at >= nbd.REQUEST_LENGTH) {
      this.#onHeader(chunk, at)
      return at + nbd.REQUEST_LENGTH
    }
    const part = Math.min(nbd.REQUEST_LENGTH - this.#have, chunk.length - at)
    this.#scratch.set(chunk.subarray(at, at + part), this.#have)
    this.#have += part
    if (this.#have === nbd.REQUEST_LENGTH) {
      this.#have = 0
      this.#onHeader(this.#scratch, 0)
    }
    return at + part
  }

  #onHeader(bytes: Uint8Array, at: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, nbd.REQUEST_LENGTH)
    const magic = view.getUint32(0)
    if (magic !== nbd.NBD_REQUEST_MAGIC) {
      throw new PlatterError('PROTOCOL', `a request begins with 0x${magic.toString(16)}`)
    }
    const header = {
      flags: view.getUint16(4),
      command: view.getUint16(6),
      cookieHigh: view.getUint32(8),
      cookieLow: view.getUint32(12),
      offset: view.getUint32(16) * 2 ** 32 + view.getUint32(20),
      length: view.getUint32(24),
    }
    const refusal = this.#owner.judge(header)
    const payload = header.command === nbd.NBD_CMD_WRITE ? header.length : 0
    if (refusal !== undefined && payload > MAX_REFUSED_PAYLOAD) {
      throw new PlatterError('LIMIT', `a write of ${payload} bytes, above ${MAX_REFUSED_PAYLOAD}`)
    }
    if (payload === 0) {
      this.#owner.onRequest(header, NOTHING, refusal)
      return
    }
    this.#header = header
    this.#refusal = refusal
    this.#left = payload
    this.#state = refusal === undefined ? 'payload' : 'discard'
    if (refusal === undefined) this.#payload = new Uint8Array(payload)
  }

  #takePayload(chunk: Uint8Array, at: number): number {
    const part = Math.min(this.#left, chunk.length - at)
    if (this.#state === 'payload') {
      this.#payload.set(chunk.subarray(at, at + part), this.#payload.length - this.#left)
    }
    this.#left -= part
    if (this.#left === 0) this.#finish()
    return at + part
  }

  #finish(): void {
    const header = this.#header as RequestHeader
    const payload = this.#payload
    this.#state = 'header'
    this.#payload = NOTHING
    this.#header = undefined
    this.#owner.onRequest(header, payload, this.#refusal)
  }
}
