// The server's transmission phase, inbound: chunks cut anywhere in, whole requests out. The header is
// judged before a byte is allocated for its payload; the payload of a refused write is read and thrown
// away, so that the stream stays in step. The parser stops between requests when its owner has taken
// enough (`mayTake`), and says how far it came.
//
// States: header (28 bytes, 32 extended ones), admission (the owner has no room for its payload yet),
// payload (into a buffer of its own), discard (a refused payload).

import { PlatterError } from '../base/errors'
import * as nbd from './constants'
import { MAX_REFUSED_PAYLOAD } from './limits'
import type { WireError } from './wire-errors'
import { offsetAt, u16At, u32At } from './wire-read'

export interface RequestHeader {
  readonly command: number
  readonly flags: number
  /** The client's 64 bits, given back as they came. */
  readonly cookieHigh: number
  readonly cookieLow: number
  /** Exact up to 2^53; above that only "too large". */
  readonly offset: number
  readonly length: number
  /** The client's 64 bits of offset, for the replies that repeat them. */
  readonly offsetHigh: number
  readonly offsetLow: number
  /** Bytes that follow the header. */
  readonly payloadLength: number
}

export interface RequestParserOwner {
  /** Why the request cannot be carried out; asked once, before its payload is read. */
  judge(header: RequestHeader): WireError | undefined
  /** False: the parser stops before the next header. */
  mayTake(): boolean
  /** Whether there is memory for what it carries or asks for; asked again by receive() until there is. */
  admit(header: RequestHeader): boolean
  /** A buffer of that length, for a payload that was admitted; what is in it does not matter. */
  allocate(length: number): Uint8Array
  /** Moves what else has arrived straight into `target`; how many bytes. See Transport.receiveInto. */
  pull?(target: Uint8Array): number
  /** A whole request; a refused one has no payload. */
  onRequest(header: RequestHeader, payload: Uint8Array, refusal: WireError | undefined): void
}

/** To ask for less costs more than to copy it. */
const SHORTEST_PULL = 16 * 1024

const NOTHING = new Uint8Array(0)

export class RequestParser {
  readonly #owner: RequestParserOwner
  readonly #extended: boolean
  readonly #headerLength: number
  readonly #scratch: Uint8Array
  #have = 0
  #state: 'header' | 'admission' | 'payload' | 'discard' = 'header'
  #header: RequestHeader | undefined
  #refusal: WireError | undefined
  #payload: Uint8Array = NOTHING
  #left = 0

  constructor(owner: RequestParserOwner, extended: boolean) {
    this.#owner = owner
    this.#extended = extended
    this.#headerLength = extended ? nbd.EXTENDED_REQUEST_LENGTH : nbd.REQUEST_LENGTH
    this.#scratch = new Uint8Array(this.#headerLength)
  }

  get state(): string {
    return this.#state
  }

  /** A request waits until its owner has room for it; receive(), of nothing perhaps, asks again. */
  get isWaiting(): boolean {
    return this.#state === 'admission'
  }

  /** How many bytes of `chunk` were taken: all, unless the owner wants no more requests for now. */
  receive(chunk: Uint8Array): number {
    let at = 0
    for (;;) {
      if (this.#state === 'admission' && !this.#enter()) return at
      if (at === chunk.length && !this.#pull()) return at
      if (this.#state === 'header') {
        if (this.#have === 0 && !this.#owner.mayTake()) return at
        at = this.#takeHeader(chunk, at)
      } else at = this.#takePayload(chunk, at)
    }
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    const whole = this.#headerLength
    if (this.#have === 0 && chunk.length - at >= whole) {
      this.#onHeader(chunk, at)
      return at + whole
    }
    const part = Math.min(whole - this.#have, chunk.length - at)
    this.#scratch.set(chunk.subarray(at, at + part), this.#have)
    this.#have += part
    if (this.#have === whole) {
      this.#have = 0
      this.#onHeader(this.#scratch, 0)
    }
    return at + part
  }

  #onHeader(bytes: Uint8Array, at: number): void {
    const header = this.#extended ? readExtendedHeader(bytes, at) : readHeader(bytes, at)
    const refusal = this.#owner.judge(header)
    const { payloadLength } = header
    // Whatever the owner says of it: nobody gets a buffer of that length.
    if (payloadLength > MAX_REFUSED_PAYLOAD) {
      const why = `a payload of ${payloadLength} bytes, above ${MAX_REFUSED_PAYLOAD}`
      throw new PlatterError('LIMIT', `${nbd.nameOfCommand(header.command)}: ${why}`)
    }
    this.#header = header
    this.#refusal = refusal
    this.#left = payloadLength
    if (refusal === undefined) this.#state = 'admission'
    else if (payloadLength > 0) this.#state = 'discard'
    else this.#finish()
  }

  /** False: not yet. */
  #enter(): boolean {
    if (!this.#owner.admit(this.#header as RequestHeader)) return false
    if (this.#left === 0) this.#finish()
    else {
      this.#payload = this.#owner.allocate(this.#left)
      this.#state = 'payload'
    }
    return true
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

  /** True when that made the payload whole. */
  #pull(): boolean {
    const { pull } = this.#owner
    if (this.#state !== 'payload' || this.#left < SHORTEST_PULL || pull === undefined) return false
    this.#left -= pull(this.#payload.subarray(this.#payload.length - this.#left))
    if (this.#left > 0) return false
    this.#finish()
    return true
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

function readHeader(bytes: Uint8Array, at: number): RequestHeader {
  checkMagic(u32At(bytes, at), nbd.NBD_REQUEST_MAGIC)
  const command = u16At(bytes, at + 6)
  const offsetHigh = u32At(bytes, at + 16)
  const offsetLow = u32At(bytes, at + 20)
  const length = u32At(bytes, at + 24)
  return {
    flags: u16At(bytes, at + 4),
    command,
    cookieHigh: u32At(bytes, at + 8),
    cookieLow: u32At(bytes, at + 12),
    offset: offsetHigh * 2 ** 32 + offsetLow,
    length,
    offsetHigh,
    offsetLow,
    payloadLength: command === nbd.NBD_CMD_WRITE ? length : 0,
  }
}

function readExtendedHeader(bytes: Uint8Array, at: number): RequestHeader {
  checkMagic(u32At(bytes, at), nbd.NBD_EXTENDED_REQUEST_MAGIC)
  const flags = u16At(bytes, at + 4)
  const offsetHigh = u32At(bytes, at + 16)
  const offsetLow = u32At(bytes, at + 20)
  const length = offsetAt(bytes, at + 24)
  const command = u16At(bytes, at + 6)
  // Without the flag nothing follows, not even a write's data. Behind a goodbye nothing is taken.
  const hasPayload = (flags & nbd.NBD_CMD_FLAG_PAYLOAD_LEN) !== 0 && command !== nbd.NBD_CMD_DISC
  return {
    flags,
    command,
    cookieHigh: u32At(bytes, at + 8),
    cookieLow: u32At(bytes, at + 12),
    offset: offsetHigh * 2 ** 32 + offsetLow,
    length,
    offsetHigh,
    offsetLow,
    payloadLength: hasPayload ? length : 0,
  }
}

function checkMagic(magic: number, expected: number): void {
  if (magic === expected) return
  throw new PlatterError('PROTOCOL', `a request begins with 0x${magic.toString(16)}`)
}
