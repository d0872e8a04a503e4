// A Disk over an NBD connection. Callers may ask for any byte: a read that does not fit the server's
// minimum block is widened, a write or zero that does not is read, changed and written back whole blocks
// at a time, under a lock that keeps our own writes to the same blocks apart (nobody can keep other
// clients' apart). A trim is narrowed to whole blocks. Reads and writes above the server's largest payload are cut
// to pieces that go out together.
//
// A size that is not a multiple of the minimum block: the last, short block is asked for as it is,
// beginning on a block and ending at the end of the export, as Platter's own contract has it. The
// specification leaves such bytes out of reach; a server that insists refuses them, and that refusal is
// what the caller gets. Nothing is made up for them and the size is not rounded.
//
// Without base:allocation all is one data extent. Without NBD_FLAG_SEND_FUA, `fua` is a flush after the
// write. Without NBD_FLAG_SEND_FLUSH there is nothing to ask for, and flush resolves.

import type { Clock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { alignDown, alignUp } from '../base/ranges'
import type { Operation } from '../disk/check-request'
import { checkRequest } from '../disk/check-request'
import type {
  BlockSize,
  CallOptions,
  Capabilities,
  Disk,
  ExtentOptions,
  WriteOptions,
  ZeroOptions,
} from '../disk/disk'
import { MAX_PAYLOAD } from '../disk/disk'
import { ExtentList } from '../disk/extents'
import { OpenCalls } from '../disk/open-calls'
import { NbdClient } from './client'
import { openExport } from './client-handshake'
import * as nbd from './constants'
import type { ExportInfo } from './export-info'
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_REQUEST_TIMEOUT_MS, MAX_EFFECT_LENGTH } from './limits'
import { RangeLock } from './range-lock'
import { runHandshake } from './run-handshake'
import type { Transport } from './transport'

export interface OpenNbdOptions {
  readonly dial: (signal?: AbortSignal) => Promise<Transport>
  readonly exportName: string
  readonly clock: Clock
  /** From the established connection to the end of the handshake. */
  readonly connectTimeoutMs?: number
  readonly requestTimeoutMs?: number
  readonly signal?: AbortSignal
}

/** Connects and opens one export. Rejects with NO_SERVER, EXPORT_UNKNOWN, TIMEOUT, PROTOCOL, REFUSED… */
export async function openNbdDisk(options: OpenNbdOptions): Promise<NbdDisk> {
  const { clock, exportName, signal } = options
  const transport = await options.dial(signal)
  let disk: NbdDisk | undefined
  return runHandshake({
    transport,
    script: openExport({ exportName, contexts: [nbd.BASE_ALLOCATION] }),
    clock,
    timeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    signal,
    finish: (info) => {
      const client = new NbdClient({
        transport,
        info,
        clock,
        requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
        onClosed: (error) => disk?.onClosed?.(error),
      })
      disk = new NbdDisk(client)
      return { result: disk, events: client.events }
    },
  })
}

export class NbdDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  readonly info: ExportInfo
  /** Called once when the connection is gone; without an error after close(). */
  onClosed?: (error: PlatterError | undefined) => void
  readonly #client: NbdClient
  readonly #calls = new OpenCalls('NBD disk')
  readonly #lock = new RangeLock()
  /** The server's smallest block, and the longest payload that we send or ask for. */
  readonly #minimum: number
  readonly #maximum: number

  constructor(client: NbdClient) {
    const { info } = client
    this.#client = client
    this.info = info
    this.size = info.size
    this.#minimum = info.blockSize?.minimum ?? 1
    this.#maximum = largestPayload(info, this.#minimum)
    this.blockSize = {
      minimum: 1,
      preferred: info.blockSize?.preferred ?? 4096,
      maximum: MAX_PAYLOAD,
    }
    this.capabilities = capabilitiesOf(info)
  }

  /** Where the server is, for messages. */
  get peer(): string {
    return this.#client.peer
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#call('read', offset, target.length, () => this.#read(target, offset, options))
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('write', offset, source.length, options, async (flags) => {
      await this.#writeAnywhere(source, offset, flags, options)
    })
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    return this.#change('zero', offset, length, options, async (flags) => {
      await this.#zeroAnywhere(offset, length, flags, options)
    })
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('trim', offset, length, options, async (flags) => {
      const from = alignUp(offset, this.#minimum)
      const end = offset + length
      const to = end === this.size ? end : alignDown(end, this.#minimum)
      await this.#inTurn(from, to, (at, part) =>
        this.#client.act(nbd.NBD_CMD_TRIM, at, part, flags, options),
      )
    })
  }

  flush(options: CallOptions = {}): Promise<void> {
    return this.#call('flush', 0, 0, () => this.#flush(options))
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    return this.#call('cache', offset, length, async () => {
      if (!this.capabilities.cache) return
      const [from, to] = this.#widen(offset, length)
      await this.#inTurn(from, to, (at, part) =>
        this.#client.act(nbd.NBD_CMD_CACHE, at, part, 0, options),
      )
    })
  }

  extents(offset: number, length: number, options: ExtentOptions = {}): Promise<ExtentList> {
    return this.#call('extents', offset, length, async () => {
      if (length === 0 || !this.capabilities.extents) return ExtentList.of(offset, length, 0)
      const [from, to] = this.#widen(offset, length)
      const asked = Math.min(to - from, MAX_EFFECT_LENGTH)
      const flags = options.first === true ? nbd.NBD_CMD_FLAG_REQ_ONE : 0
      const answer = await this.#client.statusOf(nbd.BASE_ALLOCATION, from, asked, flags, options)
      return this.#clip(answer, offset, offset + length)
    })
  }

  async close(): Promise<void> {
    if (await this.#calls.close()) await this.#client.disconnect()
  }

  /** The part of an answer that was asked for, with only the flags that the context defines. */
  #clip(answer: ExtentList, offset: number, end: number): ExtentList {
    const known = nbd.NBD_STATE_HOLE | nbd.NBD_STATE_ZERO
    const list = new ExtentList(offset)
    for (const extent of answer) {
      const from = Math.max(extent.offset, offset)
      const to = Math.min(extent.offset + extent.length, end)
      if (to > from) list.append(to - from, extent.flags & known)
    }
    if (list.count === 0) {
      // Its extent ends inside the block and before the byte asked about: the safe answer is data.
      list.append(Math.min(alignUp(offset + 1, this.#minimum), end) - offset, 0)
    }
    return list
  }

  async #read(target: Uint8Array, offset: number, options: CallOptions): Promise<void> {
    const [from, to] = this.#widen(offset, target.length)
    if (from === offset && to === offset + target.length) {
      return this.#eachPart(from, to, this.#maximum, (at, part) =>
        this.#client.read(target.subarray(at - from, at - from + part), at, options),
      )
    }
    const wide = new Uint8Array(to - from)
    await this.#eachPart(from, to, this.#maximum, (at, part) =>
      this.#client.read(wide.subarray(at - from, at - from + part), at, options),
    )
    target.set(wide.subarray(offset - from, offset - from + target.length))
  }

  /** Whole blocks go out as they are; what begins or ends inside a block is merged with the rest of it. */
  async #writeAnywhere(
    source: Uint8Array,
    offset: number,
    flags: number,
    options: WriteOptions,
  ): Promise<void> {
    const [from, to] = this.#widen(offset, source.length)
    const aligned = from === offset && to === offset + source.length
    if (this.#minimum === 1) return this.#writeBlocks(source, offset, flags, options)
    await this.#lock.hold({ offset: from, length: to - from }, !aligned, async () => {
      if (aligned) return this.#writeBlocks(source, offset, flags, options)
      const whole = new Uint8Array(to - from)
      await this.#readEdges(whole, from, offset, offset + source.length, options)
      whole.set(source, offset - from)
      await this.#writeBlocks(whole, from, flags, options)
    })
  }

  async #zeroAnywhere(
    offset: number,
    length: number,
    flags: number,
    options: ZeroOptions,
  ): Promise<void> {
    let command = flags
    if (options.mayTrim !== true) command |= nbd.NBD_CMD_FLAG_NO_HOLE
    if (options.fast === true) command |= this.#fastFlag(offset, length)
    const end = offset + length
    const from = Math.min(alignUp(offset, this.#minimum), end)
    const to = end === this.size ? end : Math.max(alignDown(end, this.#minimum), from)
    await this.#zeroEdge(offset, from, flags, options)
    if (to > from) {
      await this.#lock.hold({ offset: from, length: to - from }, false, () =>
        this.#inTurn(from, to, (at, part) =>
          this.#client.act(nbd.NBD_CMD_WRITE_ZEROES, at, part, command, options),
        ),
      )
    }
    await this.#zeroEdge(to, end, flags, options)
  }

  /** A fast zero is one request or none: in pieces, the second could be refused after the first. */
  #fastFlag(offset: number, length: number): number {
    const whole = offset % this.#minimum === 0 && (offset + length) % this.#minimum === 0
    if (!this.capabilities.fastZero || !whole || length > MAX_EFFECT_LENGTH) {
      throw new PlatterError(
        'NOT_SUPPORTED',
        `zero: ${length} bytes at ${offset} cannot be zeroed fast on this server`,
      )
    }
    return nbd.NBD_CMD_FLAG_FAST_ZERO
  }

  async #zeroEdge(from: number, to: number, flags: number, options: CallOptions): Promise<void> {
    if (to > from) await this.#writeAnywhere(new Uint8Array(to - from), from, flags, options)
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
    const last = Math.max(alignDown(to - 1, this.#minimum), from)
    const reads: Promise<void>[] = []
    if (start > from) reads.push(this.#client.read(whole.subarray(0, first - from), from, options))
    if (end < to && (last > from || start === from)) {
      reads.push(this.#client.read(whole.subarray(last - from), last, options))
    }
    await allSettled(reads)
  }

  #writeBlocks(
    source: Uint8Array,
    offset: number,
    flags: number,
    options: CallOptions,
  ): Promise<void> {
    return this.#eachPart(offset, offset + source.length, this.#maximum, (at, part) =>
      this.#client.write(source.subarray(at - offset, at - offset + part), at, flags, options),
    )
  }

  async #flush(options: CallOptions): Promise<void> {
    if (this.capabilities.flush) await this.#client.act(nbd.NBD_CMD_FLUSH, 0, 0, 0, options)
  }

  /** The range grown to whole blocks, the end of the export excepted. */
  #widen(offset: number, length: number): [from: number, to: number] {
    if (this.#minimum === 1) return [offset, offset + length]
    const from = alignDown(offset, this.#minimum)
    return [from, Math.min(alignUp(offset + length, this.#minimum), this.size)]
  }

  /** Runs `call` on pieces of at most `most` bytes, all at once, and waits for every one of them. */
  async #eachPart(
    from: number,
    to: number,
    most: number,
    call: (offset: number, length: number) => Promise<void>,
  ): Promise<void> {
    if (to <= from) return
    if (to - from <= most) return call(from, to - from)
    const calls: Promise<void>[] = []
    for (let at = from; at < to; at += most) calls.push(call(at, Math.min(most, to - at)))
    await allSettled(calls)
  }

  /** Runs `call` on pieces whose lengths fit the wire, one after the other: there may be millions. */
  async #inTurn(
    from: number,
    to: number,
    call: (offset: number, length: number) => Promise<void>,
  ): Promise<void> {
    for (let at = from; at < to; at += MAX_EFFECT_LENGTH) {
      await call(at, Math.min(MAX_EFFECT_LENGTH, to - at))
    }
  }

  #change(
    operation: Operation,
    offset: number,
    length: number,
    options: WriteOptions,
    act: (flags: number) => Promise<void>,
  ): Promise<void> {
    return this.#call(operation, offset, length, async () => {
      if (length === 0) return
      const fua = options.fua === true
      if (fua && !this.capabilities.fua) {
        throw new PlatterError('NOT_SUPPORTED', `${operation}: the server cannot make it stable`)
      }
      const native = (this.info.flags & nbd.NBD_FLAG_SEND_FUA) !== 0
      await act(fua && native ? nbd.NBD_CMD_FLAG_FUA : 0)
      if (fua && !native) await this.#flush({})
    })
  }

  #call<T>(
    operation: Operation,
    offset: number,
    length: number,
    act: () => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(async () => {
      checkRequest(this, operation, offset, length)
      return act()
    })
  }
}

/** Waits for all, then fails with the first failure: no call is left running behind a rejection. */
async function allSettled(calls: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'rejected') throw result.reason
  }
}

/** The server's maximum, at most what we take, in whole blocks. */
function largestPayload(info: ExportInfo, minimum: number): number {
  return alignDown(Math.min(info.blockSize?.maximum ?? MAX_PAYLOAD, MAX_PAYLOAD), minimum)
}

function capabilitiesOf(info: ExportInfo): Capabilities {
  const has = (flag: number) => (info.flags & flag) !== 0
  const known = has(nbd.NBD_FLAG_HAS_FLAGS)
  const write = !(known && has(nbd.NBD_FLAG_READ_ONLY))
  const flush = known && has(nbd.NBD_FLAG_SEND_FLUSH)
  const zero = write && known && has(nbd.NBD_FLAG_SEND_WRITE_ZEROES)
  return {
    write,
    flush,
    trim: write && known && has(nbd.NBD_FLAG_SEND_TRIM),
    zero,
    fastZero: zero && has(nbd.NBD_FLAG_SEND_FAST_ZERO),
    fua: write && known && (has(nbd.NBD_FLAG_SEND_FUA) || flush),
    extents: info.contexts.some((context) => context.name === nbd.BASE_ALLOCATION),
    cache: known && has(nbd.NBD_FLAG_SEND_CACHE),
    multiConn: known && has(nbd.NBD_FLAG_CAN_MULTI_CONN),
  }
}
