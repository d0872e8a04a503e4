// The client's transmission phase, inbound: chunks cut anywhere in, payload straight into the buffers
// of the requests it belongs to. Bytes are copied once, from the receive buffer to the caller's, and most
// of a long payload not even that: it comes from the socket where it belongs.
//
// States and what each waits for:
//   header     16 bytes of a simple reply, 20 of a structured chunk, 32 of an extended one
//   body       a whole small payload: error, hole, an offset before data, a context number
//   data       content, moved as it comes
//   status     block descriptors of 8 or 16 bytes, taken as they come
//   skip       payload of an error chunk that we do not know
//   broken     after a violation: nothing more is looked at
//
// A violation throws PlatterError PROTOCOL and the connection has to be closed: the stream cannot be
// trusted further. What only spoils one request is recorded in that request.

import { assert } from '../base/assert'
import { PlatterError } from '../base/errors'
import { bodyLength, ERROR_CHUNK_HEADER, isErrorChunk, STATUS_DESCRIPTOR } from './chunk-rules'
import * as nbd from './constants'
import { errorTextLength, readError } from './error-chunk'
import type { PendingRequest } from './pending-request'
import { StatusIntake } from './status-intake'
import { offsetAt, u16At, u32At } from './wire-read'

export interface ReplyParserOptions {
  readonly structured: boolean
  /** Extended headers: every reply is an extended chunk. */
  readonly extended: boolean
  /** The numbers of the contexts that were negotiated. */
  readonly contextIds: readonly number[]
  /** The request that a cookie belongs to; it stays until `onAnswered`. */
  find(cookie: number): PendingRequest | undefined
  /** Moves what else has arrived into `target`; how many bytes. See Transport.receiveInto. */
  readonly pull?: ((target: Uint8Array) => number) | undefined
  /** The last byte of the answer has come; the request has been finished. */
  onAnswered(cookie: number, request: PendingRequest): void
}

export type ReplyState = 'header' | 'body' | 'data' | 'status' | 'skip' | 'broken'

const SCRATCH = 64
/** To ask for less costs more than to copy it. */
const SHORTEST_PULL = 16 * 1024
/** Pulled in one go before others have their turn. */
const LONGEST_TURN = 4 * 1024 * 1024
/** For headers, and what little may come with them. */
const STAGING = 4 * 1024

export class ReplyParser {
  readonly #options: ReplyParserOptions
  readonly #headers: 'compact' | 'extended'
  #state: ReplyState = 'header'

  // What is being gathered: `#need` bytes, of which `#have` are in the scratch buffer.
  #scratch = new Uint8Array(SCRATCH)
  #need = nbd.SIMPLE_REPLY_LENGTH
  #have = 0

  // The chunk being parsed.
  #cookie = 0
  #request: PendingRequest | undefined
  #type = 0
  #done = false
  /** Payload bytes of the chunk that have not come. */
  #left = 0
  #target: Uint8Array | undefined
  #filled = 0
  #status: StatusIntake | undefined
  readonly #staging = new Uint8Array(STAGING)

  constructor(options: ReplyParserOptions) {
    this.#options = options
    this.#headers = options.extended ? 'extended' : 'compact'
  }

  get state(): ReplyState {
    return this.#state
  }

  /** The request whose answer is coming in. */
  get request(): PendingRequest | undefined {
    return this.#request
  }

  /** Takes all of `chunk`. Throws PlatterError PROTOCOL at a violation. */
  receive(chunk: Uint8Array): void {
    try {
      for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at)
      const { pull } = this.#options
      if (pull !== undefined) this.#pullMore(pull)
    } catch (error) {
      this.#state = 'broken'
      throw error
    }
  }

  /** Takes what else has arrived: long data straight into its buffer, and the headers between. */
  #pullMore(pull: (target: Uint8Array) => number): void {
    for (let turn = LONGEST_TURN; turn > 0; ) {
      const target = this.#pullTarget()
      const count = target === undefined ? 0 : pull(target)
      if (target === undefined || count === 0) return
      turn -= count
      if (target === this.#staging) {
        for (let at = 0; at < count; ) at = this.#step(target.subarray(0, count), at)
      } else this.#moved(count)
    }
  }

  #pullTarget(): Uint8Array | undefined {
    if (this.#state === 'header') return this.#staging
    if (this.#state !== 'data' || this.#left < SHORTEST_PULL) return undefined
    if (this.#open.isAbandoned) this.#target = undefined
    return this.#target?.subarray(this.#filled, this.#filled + this.#left)
  }

  #step(chunk: Uint8Array, at: number): number {
    switch (this.#state) {
      case 'header':
      case 'body':
        return this.#gather(chunk, at)
      case 'data':
        return this.#moveData(chunk, at)
      case 'status':
        return this.#takeDescriptors(chunk, at)
      case 'skip':
        return this.#skipPayload(chunk, at)
      case 'broken':
        return chunk.length
    }
  }

  /** Collects `#need` bytes, then acts on them; without a copy when they lie in `chunk` as a whole. */
  #gather(chunk: Uint8Array, at: number): number {
    // Until its magic is seen, a header is expected to be of the shortest kind.
    if (this.#state === 'header' && this.#have === 0 && chunk.length - at >= 4) {
      this.#need = headerLength(u32At(chunk, at))
    }
    const need = this.#need
    if (this.#have === 0 && chunk.length - at >= need) {
      this.#act(chunk, at)
      return at + need
    }
    const part = Math.min(need - this.#have, chunk.length - at)
    this.#scratch.set(chunk.subarray(at, at + part), this.#have)
    this.#have += part
    if (this.#have < need) return at + part
    if (this.#state === 'header' && need === nbd.SIMPLE_REPLY_LENGTH) {
      this.#need = headerLength(u32At(this.#scratch, 0))
      if (this.#need > need) return at + part
    }
    this.#have = 0
    this.#act(this.#scratch, 0)
    return at + part
  }

  #act(bytes: Uint8Array, at: number): void {
    if (this.#state === 'header') this.#onHeader(bytes, at)
    else this.#onBody(bytes, at)
  }

  #onHeader(bytes: Uint8Array, at: number): void {
    const magic = u32At(bytes, at)
    const simple = magic === nbd.NBD_SIMPLE_REPLY_MAGIC
    const extended = magic === nbd.NBD_EXTENDED_REPLY_MAGIC
    if (!simple && !extended && magic !== nbd.NBD_STRUCTURED_REPLY_MAGIC) {
      throw new PlatterError('PROTOCOL', `a reply begins with 0x${magic.toString(16)}`)
    }
    const high = u32At(bytes, at + 8)
    this.#cookie = high * 2 ** 32 + u32At(bytes, at + 12)
    const request = high < 2 ** 21 ? this.#options.find(this.#cookie) : undefined
    if (request === undefined) {
      throw new PlatterError('PROTOCOL', `a reply for request ${this.#cookie}, which is not open`)
    }
    this.#request = request
    if (extended !== this.#options.extended) {
      throw request.violation(
        extended
          ? 'an extended reply, which was not agreed on'
          : 'a reply without the extended header that was agreed on',
      )
    }
    if (simple) {
      this.#onSimple(request, u32At(bytes, at + 4))
      return
    }
    this.#done = (u16At(bytes, at + 4) & nbd.NBD_REPLY_FLAG_DONE) !== 0
    const type = u16At(bytes, at + 6)
    if (!extended) {
      this.#onChunk(request, type, u32At(bytes, at + 16))
      return
    }
    const offset = offsetAt(bytes, at + 16)
    if (offset !== request.spec.offset) throw request.violation(`a reply for offset ${offset}`)
    this.#onChunk(request, type, offsetAt(bytes, at + 24))
  }

  #onSimple(request: PendingRequest, errno: number): void {
    if (this.#options.structured && request.isRead) {
      throw request.violation('a simple reply, but structured replies were agreed on')
    }
    this.#done = true
    if (errno !== nbd.NBD_SUCCESS) {
      request.fail({ errno, message: '' })
      this.#endChunk()
      return
    }
    const { offset, length } = request.spec
    if (request.isRead) this.#startData(request, offset, length)
    else this.#endChunk()
  }

  #onChunk(request: PendingRequest, type: number, length: number): void {
    if (!this.#options.structured) {
      throw request.violation('a structured reply, which was not agreed on')
    }
    this.#type = type
    this.#left = length
    const body = bodyLength(request, type, length, this.#done, this.#headers)
    if (body === 0) this.#endChunk()
    else this.#expectBody(body)
  }

  #expectBody(length: number): void {
    this.#state = 'body'
    this.#need = length
    if (length > this.#scratch.length) this.#scratch = new Uint8Array(length)
  }

  #onBody(bytes: Uint8Array, at: number): void {
    const request = this.#open
    this.#left -= this.#need
    if (isErrorChunk(this.#type)) {
      this.#onErrorBody(request, bytes, at)
      return
    }
    if (this.#type === nbd.NBD_REPLY_TYPE_BLOCK_STATUS) {
      this.#startStatus(request, u32At(bytes, at))
      return
    }
    if (this.#type === nbd.NBD_REPLY_TYPE_BLOCK_STATUS_EXT) {
      const count = u32At(bytes, at + 4)
      if (count !== 0 && count !== this.#left / STATUS_DESCRIPTOR.extended) {
        throw request.violation(`${count} extents in ${this.#left} bytes`)
      }
      this.#startStatus(request, u32At(bytes, at))
      return
    }
    const offset = offsetAt(bytes, at)
    if (this.#type === nbd.NBD_REPLY_TYPE_OFFSET_DATA) {
      this.#startData(request, offset, this.#left)
      return
    }
    const size = u32At(bytes, at + 8)
    if (size === 0) throw request.violation('a hole of 0 bytes')
    request.claim(offset, size)?.fill(0)
    this.#endChunk()
  }

  /** First the six fixed bytes of an error chunk, then those together with its text. */
  #onErrorBody(request: PendingRequest, bytes: Uint8Array, at: number): void {
    const isFirst = this.#need === ERROR_CHUNK_HEADER
    const textLength = errorTextLength(request, this.#type, bytes, at, this.#left, isFirst)
    if (isFirst && textLength > 0) {
      // Gather the fixed bytes once more, together with the text.
      this.#expectBody(ERROR_CHUNK_HEADER + textLength)
      this.#scratch.set(bytes.subarray(at, at + ERROR_CHUNK_HEADER), 0)
      this.#have = ERROR_CHUNK_HEADER
      this.#left += ERROR_CHUNK_HEADER
      return
    }
    request.fail(readError(bytes, at, textLength))
    this.#state = 'skip'
    if (this.#left === 0) this.#endChunk()
  }

  #startData(request: PendingRequest, offset: number, length: number): void {
    this.#target = request.claim(offset, length)
    this.#filled = 0
    this.#left = length
    this.#state = 'data'
    if (length === 0) this.#endChunk()
  }

  #moveData(chunk: Uint8Array, at: number): number {
    const part = Math.min(this.#left, chunk.length - at)
    // Asked for anew each time: the caller may have given up while the rest was under way.
    if (this.#open.isAbandoned) this.#target = undefined
    this.#target?.set(
      at === 0 && part === chunk.length ? chunk : chunk.subarray(at, at + part),
      this.#filled,
    )
    this.#moved(part)
    return at + part
  }

  #moved(count: number): void {
    this.#filled += count
    this.#left -= count
    if (this.#left === 0) this.#endChunk()
  }

  #startStatus(request: PendingRequest, contextId: number): void {
    const { contextIds } = this.#options
    this.#status = new StatusIntake(request, contextId, contextIds, this.#headers, this.#left)
    this.#state = 'status'
  }

  #takeDescriptors(chunk: Uint8Array, at: number): number {
    const status = this.#status as StatusIntake
    const next = status.take(chunk, at)
    if (status.isComplete) this.#endChunk()
    return next
  }

  #skipPayload(chunk: Uint8Array, at: number): number {
    const part = Math.min(this.#left, chunk.length - at)
    this.#left -= part
    if (this.#left === 0) this.#endChunk()
    return at + part
  }

  #endChunk(): void {
    const request = this.#open
    const cookie = this.#cookie
    this.#state = 'header'
    this.#need = nbd.SIMPLE_REPLY_LENGTH
    this.#target = undefined
    this.#status = undefined
    if (!this.#done) return
    this.#request = undefined
    request.finish(this.#options.contextIds.length)
    this.#options.onAnswered(cookie, request)
  }

  get #open(): PendingRequest {
    assert(this.#request !== undefined, 'no reply is being parsed')
    return this.#request
  }
}

function headerLength(magic: number): number {
  if (magic === nbd.NBD_STRUCTURED_REPLY_MAGIC) return nbd.STRUCTURED_REPLY_LENGTH
  if (magic === nbd.NBD_EXTENDED_REPLY_MAGIC) return nbd.EXTENDED_REPLY_LENGTH
  return nbd.SIMPLE_REPLY_LENGTH
}
