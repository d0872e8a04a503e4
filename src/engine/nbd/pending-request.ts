// One request of the client from submission to its answer: what was asked, where its bytes go, which of
// them have come, and how it ends. The reply parser fills it in; the client owns its life.

import { PlatterError } from '../base/errors'
import type { ExtentList } from '../disk/extents'
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_FLAG_DF,
  NBD_CMD_FLUSH,
  NBD_CMD_READ,
  nameOfCommand,
} from './constants'
import { PieceCover } from './piece-cover'
import type { WireError } from './wire-errors'
import { errorOfReply } from './wire-errors'

export interface RequestSpec {
  readonly command: number
  readonly flags: number
  readonly offset: number
  readonly length: number
  /** NBD_CMD_WRITE: the bytes, unchanged by their owner until the answer. */
  readonly payload?: Uint8Array
  /** NBD_CMD_READ: where the bytes go. */
  readonly target?: Uint8Array
  /** NBD_CMD_BLOCK_STATUS: only these contexts, by number, and not all that were agreed on. */
  readonly contexts?: readonly number[]
}

export type StatusByContext = ReadonlyMap<number, ExtentList>

/** For all requests that are not about status: nothing is ever put into it. */
const NO_STATUS = new Map<number, ExtentList>()

export class PendingRequest {
  readonly spec: RequestSpec
  /** When it was submitted, or when bytes of its answer last came; the client's clock. */
  activeAt: number
  /** Extents by context number: NBD_CMD_BLOCK_STATUS. */
  readonly status: Map<number, ExtentList>
  /** Called when it ends, either way. */
  onSettled?: () => void
  readonly #cover: PieceCover | undefined
  #target: Uint8Array | undefined
  #error: WireError | undefined
  #spoiled: PlatterError | undefined
  #settled = false
  readonly #resolve: (status: StatusByContext) => void
  readonly #reject: (error: unknown) => void

  constructor(
    spec: RequestSpec,
    now: number,
    resolve: (status: StatusByContext) => void,
    reject: (error: unknown) => void,
  ) {
    this.spec = spec
    this.activeAt = now
    this.#target = spec.target
    this.status = spec.command === NBD_CMD_BLOCK_STATUS ? new Map() : NO_STATUS
    this.#cover =
      spec.command === NBD_CMD_READ ? new PieceCover(spec.offset, spec.length) : undefined
    this.#resolve = resolve
    this.#reject = reject
  }

  /** `NBD_CMD_READ of 4096 bytes at 512`. */
  get what(): string {
    const { command, offset, length } = this.spec
    if (command === NBD_CMD_FLUSH) return nameOfCommand(command)
    return `${nameOfCommand(command)} of ${length} bytes at ${offset}`
  }

  get isRead(): boolean {
    return this.spec.command === NBD_CMD_READ
  }

  get isStatus(): boolean {
    return this.spec.command === NBD_CMD_BLOCK_STATUS
  }

  /** Nobody waits any more; the answer is still owed and will be thrown away. */
  get isAbandoned(): boolean {
    return this.#settled
  }

  /** A request without effects on the disk, which may be given up while the server works on it. */
  get isHarmless(): boolean {
    return this.isRead || this.isStatus
  }

  /** Payload bytes that it stands for, either way. */
  get payloadLength(): number {
    return this.spec.payload?.length ?? this.spec.target?.length ?? 0
  }

  /**
   * Where content for `offset`… goes, counted as received. `undefined`: nobody wants it any more.
   * Refuses content outside the request, or that came before.
   */
  claim(offset: number, length: number): Uint8Array | undefined {
    if (this.#cover === undefined) throw this.violation('content, but it is not a read')
    const isWhole = length === this.spec.length
    if ((this.spec.flags & NBD_CMD_FLAG_DF) !== 0 && !isWhole) {
      throw this.violation(`a piece of ${length} bytes, where one piece was asked for`)
    }
    const wrong = this.#cover.add(offset, length)
    if (wrong !== undefined) throw this.violation(wrong)
    const from = offset - this.spec.offset
    if (from === 0 && length === this.spec.length) return this.#target
    return this.#target?.subarray(from, from + length)
  }

  get errno(): number | undefined {
    return this.#error?.errno
  }

  fail(error: WireError): void {
    this.#error ??= error
  }

  /** What came cannot be passed on, though the connection is sound. */
  spoil(error: PlatterError): void {
    this.#spoiled ??= error
  }

  /** The last of the answer has come. `agreedContexts`: one status for each, unless fewer were asked for. */
  finish(agreedContexts: number): void {
    if (this.#error !== undefined) {
      this.settle(errorOfReply(this.what, this.#error))
      return
    }
    const missing = this.#cover?.missing ?? 0
    if (missing > 0) {
      this.settle(this.violation(`the answer ended with ${missing} bytes missing`))
      return
    }
    const contexts = this.spec.contexts?.length ?? agreedContexts
    if (this.isStatus && this.status.size !== contexts) {
      const why = `status for ${this.status.size} of ${contexts} contexts`
      this.settle(this.violation(why))
      return
    }
    this.settle(this.#spoiled)
  }

  /** Ends it with a failure, or well. The buffers belong to the caller again from here on. */
  settle(error: unknown): void {
    this.#target = undefined
    if (this.#settled) return
    this.#settled = true
    this.onSettled?.()
    if (error === undefined) this.#resolve(this.status)
    else this.#reject(error)
  }

  violation(what: string): PlatterError {
    return new PlatterError('PROTOCOL', `${this.what}: the server sent ${what}`, {
      data: { offset: this.spec.offset, length: this.spec.length },
    })
  }
}
