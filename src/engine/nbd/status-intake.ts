// The client's intake of block status: descriptors of 8 bytes, or 16 with extended headers, cut anywhere,
// into the list of one context.

import { PlatterError } from '../base/errors'
import { ExtentList } from '../disk/extents'
import { STATUS_DESCRIPTOR } from './chunk-rules'
import type { PendingRequest } from './pending-request'
import { offsetAt, u32At } from './wire-read'

export class StatusIntake {
  readonly #request: PendingRequest
  readonly #isWide: boolean
  readonly #size: number
  readonly #list: ExtentList
  /** Bytes of descriptors that have not come. */
  #left: number
  /** A descriptor of which only the beginning has come. */
  readonly #part = new Uint8Array(STATUS_DESCRIPTOR.extended)
  #have = 0

  /** `bytes` of descriptors follow: whole ones, at least one. `known`: the contexts that were agreed on. */
  constructor(
    request: PendingRequest,
    contextId: number,
    known: readonly number[],
    headers: 'compact' | 'extended',
    bytes: number,
  ) {
    if (!(request.spec.contexts ?? known).includes(contextId)) {
      throw request.violation(`status for context ${contextId}, which was not asked for`)
    }
    if (request.status.has(contextId)) {
      throw request.violation(`status for context ${contextId} twice`)
    }
    this.#request = request
    this.#isWide = headers === 'extended'
    this.#size = STATUS_DESCRIPTOR[headers]
    this.#left = bytes
    this.#list = new ExtentList(request.spec.offset)
    request.status.set(contextId, this.#list)
  }

  get isComplete(): boolean {
    return this.#left === 0
  }

  /** Takes what it can from `at` on; where the rest begins. */
  take(chunk: Uint8Array, at: number): number {
    const size = this.#size
    while (at < chunk.length && this.#left > 0) {
      if (this.#have === 0 && chunk.length - at >= size) {
        this.#onDescriptor(chunk, at)
        at += size
        continue
      }
      const part = Math.min(size - this.#have, chunk.length - at)
      this.#part.set(chunk.subarray(at, at + part), this.#have)
      this.#have += part
      at += part
      if (this.#have < size) return at
      this.#have = 0
      this.#onDescriptor(this.#part, 0)
    }
    return at
  }

  /** Descriptors beyond the request are checked and left out: the last one may reach over its end. */
  #onDescriptor(bytes: Uint8Array, at: number): void {
    const request = this.#request
    const length = this.#isWide ? offsetAt(bytes, at) : u32At(bytes, at)
    const flags = this.#isWide ? offsetAt(bytes, at + 8) : u32At(bytes, at + 4)
    if (length === 0) throw request.violation('an extent of 0 bytes')
    if (flags > Number.MAX_SAFE_INTEGER) request.spoil(tooManyFlags(request, bytes, at + 8))
    const list = this.#list
    const end = request.spec.offset + request.spec.length
    list.append(Math.min(length, end - list.end), flags)
    this.#left -= this.#size
  }
}

/** A status is a number here, as offsets are: one above 2^53 would be shown as another one. */
function tooManyFlags(request: PendingRequest, bytes: Uint8Array, at: number): PlatterError {
  const flags = [u32At(bytes, at), u32At(bytes, at + 4)]
  const digits = flags.map((half) => half.toString(16).padStart(8, '0')).join('')
  const why = `a status of 0x${digits} is above the largest supported 2^53-1`
  return new PlatterError('LIMIT', `${request.what}: ${why}`)
}
