// Copy-on-write over any disk: what is written goes to a store, block by block, and the base stays as it
// is until a commit (commit.ts) carries blocks into it. With a ledger what is staged outlives the process.
//
// Assumes that nobody else changes the base, a commit into it excepted, and that nobody else uses the
// store, which the overlay closes with itself. The base is its opener's to close. The base may be
// shorter (it reads as zeroes beyond its end) or longer (it is clipped) than the overlay.
// How a block changes is in overlay-blocks.ts. Left out: a change of size.

import { BLOCK_CLEAN, BLOCK_WRITTEN } from '../base/block-leaf'
import { PlatterError, throwIfAborted } from '../base/errors'
import { type ByteRange, intersect, joinRanges } from '../base/ranges'
import { checkRequest, type Operation } from '../disk/check-request'
import {
  type BlockSize,
  type CallOptions,
  type Capabilities,
  type Disk,
  type ExtentOptions,
  MAX_PAYLOAD,
  type WriteOptions,
  type ZeroOptions,
} from '../disk/disk'
import { ExtentList } from '../disk/extents'
import { OpenCalls } from '../disk/open-calls'
import type { PlacedReads, Placement } from '../disk/placement'
import { copyUp } from './copy-up'
import { OverlayBlocks, subtractState } from './overlay-blocks'
import { overlayExtents } from './overlay-extents'
import { OverlayLedger } from './overlay-ledger'
import { checkParts, type OverlayOptions } from './overlay-parts'
import { settleAll } from './settle'
import { widen } from './span-io'

export interface StagedBytes {
  written: number
  zeroed: number
}

export interface StagedByteRun extends ByteRange {
  readonly state: 'written' | 'zeroed'
}

const CAPABILITIES: Capabilities = {
  write: true,
  flush: true,
  trim: true,
  zero: true,
  fastZero: true,
  fua: true,
  extents: true,
  cache: true,
  multiConn: true,
}

const FROZEN: Capabilities = {
  ...CAPABILITIES,
  write: false,
  trim: false,
  zero: false,
  fastZero: false,
  fua: false,
}

export class OverlayDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  readonly placed: PlacedReads = { place: (offset, length) => this.#place(offset, length) }
  readonly base: Disk
  /** The unit in which blocks are staged. */
  readonly overlayBlockSize: number
  /** For the carrying of blocks in this room; no one else's. */
  readonly blocks: OverlayBlocks
  /** Why blocks that were read could not be kept in the store, last time that happened; they read well. */
  copyError: unknown
  readonly #store: Disk
  readonly #ledger: OverlayLedger | undefined
  readonly #copies: { readonly onRead: boolean; readonly onCache: boolean }
  readonly #calls = new OpenCalls('overlay')

  /** Refuses a block size, size or store that cannot be an overlay's. */
  constructor(options: OverlayOptions) {
    const { base, store, blockSize, size = base.size, ledger, frozen = false } = options
    checkParts(options, size)
    this.capabilities = frozen ? FROZEN : CAPABILITIES
    this.#copies = {
      onRead: options.copyOnRead === true && !frozen,
      onCache: options.copyOnCache === true && !frozen,
    }
    this.base = base
    this.size = size
    this.overlayBlockSize = blockSize
    this.blockSize = { minimum: 1, preferred: blockSize, maximum: MAX_PAYLOAD }
    this.#store = store
    this.#ledger = ledger && new OverlayLedger(ledger, store)
    const kept = ledger && this.#ledger && { ledger: this.#ledger, states: ledger.states }
    this.blocks = new OverlayBlocks({ base, store, blockSize, size, kept })
  }

  /** Called after the bytes or the state of a range changed, when that can be seen. */
  get onChange(): (range: ByteRange) => void {
    return this.blocks.onChange
  }

  set onChange(listener: (range: ByteRange) => void) {
    this.blocks.onChange = listener
  }

  /** Why the store could not give back the space of forgotten blocks, last time that happened. */
  get releaseError(): unknown {
    return this.blocks.releaseError
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#call('read', offset, target.length, options, async () => {
      const range = { offset, length: target.length }
      if (this.#copies.onRead) await this.#copyUp(range, options.signal)
      await this.blocks.read(target, offset, options.signal)
    })
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('write', offset, source.length, options, () =>
      this.blocks.write(source, offset, options.signal),
    )
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    return this.#change('zero', offset, length, options, () =>
      this.blocks.zero({ offset, length }, options.fast === true, options.signal),
    )
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('trim', offset, length, options, () =>
      this.blocks.trim({ offset, length }, options.signal),
    )
  }

  /** Without a ledger nothing outlives the process, and nothing has to be made stable, here or with `fua`. */
  flush(options: CallOptions = {}): Promise<void> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, 'flush')
      await this.#ledger?.flush()
    })
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    return this.#call('cache', offset, length, options, async () => {
      if (this.#copies.onCache) return this.#copyUp({ offset, length }, options.signal)
      if (!this.base.capabilities.cache) return
      for (const run of this.blocks.runsIn({ offset, length }, MAX_CACHED_RUNS)) {
        const inBase = intersect(run, { offset: 0, length: this.base.size })
        if (run.state !== BLOCK_CLEAN || inBase === undefined) continue
        const wide = widen(this.base, inBase)
        await this.base.cache(wide.offset, wide.length, options)
      }
    })
  }

  extents(offset: number, length: number, options: ExtentOptions = {}): Promise<ExtentList> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, 'extents')
      checkRequest(this, 'extents', offset, length)
      if (length === 0) return new ExtentList(offset)
      return overlayExtents(this.blocks, offset, length, options)
    })
  }

  /** What is staged, in exact bytes. */
  staged(): StagedBytes {
    return this.blocks.bytesIn({ first: 0, end: this.blocks.grid.blockCount })
  }

  /** How much of the range is staged, in exact bytes; what lies past the end counts nowhere. */
  stagedIn(offset: number, length: number): StagedBytes {
    const end = Math.min(this.size, offset + length)
    if (end <= offset) return { written: 0, zeroed: 0 }
    const { states, grid } = this.blocks
    const { first, end: endBlock } = grid.touched({ offset, length: end - offset })
    const bytes = states.count(first, endBlock - first)
    bytes.written *= grid.blockSize
    bytes.zeroed *= grid.blockSize
    const before = offset - first * grid.blockSize
    const after = endBlock * grid.blockSize - end
    if (before > 0) subtractState(bytes, states.get(first), before)
    if (after > 0) subtractState(bytes, states.get(endBlock - 1), after)
    return bytes
  }

  /** Runs of one staged state in the range, ascending, clipped to it and to the size; for display. */
  *stagedRuns(offset = 0, length: number = this.size - offset): Generator<StagedByteRun> {
    const end = Math.min(this.size, offset + length)
    if (end <= offset) return
    const { states, grid } = this.blocks
    const span = grid.touched({ offset, length: end - offset })
    for (const { first, count, state } of states.stagedRuns(span.first, span.end)) {
      const from = Math.max(offset, first * grid.blockSize)
      const to = Math.min(end, (first + count) * grid.blockSize)
      const name = state === BLOCK_WRITTEN ? 'written' : 'zeroed'
      yield { offset: from, length: to - from, state: name }
    }
  }

  /** How many runs there are on the whole disk. */
  stagedRunCount(): number {
    return this.blocks.states.runCount
  }

  /** Where the next staged run after `offset` starts, or the one that starts nearest before it. */
  nextStaged(offset: number, backwards = false): number | undefined {
    const { states, grid } = this.blocks
    const block = Math.floor(offset / grid.blockSize)
    if (backwards) return this.#stagedBefore(Math.min(offset, this.size))
    if (offset < 0 || block >= grid.blockCount) return undefined
    const { count } = states.runAt(block)
    const next = states.nextStaged(block + count)
    return next === undefined ? undefined : next * grid.blockSize
  }

  #stagedBefore(offset: number): number | undefined {
    const { states, grid } = this.blocks
    if (offset <= 0) return undefined
    let start = states.startOfRun(Math.ceil(offset / grid.blockSize) - 1)
    if (states.get(start) === BLOCK_CLEAN) {
      if (start === 0) return undefined
      start = states.startOfRun(start - 1)
    }
    return start * grid.blockSize
  }

  /**
   * Forgets what is staged in all blocks that the ranges touch, everywhere unless told: they read
   * through to the base again. Resolves with the bytes that were forgotten, once that is stable and
   * their space is free.
   */
  discard(ranges?: readonly ByteRange[]): Promise<number> {
    return this.#calls.run(async () => {
      let bytes = 0
      const spans = this.spansOf(ranges, 'discard')
      if (!this.capabilities.write) throw new PlatterError('READ_ONLY', 'discard: it is frozen')
      for (const span of spans) bytes += await this.blocks.discard(span)
      if (this.#ledger === undefined) return bytes
      await this.#ledger.flush()
      await this.blocks.settled()
      return bytes
    })
  }

  /** The blocks that the ranges touch, joined and ascending; OUT_OF_RANGE for a range outside. */
  spansOf(ranges: readonly ByteRange[] | undefined, what: string) {
    const { grid } = this.blocks
    const whole = { offset: 0, length: this.size }
    for (const range of ranges ?? []) checkInside(range, this.size, what)
    const full = (ranges ?? [whole]).filter(({ length }) => length > 0)
    const widened = full.map((range) => grid.bytesOf(grid.touched(range)))
    return joinRanges(widened).map((range) => grid.touched(range))
  }

  /** Counts work that is done on the blocks from outside this class as a call in progress. */
  runCall<T>(call: () => Promise<T>): Promise<T> {
    return this.#calls.run(call)
  }

  /** Flushes a lasting overlay; rejects when that fails, and everything is closed nevertheless. */
  async close(): Promise<void> {
    const first = await this.#calls.close()
    try {
      if (first && !this.#isFrozen) await this.#ledger?.flush()
      await this.blocks.settled()
      if (first && !this.#isFrozen) await this.#ledger?.end()
    } finally {
      await settleAll([this.#store.close(), this.#ledger?.close() ?? Promise.resolve()])
    }
  }

  get #isFrozen(): boolean {
    return !this.capabilities.write
  }

  /** Copying is a service: where it fails, the bytes are read from where they are. */
  async #copyUp(range: ByteRange, signal: AbortSignal | undefined): Promise<void> {
    try {
      await copyUp(this.blocks, range, signal)
    } catch (error) {
      throwIfAborted(signal, 'copy up')
      if (!(error instanceof PlatterError)) throw error
      this.copyError = error
    }
  }

  #change(
    operation: Operation,
    offset: number,
    length: number,
    options: WriteOptions,
    act: () => Promise<void>,
  ): Promise<void> {
    return this.#call(operation, offset, length, options, async () => {
      await act()
      if (options.fua === true) await this.#ledger?.flush()
    })
  }

  #place(offset: number, length: number): Placement | undefined {
    if (this.#calls.isClosed || this.#copies.onRead) return undefined
    return this.blocks.place(offset, length)
  }

  #call(
    operation: Operation,
    offset: number,
    length: number,
    options: CallOptions,
    act: () => Promise<void>,
  ): Promise<void> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, operation)
      checkRequest(this, operation, offset, length)
      if (length > 0) await act()
    })
  }
}

/** Advice is not worth more calls than this. */
const MAX_CACHED_RUNS = 256

function checkInside({ offset, length }: ByteRange, size: number, what: string): void {
  const valid =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    length <= size - offset
  if (valid) return
  throw new PlatterError(
    'OUT_OF_RANGE',
    `${what}: offset ${offset} and length ${length} are outside the disk of ${size} bytes; nothing was changed`,
    { data: { offset, length, size } },
  )
}
