// The newest requests of a server, for whoever shows them or writes them down. A ring of columns that is
// allocated once: adding a record stores numbers in typed arrays and allocates nothing, so a log may be
// kept while a hundred thousand requests a second go by. Who reads it remembers how far it came by
// sequence number; what has been overwritten meanwhile is simply missing, and the numbers show it.
//
// A record is written when the request is done. Times are those of the server's clock.

import { assert } from '../base/assert'
import type { RequestHeader } from './request-parser'

export interface RequestRecord {
  /** 0 for the first request of the server; every one has its own, in the order in which they ended. */
  readonly seq: number
  readonly client: number
  /** NBD_CMD_… */
  readonly command: number
  /** NBD_CMD_FLAG_… */
  readonly flags: number
  /** Bytes; above 2^53 only "too large", as the client sent it. */
  readonly offset: number
  readonly length: number
  /** 0 when it went well, else NBD_E… */
  readonly errno: number
  /** When the whole request had come. */
  readonly startedMs: number
  /** From then until its answer was ready to be sent. */
  readonly durationMs: number
}

export const DEFAULT_LOG_CAPACITY = 1000

export class RequestLog {
  readonly capacity: number
  /** Called after each record; it must be quick. */
  onRecord: (() => void) | undefined
  readonly #client: Uint32Array
  readonly #command: Uint16Array
  readonly #flags: Uint16Array
  readonly #errno: Uint32Array
  readonly #offset: Float64Array
  readonly #length: Float64Array
  readonly #startedMs: Float64Array
  readonly #durationMs: Float64Array
  #next = 0
  #first = 0

  constructor(capacity = DEFAULT_LOG_CAPACITY) {
    assert(Number.isInteger(capacity) && capacity > 0, `a log of ${capacity} requests`)
    this.capacity = capacity
    this.#client = new Uint32Array(capacity)
    this.#command = new Uint16Array(capacity)
    this.#flags = new Uint16Array(capacity)
    this.#errno = new Uint32Array(capacity)
    this.#offset = new Float64Array(capacity)
    this.#length = new Float64Array(capacity)
    this.#startedMs = new Float64Array(capacity)
    this.#durationMs = new Float64Array(capacity)
  }

  /** The sequence number that the next record will have. */
  get next(): number {
    return this.#next
  }

  /** That of the oldest record that is still here; `next` when there is none. */
  get first(): number {
    return Math.max(this.#first, this.#next - this.capacity)
  }

  add(
    client: number,
    header: RequestHeader,
    errno: number,
    startedMs: number,
    endedMs: number,
  ): void {
    const at = this.#next % this.capacity
    this.#client[at] = client
    this.#command[at] = header.command
    this.#flags[at] = header.flags
    this.#offset[at] = header.offset
    this.#length[at] = header.length
    this.#errno[at] = errno
    this.#startedMs[at] = startedMs
    this.#durationMs[at] = endedMs - startedMs
    this.#next++
    this.onRecord?.()
  }

  /** Forgets what there is; sequence numbers go on. */
  clear(): void {
    this.#first = this.#next
  }

  /** The record of that number, which has to be one that is still here. */
  at(seq: number): RequestRecord {
    assert(seq >= this.first && seq < this.#next, `record ${seq} is not in the log`)
    const at = seq % this.capacity
    return {
      seq,
      client: this.#client[at] as number,
      command: this.#command[at] as number,
      flags: this.#flags[at] as number,
      offset: this.#offset[at] as number,
      length: this.#length[at] as number,
      errno: this.#errno[at] as number,
      startedMs: this.#startedMs[at] as number,
      durationMs: this.#durationMs[at] as number,
    }
  }

  /** The records from `seq` on, or from the oldest that is still here; oldest first. */
  from(seq: number): RequestRecord[] {
    const start = Math.max(seq, this.first)
    return Array.from({ length: Math.max(0, this.#next - start) }, (_, i) => this.at(start + i))
  }
}
