// Byte-exact reads, writes and zeroes on a server that knows only whole blocks and payloads up to a
// limit. A read is widened to blocks. What begins or ends inside a block is read, changed and written
// back as whole blocks, under a lock that keeps our own writes to those blocks apart; nobody can keep
// those of other clients apart. Payloads above the limit are cut to pieces that go out together.
// The end of the export counts as the end of a block wherever it lies (see nbd-disk.ts).

import { PlatterError } from '../base/errors'
import { alignDown, alignUp } from '../base/ranges'
import type { CallOptions, ZeroOptions } from '../disk/disk'
import type { NbdRequests } from './client-requests'
import * as nbd from './constants'
import { MAX_EFFECT_LENGTH, MAX_EXTENDED_LENGTH } from './limits'
import { RangeLock } from './range-lock'

export interface BlockIoOptions {
  readonly client: NbdRequests
  readonly size: number
  /** The server's smallest block. */
  readonly minimum: number
  /** The longest payload either way, in whole blocks. */
  readonly maximum: number
  /** Lengths without a payload may have 64 bits. */
  readonly extended: boolean
}

type PartCall = (offset: number, length: number) => Promise<void>

export class BlockIo {
  readonly #client: NbdRequests
  readonly #size: number
  readonly #minimum: number
  readonly #maximum: number
  readonly #lock = new RangeLock()
  /** The longest request without a payload. */
  #effect: number

  constructor(options: BlockIoOptions) {
    this.#client = options.client
    this.#size = options.size
    this.#minimum = options.minimum
    this.#maximum = options.maximum
    this.#effect = options.extended ? MAX_EXTENDED_LENGTH : MAX_EFFECT_LENGTH
  }

  /** The range grown to whole blocks, the end of the export excepted. */
  widen(offset: number, length: number): [from: number, to: number] {
    if (this.#minimum === 1) return [offset, offset + length]
    const from = alignDown(offset, this.#minimum)
    return [from, Math.min(alignUp(offset + length, this.#minimum), this.#size)]
  }

  /** The whole blocks inside the range; empty when it has none. */
  narrow(offset: number, length: number): [from: number, to: number] {
    const end = offset + length
    const from = Math.min(alignUp(offset, this.#minimum), end)
    const to = end === this.#size ? end : Math.max(alignDown(end, this.#minimum), from)
    return [from, to]
  }

  read(target: Uint8Array, offset: number, options: CallOptions): Promise<void> {
    const { length } = target
    const isPlain = this.#minimum === 1 && length > 0 && length <= this.#maximum
    if (isPlain) return this.#client.read(target, offset, options)
    return this.#readBlocks(target, offset, options)
  }

  async #readBlocks(target: Uint8Array, offset: number, options: CallOptions): Promise<void> {
    const [from, to] = this.widen(offset, target.length)
    const exact = from === offset && to === offset + target.length
    const whole = exact ? target : new Uint8Array(to - from)
    await this.#together(from, to, (at, part) =>
      this.#client.read(whole.subarray(at - from, at - from + part), at, options),
    )
    if (!exact) target.set(whole.subarray(offset - from, offset - from + target.length))
  }

  async write(
    source: Uint8Array,
    offset: number,
    flags: number,
    options: CallOptions,
  ): Promise<void> {
    if (this.#minimum === 1) return this.#writeBlocks(source, offset, flags, options)
    const [from, to] = this.widen(offset, source.length)
    const exact = from === offset && to === offset + source.length
    await this.#lock.hold({ offset: from, length: to - from }, !exact, async () => {
      if (exact) return this.#writeBlocks(source, offset, flags, options)
      const whole = new Uint8Array(to - from)
      await this.#readEdges(whole, from, offset, offset + source.length, options)
      whole.set(source, offset - from)
      await this.#writeBlocks(whole, from, flags, options)
    })
  }

  /** NBD_CMD_WRITE_ZEROES for the whole blocks, a write for what is left at either side. */
  async zero(offset: number, length: number, flags: number, options: ZeroOptions): Promise<void> {
    let command = flags
    if (options.mayTrim !== true) command |= nbd.NBD_CMD_FLAG_NO_HOLE
    if (options.fast === true) {
      this.#checkFast(offset, length)
      command |= nbd.NBD_CMD_FLAG_FAST_ZERO
    }
    const [from, to] = this.narrow(offset, length)
    if (options.fast === true) return this.#zeroFast(from, to, command, options)
    await this.#zeroEdge(offset, from, flags, options)
    await this.#lock.hold({ offset: from, length: to - from }, false, () =>
      this.inTurn(from, to, (at, part) =>
        this.#client.act(nbd.NBD_CMD_WRITE_ZEROES, at, part, command, options),
      ),
    )
    await this.#zeroEdge(to, offset + length, flags, options)
  }

  /** Runs `call` on pieces whose lengths fit the wire, one after the other: there may be millions. */
  async inTurn(from: number, to: number, call: PartCall): Promise<void> {
    for (let at = from; at < to; ) {
      const length = await this.longest(at, to, async (part) => {
        await call(at, part)
        return part
      })
      at += length
    }
  }

  /**
   * Runs `call` on as much of the range as one request without a payload may name. A server may refuse
   * more than 32 bits even though its headers have room for it: then, and from then on, it gets less.
   */
  async longest<T>(from: number, to: number, call: (length: number) => Promise<T>): Promise<T> {
    const length = Math.min(this.#effect, to - from)
    try {
      return await call(length)
    } catch (error) {
      if (length <= MAX_EFFECT_LENGTH || !isTooLong(error)) throw error
      this.#effect = MAX_EFFECT_LENGTH
      return this.longest(from, to, call)
    }
  }

  async #zeroFast(from: number, to: number, flags: number, options: CallOptions): Promise<void> {
    try {
      await this.#lock.hold({ offset: from, length: to - from }, false, () =>
        this.#client.act(nbd.NBD_CMD_WRITE_ZEROES, from, to - from, flags, options),
      )
    } catch (error) {
      if (to - from <= MAX_EFFECT_LENGTH || !isTooLong(error)) throw error
      const why = 'the server refuses so many at once'
      throw new PlatterError(
        'NOT_SUPPORTED',
        `zero: ${to - from} bytes at ${from} cannot be zeroed fast: ${why}`,
        { cause: error },
      )
    }
  }

  /** A fast zero is one request or none: in pieces, the second could be refused after the first. */
  #checkFast(offset: number, length: number): void {
    const [from, to] = this.narrow(offset, length)
    if (from === offset && to === offset + length && length <= this.#effect) return
    const why = 'it is not one run of whole blocks'
    throw new PlatterError(
      'NOT_SUPPORTED',
      `zero: ${length} bytes at ${offset} cannot be zeroed fast: ${why}`,
    )
  }

  async #zeroEdge(from: number, to: number, flags: number, options: CallOptions): Promise<void> {
    if (to > from) await this.write(new Uint8Array(to - from), from, flags, options)
  }

  /** Reads the first and the last block of `whole`, where they reach over what will be written. */
  async #readEdges(
    whole: Uint8Array,
    from: number,
    start: number,
    end: number,
    options: CallOptions,
  ): Promise<void> {
    const to = from + whole.length
    const first = Math.min(from + this.#minimum, to)
    const last = alignDown(to - 1, this.#minimum)
    const reads: Promise<void>[] = []
    if (start > from) reads.push(this.#client.read(whole.subarray(0, first - from), from, options))
    if (end < to && (last > from || start === from)) {
      reads.push(this.#client.read(whole.subarray(last - from), last, options))
    }
    await settleAll(reads)
  }

  #writeBlocks(
    source: Uint8Array,
    offset: number,
    flags: number,
    options: CallOptions,
  ): Promise<void> {
    return this.#together(offset, offset + source.length, (at, part) =>
      this.#client.write(source.subarray(at - offset, at - offset + part), at, flags, options),
    )
  }

  /** Runs `call` on pieces of at most the largest payload, all at once, and waits for every one. */
  async #together(from: number, to: number, call: PartCall): Promise<void> {
    if (to === from) return
    if (to - from <= this.#maximum) return call(from, to - from)
    const calls: Promise<void>[] = []
    for (let at = from; at < to; at += this.#maximum) {
      calls.push(call(at, Math.min(this.#maximum, to - at)))
    }
    await settleAll(calls)
  }
}

const isTooLong = (error: unknown): boolean =>
  error instanceof PlatterError &&
  (error.data['errno'] === nbd.NBD_EOVERFLOW || error.data['errno'] === nbd.NBD_EINVAL)

/** Waits for all, then fails with the first failure: no call is left running behind a rejection. */
async function settleAll(calls: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'rejected') throw result.reason
  }
}
