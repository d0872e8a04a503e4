// The blocks of an overlay: which are clean, written or zeroed, and every way in which one changes.
//
// Rules that hold at every instant:
// - A block changes only under its lock (block-locks.ts), and a request holds the locks of the blocks
//   that it touches and no others. A read takes no lock: it acts on the states as they are when it begins.
// - Bytes reach the store before the state that exposes them. Where the store fails, no state changes.
// - A written block that stops being one is first not written, then the reads of the store that began
//   earlier end, then its space is given back, and only then is its lock released. So no read ever meets
//   a punched hole or the bytes of a write that did not succeed.
//
// A block of the overlay is a block of the store at the same offset; the store is as long as the blocks.
// With a ledger the states outlive the process (overlay-ledger.ts): every change of a state is noted there,
// at once, and space is given back when a flush has made stable that it is not needed.
// Left out: checks of a request against the disk, counting of open calls (overlay.ts), carrying to a
// target (overlay-carry.ts), copying up from the base (copy-up.ts).

import { assert } from '../base/assert'
import { BLOCK_CLEAN, BLOCK_WRITTEN, BLOCK_ZEROED, type BlockState } from '../base/block-leaf'
import { type BlockRun, BlockStates } from '../base/block-states'
import { PlatterError } from '../base/errors'
import { type ByteRange, endOf } from '../base/ranges'
import type { Disk } from '../disk/disk'
import type { Placement } from '../disk/placement'
import { ActiveReads } from './active-reads'
import { BlockContents, type StorePiece, type ZeroedBlock } from './block-contents'
import { BlockGrid, type BlockSpan } from './block-grid'
import { BlockLocks } from './block-locks'
import { describeFailure } from './overlay-failure'
import type { OverlayLedger } from './overlay-ledger'
import { eachInFlight, settleAll } from './settle'
import { writeSpan, zeroSpan } from './span-io'

export interface StateRun extends ByteRange {
  readonly state: BlockState
}

export interface OverlayParts {
  readonly base: Disk
  readonly store: Disk
  readonly blockSize: number
  readonly size: number
  /** Of a lasting overlay, with the states that it was found in. */
  readonly kept?: { readonly ledger: OverlayLedger; readonly states: BlockStates } | undefined
}

const READS_IN_FLIGHT = 16
/** More runs than this, changed at once, are announced as one range that has them all. */
const MOST_ANNOUNCED = 1000

export class OverlayBlocks {
  readonly base: Disk
  readonly store: Disk
  readonly grid: BlockGrid
  readonly states: BlockStates
  readonly locks = new BlockLocks()
  readonly reads = new ActiveReads()
  onChange: (range: ByteRange) => void = () => undefined
  /** While a commit runs: the blocks that changed since it copied them. */
  changed: BlockStates | undefined
  /** Why space of forgotten blocks could not be given back, last time that happened; their contents are right. */
  releaseError: unknown
  readonly ledger: OverlayLedger | undefined
  readonly #contents: BlockContents
  readonly #releases = new Set<Promise<void>>()

  constructor(parts: OverlayParts) {
    this.base = parts.base
    this.store = parts.store
    this.grid = new BlockGrid(parts.size, parts.blockSize)
    this.ledger = parts.kept?.ledger
    this.states = parts.kept?.states ?? new BlockStates(this.grid.blockCount)
    assert(this.states.blockCount === this.grid.blockCount, 'the ledger is of another size')
    this.#contents = new BlockContents(parts, this.grid, this.states)
    if (this.ledger) this.ledger.onReleasable = (spans) => this.#track(this.#release(spans))
  }

  /** Runs of equal state over the range, clipped to it; at most `most` of them. */
  runsIn(range: ByteRange, most = Number.POSITIVE_INFINITY): StateRun[] {
    const runs: StateRun[] = []
    const { first, end } = this.grid.touched(range)
    for (let block = first; block < end && runs.length < most; ) {
      const { count, state } = this.states.runAt(block, end)
      const offset = Math.max(range.offset, block * this.grid.blockSize)
      const to = Math.min(endOf(range), (block + count) * this.grid.blockSize)
      runs.push({ offset, length: to - offset, state })
      block += count
    }
    return runs
  }

  /** Where the first piece of the range lies; see PlacedReads. */
  place(offset: number, length: number): Placement | undefined {
    const [run] = this.runsIn({ offset, length }, 1)
    return run && this.#contents.place(offset, run.length, run.state)
  }

  async read(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
    const runs = this.runsIn({ offset, length: target.length })
    const written = runs.filter((run) => run.state === BLOCK_WRITTEN)
    const ended = this.#beginRead(written)
    try {
      if (runs.length === 1) await this.#contents.read(target, offset, runs[0]!.state, signal)
      else {
        await eachInFlight(runs, READS_IN_FLIGHT, (run) => {
          const into = target.subarray(run.offset - offset, endOf(run) - offset)
          return this.#contents.read(into, run.offset, run.state, signal)
        })
      }
    } finally {
      ended?.()
    }
  }

  async write(source: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
    const range = { offset, length: source.length }
    await this.#change('write', range, this.grid.touched(range), signal, async (span) => {
      // A written block takes any part of itself; another one has to be whole in the store.
      const open = this.grid.cut(range).filter((block) => this.states.get(block) !== BLOCK_WRITTEN)
      const edges = await this.#contents.patched(open, source, offset, signal)
      const body = this.grid.without(range, open)
      const bytes = source.subarray(body.offset - offset, endOf(body) - offset)
      await this.#put([...edges, { offset: body.offset, bytes }])
      this.setState(span.first, span.end - span.first, BLOCK_WRITTEN)
      return undefined
    })
  }

  /** With `fast`, NOT_SUPPORTED before any change if a block at an edge would take reading or writing. */
  async zero(range: ByteRange, fast: boolean, signal?: AbortSignal): Promise<void> {
    await this.#change('zero', range, this.grid.touched(range), signal, async () => {
      const edgeBlocks = this.grid.cut(range)
      if (fast && !edgeBlocks.every((block) => this.#contents.zeroesWithoutBytes(block))) {
        throw new PlatterError(
          'NOT_SUPPORTED',
          `zero: offset ${range.offset} and length ${range.length} cut blocks of ${this.grid.blockSize} bytes, which is not fast; nothing was changed`,
        )
      }
      const edges = await this.#contents.zeroed(edgeBlocks, range, signal)
      await this.#put(edges.flatMap((edge) => edge.piece ?? []))
      for (const edge of edges) await this.#zeroEdge(edge)
      return this.#zeroWhole(this.grid.covered(range), fast)
    })
  }

  /**
   * Whole blocks read as zeroes afterwards. A block that the range only cuts stays as it is: a trim is
   * advice, and to follow it there would turn a hole into data.
   */
  async trim(range: ByteRange, signal?: AbortSignal): Promise<void> {
    const inner = this.grid.covered(range)
    if (inner.end <= inner.first) return
    await this.#change('trim', this.grid.bytesOf(inner), inner, signal, async () =>
      this.#zeroWhole(inner),
    )
  }

  /** Forgets what is staged in these blocks, as forget() does; resolves with the bytes. */
  async discard({ first, end }: BlockSpan): Promise<number> {
    const unlock = await this.locks.acquire(first, end)
    try {
      const bytes = this.bytesIn({ first, end })
      this.changed?.set(first, end - first, BLOCK_WRITTEN)
      await this.forget([...this.states.stagedRuns(first, end)])
      return bytes.written + bytes.zeroed
    } finally {
      unlock()
    }
  }

  /**
   * Under the lock of all blocks from the first run to the last: the runs, ascending, read through from
   * now on. Resolves when their space is given back; with a ledger that is owed to the next flush.
   */
  async forget(runs: readonly BlockRun[]): Promise<void> {
    const last = runs.at(-1)
    if (last === undefined) return
    await this.ledger?.begin()
    const hull = { first: runs[0]!.first, end: last.first + last.count }
    for (const { first, count } of runs) this.setState(first, count, BLOCK_CLEAN)
    const announced = runs.length > MOST_ANNOUNCED ? [hull] : runs.map(spanOfRun)
    for (const span of announced) this.onChange(this.grid.bytesOf(span))
    const emptied = runs.filter(({ state }) => state === BLOCK_WRITTEN).map(spanOfRun)
    if (this.ledger !== undefined) {
      for (const span of emptied) this.ledger.owe(span)
    } else if (this.states.count(hull.first, hull.end - hull.first).written === 0) {
      if (emptied.length > 0) await this.#giveBack(hull)
    } else for (const span of emptied) await this.#giveBack(span)
  }

  /** All of the blocks in one state, noted for the ledger where it is another one. */
  setState(first: number, count: number, state: BlockState): void {
    if (count === 0) return
    if (this.ledger !== undefined) {
      const run = this.states.runAt(first, first + count)
      if (run.state !== state || run.count < count) this.ledger.noteStates(first, count)
    }
    this.states.set(first, count, state)
  }

  /** Exact bytes staged in whole blocks. */
  bytesIn({ first, end }: BlockSpan): { written: number; zeroed: number } {
    const counts = this.states.count(first, end - first)
    const bytes = {
      written: counts.written * this.grid.blockSize,
      zeroed: counts.zeroed * this.grid.blockSize,
    }
    const over = end * this.grid.blockSize - this.grid.size
    if (over > 0 && end > first) subtractState(bytes, this.states.get(end - 1), over)
    return bytes
  }

  /** Resolves when the space of all that was forgotten by now is given back. */
  async settled(): Promise<void> {
    await Promise.all(this.#releases)
  }

  /**
   * Runs one change under the lock of its blocks. `act` may resolve with blocks whose space is to be
   * given back: the change is complete then, and their lock is kept behind it until that is done.
   */
  async #change(
    operation: string,
    range: ByteRange,
    span: BlockSpan,
    signal: AbortSignal | undefined,
    act: (span: BlockSpan) => Promise<BlockSpan | undefined>,
  ): Promise<void> {
    const begun = this.ledger?.begin()
    if (begun !== undefined) await begun
    const unlock = await this.locks.acquire(span.first, span.end, signal)
    let behind: Promise<void> | undefined
    try {
      this.changed?.set(span.first, span.end - span.first, BLOCK_WRITTEN)
      const emptied = await act(span)
      this.onChange(range)
      if (emptied && this.ledger) this.ledger.owe(emptied)
      else if (emptied) behind = this.#giveBack(emptied).finally(unlock)
    } catch (error) {
      throw describeFailure(operation, range, error)
    } finally {
      if (behind === undefined) unlock()
    }
    if (behind !== undefined) this.#track(behind)
  }

  #track(release: Promise<void>): void {
    this.#releases.add(release)
    void release.finally(() => this.#releases.delete(release))
  }

  /** The blocks, of which the caller holds the lock, are not written any more. */
  async #giveBack(span: BlockSpan): Promise<void> {
    await this.reads.drained(span.first, span.end)
    if (!this.store.capabilities.trim) return
    try {
      const offset = span.first * this.grid.blockSize
      await this.store.trim(offset, (span.end - span.first) * this.grid.blockSize)
    } catch (error) {
      // The contents are right whether or not the store follows the advice; only its space is not free.
      this.releaseError = error
    }
  }

  /** Gives back the space of blocks that are stably not written; the rest is owed again. */
  async #release(spans: readonly BlockSpan[]): Promise<void> {
    const { ledger } = this
    for (const { first, end } of ledger === undefined ? [] : spans) {
      const unlock = await this.locks.acquire(first, end)
      try {
        for (let block = first; block < end; ) {
          const { count, state } = this.states.runAt(block, end)
          const run = { first: block, end: block + count }
          block = run.end
          if (state === BLOCK_WRITTEN) continue
          if (ledger?.isStable(run.first, count)) await this.#giveBack(run)
          else ledger?.owe(run)
        }
      } finally {
        unlock()
      }
    }
  }

  /** Whole blocks to zeroes; the blocks to give back, if any held bytes. */
  async #zeroWhole(inner: BlockSpan, fast = false): Promise<BlockSpan | undefined> {
    const count = inner.end - inner.first
    if (count <= 0) return undefined
    if (this.ledger?.keepsZeroes === false) {
      await zeroSpan(this.store, this.grid.bytesOf(inner), fast)
      this.ledger.noteBytes()
      this.setState(inner.first, count, BLOCK_WRITTEN)
      return undefined
    }
    const { written } = this.states.count(inner.first, count)
    // This is also what a zero that must not leave a hole becomes: such a zero asks that a later write
    // finds space reserved, and the store of a temporary overlay reserves none for anyone.
    this.setState(inner.first, count, BLOCK_ZEROED)
    return written > 0 ? inner : undefined
  }

  #beginRead(written: readonly StateRun[]): (() => void) | undefined {
    const last = written.at(-1)
    if (last === undefined) return undefined
    return this.reads.begin(this.grid.touched(written[0]!).first, this.grid.touched(last).end)
  }

  /** A change that has begun in the store runs to its end, so nothing is cancelled here. */
  async #put(pieces: readonly StorePiece[]): Promise<void> {
    const full = pieces.filter((piece) => piece.bytes.length > 0)
    await settleAll(full.map(({ offset, bytes }) => writeSpan(this.store, bytes, offset)))
    if (full.length > 0) this.ledger?.noteBytes()
  }

  async #zeroEdge({ block, state }: ZeroedBlock): Promise<void> {
    if (state === BLOCK_ZEROED) await this.#zeroWhole({ first: block, end: block + 1 })
    else this.setState(block, 1, state)
  }
}

const spanOfRun = ({ first, count }: BlockRun): BlockSpan => ({ first, end: first + count })

/** Takes `length` bytes away from the count of one staged state. */
export function subtractState(
  bytes: { written: number; zeroed: number },
  state: BlockState,
  length: number,
): void {
  if (state === BLOCK_WRITTEN) bytes.written -= length
  else if (state === BLOCK_ZEROED) bytes.zeroed -= length
}
