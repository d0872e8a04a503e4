import {
  EXTENDED_REQUEST_LENGTH,
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_FLAG_PAYLOAD_LEN,
  NBD_CMD_WRITE,
  NBD_EXTENDED_REQUEST_MAGIC,
  NBD_REQUEST_MAGIC,
  REQUEST_LENGTH,
} from './constants'
import { putU16, putU32, putU64 } from './wire-write'

/** What stands in a request's header; `contexts` as in RequestSpec. */
export interface RequestFields {
  readonly command: number
  readonly flags: number
  readonly offset: number
  readonly length: number
  readonly contexts?: readonly number[] | undefined
}

/** Headers are cut from pieces of this size: a buffer for each would cost more than what is in it. */
const SLAB = 16 * 1024

export class RequestEncoder {
  readonly #extended: boolean
  #slab = new Uint8Array(0)
  #used = 0

  constructor(extended: boolean) {
    this.#extended = extended
  }

  /**
   * The 28 bytes of a request, or 32 with extended headers, which then say of every write that its
   * length is that of a payload. The payload of a write follows on the wire; that of a status query for
   * chosen contexts (extended headers only) is part of what is returned. Nothing is written into those
   * bytes again.
   */
  encode(fields: RequestFields, cookie: number): Uint8Array {
    const { command, length } = fields
    const contexts = command === NBD_CMD_BLOCK_STATUS ? fields.contexts : undefined
    const payload = contexts === undefined ? 0 : 8 + 4 * contexts.length
    const size = this.#extended ? EXTENDED_REQUEST_LENGTH : REQUEST_LENGTH
    const bytes = this.#take(size + payload)
    const hasPayload = command === NBD_CMD_WRITE || payload > 0
    const extra = this.#extended && hasPayload ? NBD_CMD_FLAG_PAYLOAD_LEN : 0
    putU32(bytes, 0, this.#extended ? NBD_EXTENDED_REQUEST_MAGIC : NBD_REQUEST_MAGIC)
    putU16(bytes, 4, fields.flags | extra)
    putU16(bytes, 6, command)
    putU64(bytes, 8, cookie)
    putU64(bytes, 16, fields.offset)
    if (!this.#extended) putU32(bytes, 24, length)
    else putU64(bytes, 24, payload > 0 ? payload : length)
    if (contexts !== undefined) {
      putU64(bytes, size, length)
      for (const [i, id] of contexts.entries()) putU32(bytes, size + 8 + 4 * i, id)
    }
    return bytes
  }

  #take(length: number): Uint8Array {
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB, length))
      this.#used = 0
    }
    const from = this.#used
    this.#used += length
    return this.#slab.subarray(from, this.#used)
  }
}
