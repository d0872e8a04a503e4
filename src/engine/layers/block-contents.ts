// What the blocks of an overlay hold now, and what whole blocks become when a request cuts them. Nothing
// here changes a block: the answers are pieces for the store and the states that go with them.

import { BLOCK_CLEAN, BLOCK_WRITTEN, BLOCK_ZEROED, type BlockState } from '../base/block-leaf'
import type { BlockStates } from '../base/block-states'
import { isAllZero } from '../base/bytes'
import { type ByteRange, endOf } from '../base/ranges'
import type { Disk } from '../disk/disk'
import type { Placement } from '../disk/placement'
import type { BlockGrid } from './block-grid'
import { settleAll } from './settle'
import { readSpan } from './span-io'

/** Bytes that go to the store. */
export interface StorePiece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A block that a zero cuts: what it becomes, and what has to be in the store before it is that. */
export interface ZeroedBlock {
  readonly block: number
  readonly state: BlockState
  readonly piece?: StorePiece
}

export class BlockContents {
  readonly #base: Disk
  readonly #store: Disk
  readonly #grid: BlockGrid
  readonly #states: BlockStates

  constructor(
    disks: { readonly base: Disk; readonly store: Disk },
    grid: BlockGrid,
    states: BlockStates,
  ) {
    this.#base = disks.base
    this.#store = disks.store
    this.#grid = grid
    this.#states = states
  }

  /** Reads a range whose blocks are all in `state`. */
  async read(
    target: Uint8Array,
    offset: number,
    state: BlockState,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (state === BLOCK_ZEROED) target.fill(0)
    else if (state === BLOCK_WRITTEN) await readSpan(this.#store, target, offset, { signal })
    else {
      const inBase = Math.max(0, Math.min(target.length, this.#base.size - offset))
      target.fill(0, inBase)
      if (inBase > 0) await readSpan(this.#base, target.subarray(0, inBase), offset, { signal })
    }
  }

  /** Where the first piece of a range lies, all of whose blocks are in `state`. */
  place(offset: number, length: number, state: BlockState): Placement | undefined {
    if (state === BLOCK_WRITTEN) {
      const inStore = this.#store.placed?.place(offset, length)
      return inStore && { ...inStore, mustCopy: true }
    }
    const inBase = state === BLOCK_ZEROED ? 0 : Math.min(length, this.#base.size - offset)
    if (inBase > 0) return this.#base.placed?.place(offset, inBase)
    return { length, file: undefined, offset: 0 }
  }

  /** Each of the blocks whole, as it reads now with `source` laid over it. */
  async patched(
    blocks: readonly number[],
    source: Uint8Array,
    offset: number,
    signal: AbortSignal | undefined,
  ): Promise<StorePiece[]> {
    const pieces = await this.#whole(blocks, signal)
    for (const piece of pieces) {
      const from = Math.max(piece.offset, offset)
      const to = Math.min(piece.offset + piece.bytes.length, offset + source.length)
      piece.bytes.set(source.subarray(from - offset, to - offset), from - piece.offset)
    }
    return pieces
  }

  /** True when a zero that cuts the block needs no bytes: it reads as zeroes without any. */
  zeroesWithoutBytes(block: number): boolean {
    const state = this.#states.get(block)
    if (state === BLOCK_ZEROED) return true
    return state === BLOCK_CLEAN && block * this.#grid.blockSize >= this.#base.size
  }

  /** Each of the blocks as it is to be once the range reads as zeroes. */
  async zeroed(
    blocks: readonly number[],
    range: ByteRange,
    signal: AbortSignal | undefined,
  ): Promise<ZeroedBlock[]> {
    const clean: number[] = []
    const result: ZeroedBlock[] = []
    for (const block of blocks) {
      if (this.zeroesWithoutBytes(block)) result.push({ block, state: BLOCK_ZEROED })
      else if (this.#states.get(block) === BLOCK_CLEAN) clean.push(block)
      else {
        const whole = this.#grid.bytesOfBlock(block)
        const offset = Math.max(whole.offset, range.offset)
        const bytes = new Uint8Array(Math.min(endOf(whole), endOf(range)) - offset)
        result.push({ block, state: BLOCK_WRITTEN, piece: { offset, bytes } })
      }
    }
    const pieces = await this.#whole(clean, signal)
    for (const [i, piece] of pieces.entries()) {
      const block = clean[i]!
      const { offset, bytes } = piece
      bytes.fill(0, Math.max(0, range.offset - offset), endOf(range) - offset)
      if (isAllZero(bytes)) result.push({ block, state: BLOCK_ZEROED })
      else result.push({ block, state: BLOCK_WRITTEN, piece })
    }
    return result
  }

  async #whole(blocks: readonly number[], signal: AbortSignal | undefined): Promise<StorePiece[]> {
    const pieces = blocks.map((block) => {
      const { offset, length } = this.#grid.bytesOfBlock(block)
      return { offset, bytes: new Uint8Array(length) }
    })
    await settleAll(
      pieces.map(({ offset, bytes }, i) =>
        this.read(bytes, offset, this.#states.get(blocks[i]!), signal),
      ),
    )
    return pieces
  }
}
