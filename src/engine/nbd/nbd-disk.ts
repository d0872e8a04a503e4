// A Disk over an NBD connection. Callers may ask for any byte, whatever the server's block sizes are
// (block-io.ts); a trim is narrowed to whole blocks, as it may be.
//
// A size that is not a multiple of the minimum block: the last, short block is asked for as it is,
// beginning on a block and ending at the end of the export, as Platter's own contract has it. The
// specification leaves such bytes out of reach; a server that insists refuses them, and that refusal is
// what the caller gets. Nothing is made up for them and the size is not rounded.
//
// Contexts beside base:allocation are asked for by name and answered as they come (status).
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
import { BlockIo } from './block-io'
import type { OpenGoal, TlsWish } from './client-handshake'
import type { Dial } from './client-open'
import { openNbdRequests } from './client-open'
import type { NbdRequests } from './client-requests'
import * as nbd from './constants'
import type { ExportInfo } from './export-info'
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_REQUEST_TIMEOUT_MS } from './limits'
import type { ReconnectPolicy } from './reconnect'
import type { SecureTransport } from './run-handshake'

export interface OpenNbdOptions {
  readonly dial: Dial
  readonly exportName: string
  /** Contexts to ask for beside base:allocation. */
  readonly contexts?: readonly string[] | undefined
  /** Also find out which contexts there are: info.offeredContexts. */
  readonly listContexts?: boolean | undefined
  /** The most to ask for; extended headers unless told. */
  readonly replies?: OpenGoal['replies']
  /** TLS, and who does it; not asked for unless told. */
  readonly tls?: { readonly wish: TlsWish; readonly secure: SecureTransport } | undefined
  readonly clock: Clock
  /** From the established connection to the end of the handshake. */
  readonly connectTimeoutMs?: number
  readonly requestTimeoutMs?: number
  readonly signal?: AbortSignal
  /** Refuses changes, whatever the server allows. */
  readonly readOnly?: boolean | undefined
  /**
   * Connections to spread requests over, 1 to MAX_CONNECTIONS. There is only one when the server does not
   * say that it can have several, unless `insist`, and the disk is read-only.
   */
  readonly connections?: number | undefined
  readonly insist?: boolean | undefined
  /** What to do about a connection that is lost; nothing unless told. */
  readonly reconnect?: ReconnectPolicy | undefined
  /** With `reconnect`: a connection was lost, or, without an error, all are there again. */
  readonly onTrouble?: ((error: PlatterError | undefined) => void) | undefined
}

/** Connects and opens one export. Rejects with NO_SERVER, EXPORT_UNKNOWN, TIMEOUT, PROTOCOL, REFUSED… */
export async function openNbdDisk(options: OpenNbdOptions): Promise<NbdDisk> {
  const { contexts = [], tls } = options
  let disk: NbdDisk | undefined
  const { requests, info } = await openNbdRequests(
    {
      dial: options.dial,
      goal: {
        exportName: options.exportName,
        contexts: [...new Set([nbd.BASE_ALLOCATION, ...contexts])],
        replies: options.replies,
        tls: tls?.wish,
        listContexts: options.listContexts,
      },
      secure: tls?.secure,
      clock: options.clock,
      connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
    },
    {
      connections: options.connections ?? 1,
      insist: options.insist === true,
      readOnly: options.readOnly === true,
      reconnect: options.reconnect,
      onTrouble: options.onTrouble,
      onClosed: (error) => disk?.onClosed?.(error),
    },
    options.signal,
  )
  disk = new NbdDisk(requests, info, options.readOnly === true)
  return disk
}

export class NbdDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  readonly info: ExportInfo
  /** Called once when the connection is gone; without an error after close(). */
  onClosed?: (error: PlatterError | undefined) => void
  readonly #client: NbdRequests
  readonly #calls = new OpenCalls('NBD disk')
  readonly #io: BlockIo
  /** The server's smallest block. */
  readonly #minimum: number

  constructor(client: NbdRequests, info: ExportInfo, readOnly = false) {
    this.#client = client
    this.info = info
    this.size = info.size
    this.#minimum = info.blockSize?.minimum ?? 1
    this.#io = new BlockIo({
      client,
      size: info.size,
      minimum: this.#minimum,
      maximum: largestPayload(info),
      extended: info.extended,
    })
    this.blockSize = {
      minimum: 1,
      preferred: info.blockSize?.preferred ?? 4096,
      maximum: MAX_PAYLOAD,
    }
    this.capabilities = capabilitiesOf(info, readOnly)
  }

  /** Where the server is, for messages. */
  get peer(): string {
    return this.#client.peer
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#call('read', offset, target.length, () => this.#io.read(target, offset, options))
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('write', offset, source.length, options, (flags) =>
      this.#io.write(source, offset, flags, options),
    )
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    return this.#change('zero', offset, length, options, async (flags) => {
      if (options.fast === true && !this.capabilities.fastZero) {
        throw new PlatterError('NOT_SUPPORTED', 'zero: the server has no fast zeroes')
      }
      await this.#io.zero(offset, length, flags, options)
    })
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('trim', offset, length, options, (flags) => {
      const [from, to] = this.#io.narrow(offset, length)
      return this.#io.inTurn(from, to, (at, part) =>
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
      const [from, to] = this.#io.widen(offset, length)
      await this.#io.inTurn(from, to, (at, part) =>
        this.#client.act(nbd.NBD_CMD_CACHE, at, part, 0, options),
      )
    })
  }

  extents(offset: number, length: number, options: ExtentOptions = {}): Promise<ExtentList> {
    return this.#call('extents', offset, length, async () => {
      if (length === 0 || !this.capabilities.extents) return ExtentList.of(offset, length, 0)
      const answer = await this.#ask(nbd.BASE_ALLOCATION, offset, length, options)
      return this.#clipAllocation(answer, offset, offset + length)
    })
  }

  /**
   * What a context says of a range, which has to be one that the server agreed to (info.contexts); like
   * `extents` it may end early. Flags as they came: 32 bits, or 64 with extended headers, of which
   * more than a number holds is refused with LIMIT.
   */
  status(
    context: string,
    offset: number,
    length: number,
    options: ExtentOptions = {},
  ): Promise<ExtentList> {
    return this.#call('extents', offset, length, async () => {
      if (!this.info.contexts.some(({ name }) => name === context)) {
        const names = this.info.offeredContexts ?? this.info.contexts.map(({ name }) => name)
        const known = names.map((name) => `'${name}'`).join(', ') || 'none'
        const why = `there is no context '${context}' (there are: ${known})`
        throw new PlatterError('NOT_SUPPORTED', `NBD ${this.peer}: ${why}`)
      }
      if (length === 0) return new ExtentList(offset)
      const answer = await this.#ask(context, offset, length, options)
      const list = clip(answer, offset, offset + length)
      if (list.count > 0) return list
      const why = `status of '${context}' ends at ${answer.end}, inside a block`
      throw new PlatterError('PROTOCOL', `NBD ${this.peer}: ${why}`)
    })
  }

  async close(): Promise<void> {
    if (await this.#calls.close()) await this.#client.disconnect()
  }

  /** The server's answer for whole blocks around the start of a range. */
  #ask(
    context: string,
    offset: number,
    length: number,
    options: ExtentOptions,
  ): Promise<ExtentList> {
    const [from, to] = this.#io.widen(offset, length)
    const flags = options.first === true ? nbd.NBD_CMD_FLAG_REQ_ONE : 0
    return this.#io.longest(from, to, (asked) =>
      this.#client.statusOf(context, from, asked, flags, options),
    )
  }

  /** With only the flags that the context defines. */
  #clipAllocation(answer: ExtentList, offset: number, end: number): ExtentList {
    const list = clip(answer, offset, end, nbd.NBD_STATE_HOLE | nbd.NBD_STATE_ZERO)
    if (list.count === 0) {
      // Its extent ends inside the block and before the byte asked about: the safe answer is data.
      list.append(Math.min(alignUp(offset + 1, this.#minimum), end) - offset, 0)
    }
    return list
  }

  async #flush(options: CallOptions): Promise<void> {
    if (this.capabilities.flush) await this.#client.act(nbd.NBD_CMD_FLUSH, 0, 0, 0, options)
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
    // What checkRequest throws becomes a rejection in run().
    return this.#calls.run(() => {
      checkRequest(this, operation, offset, length)
      return act()
    })
  }
}

/** The part of an answer that was asked for; with `known`, only those of its 32 bits. */
function clip(answer: ExtentList, offset: number, end: number, known?: number): ExtentList {
  const list = new ExtentList(offset)
  for (const extent of answer) {
    const from = Math.max(extent.offset, offset)
    const to = Math.min(extent.offset + extent.length, end)
    const flags = known === undefined ? extent.flags : extent.flags & known
    if (to > from) list.append(to - from, flags)
  }
  return list
}

/** The server's maximum, at most what we take: in blocks that it prefers, or in its smallest if need be. */
function largestPayload({ blockSize }: ExportInfo): number {
  const most = Math.min(blockSize?.maximum ?? MAX_PAYLOAD, MAX_PAYLOAD)
  return alignDown(most, blockSize?.preferred ?? 1) || alignDown(most, blockSize?.minimum ?? 1)
}

function capabilitiesOf(info: ExportInfo, readOnly: boolean): Capabilities {
  const has = (flag: number) => (info.flags & flag) !== 0
  const known = has(nbd.NBD_FLAG_HAS_FLAGS)
  const write = !readOnly && !(known && has(nbd.NBD_FLAG_READ_ONLY))
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
