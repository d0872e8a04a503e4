// Two bits a block, with counts by range. The overlay keeps one of these: for each block whether it
// reads through to the base, was written, or reads as zeroes.
//
// Layout: 16 blocks a 32-bit word, block i in bits 2(i mod 16). Beside the words a two-level count of
// the states that are not CLEAN: one counter pair per leaf of 4096 blocks, and one per 1024 leaves, so
// that counts and searches over a huge and mostly clean disk skip what is clean. Words are made a leaf
// at a time, so a clean 16 TiB disk costs the directory alone.

import { assert } from './assert'

export const BLOCK_CLEAN = 0
export const BLOCK_WRITTEN = 1
export const BLOCK_ZEROED = 2

export type BlockState = typeof BLOCK_CLEAN | typeof BLOCK_WRITTEN | typeof BLOCK_ZEROED

const LEAF_BLOCKS = 4096
const LEAF_WORDS = LEAF_BLOCKS / 16
const GROUP_LEAVES = 1024

export interface BlockCounts {
  written: number
  zeroed: number
}

export interface BlockRun {
  readonly first: number
  readonly count: number
  readonly state: BlockState
}

interface Leaf {
  readonly words: Uint32Array
  written: number
  zeroed: number
}

export class BlockStates {
  readonly blockCount: number
  readonly #leaves: (Leaf | undefined)[]
  readonly #groups: BlockCounts[]
  readonly #totals: BlockCounts = { written: 0, zeroed: 0 }

  constructor(blockCount: number) {
    assert(Number.isSafeInteger(blockCount) && blockCount >= 0, `${blockCount} blocks`)
    this.blockCount = blockCount
    const leafCount = Math.ceil(blockCount / LEAF_BLOCKS)
    this.#leaves = new Array<Leaf | undefined>(leafCount).fill(undefined)
    this.#groups = Array.from({ length: Math.ceil(leafCount / GROUP_LEAVES) }, () => ({
      written: 0,
      zeroed: 0,
    }))
  }

  get totals(): Readonly<BlockCounts> {
    return this.#totals
  }

  get(block: number): BlockState {
    assert(block >= 0 && block < this.blockCount, `block ${block} of ${this.blockCount}`)
    const leaf = this.#leaves[Math.floor(block / LEAF_BLOCKS)]
    return leaf === undefined ? BLOCK_CLEAN : stateIn(leaf, block % LEAF_BLOCKS)
  }

  /** Sets `count` blocks from `first` on. */
  set(first: number, count: number, state: BlockState): void {
    assert(first >= 0 && count >= 0 && first + count <= this.blockCount, 'blocks past the end')
    for (let block = first; block < first + count; block++) this.#setOne(block, state)
  }

  /** How many of `count` blocks from `first` on are written and zeroed. */
  count(first: number, count: number): BlockCounts {
    assert(first >= 0 && count >= 0 && first + count <= this.blockCount, 'blocks past the end')
    const result = { written: 0, zeroed: 0 }
    const end = first + count
    const groupBlocks = LEAF_BLOCKS * GROUP_LEAVES
    for (let at = first; at < end; ) {
      const leafIndex = Math.floor(at / LEAF_BLOCKS)
      const group = this.#groups[Math.floor(leafIndex / GROUP_LEAVES)]
      if (at % groupBlocks === 0 && at + groupBlocks <= end) {
        addCounts(result, group as BlockCounts)
        at += groupBlocks
        continue
      }
      const leafEnd = Math.min(end, (leafIndex + 1) * LEAF_BLOCKS)
      const leaf = this.#leaves[leafIndex]
      if (leaf !== undefined) {
        if (at % LEAF_BLOCKS === 0 && leafEnd === (leafIndex + 1) * LEAF_BLOCKS) {
          addCounts(result, leaf)
        } else countInside(leaf, at % LEAF_BLOCKS, leafEnd - leafIndex * LEAF_BLOCKS, result)
      }
      at = leafEnd
    }
    return result
  }

  /** The run of equal state that starts at `first`, clipped at `limit` (a block index). */
  runAt(first: number, limit: number = this.blockCount): BlockRun {
    const state = this.get(first)
    let at = first + 1
    while (at < limit) {
      if (at % LEAF_BLOCKS === 0) {
        const skip = this.#uniformLeaves(Math.floor(at / LEAF_BLOCKS), state)
        if (skip > 0) {
          at = Math.min(limit, at + skip * LEAF_BLOCKS)
          continue
        }
      }
      if (this.get(at) !== state) break
      at++
    }
    return { first, count: Math.min(at, limit) - first, state }
  }

  /** The first block at or after `from` that is not clean; `undefined` when there is none. */
  nextStaged(from: number, limit: number = this.blockCount): number | undefined {
    if (from >= limit) return undefined
    if (this.get(from) !== BLOCK_CLEAN) return from
    const clean = this.runAt(from, limit)
    const next = clean.first + clean.count
    return next < limit ? next : undefined
  }

  /** All runs that are not clean, ascending. Blocks may change while this is read. */
  *stagedRuns(from = 0, limit: number = this.blockCount): Generator<BlockRun> {
    for (let at = this.nextStaged(from, limit); at !== undefined; ) {
      const run = this.runAt(at, limit)
      yield run
      at = this.nextStaged(run.first + run.count, limit)
    }
  }

  /** How many whole leaves from `index` on hold nothing but `state`. */
  #uniformLeaves(index: number, state: BlockState): number {
    let n = 0
    while (index + n < this.#leaves.length) {
      const atGroup = (index + n) % GROUP_LEAVES === 0
      const group = this.#groups[Math.floor((index + n) / GROUP_LEAVES)] as BlockCounts
      if (atGroup && state === BLOCK_CLEAN && group.written + group.zeroed === 0) {
        n += GROUP_LEAVES
        continue
      }
      if (!isUniform(this.#leaves[index + n], state)) break
      n++
    }
    return n
  }

  #setOne(block: number, state: BlockState): void {
    const leafIndex = Math.floor(block / LEAF_BLOCKS)
    let leaf = this.#leaves[leafIndex]
    if (leaf === undefined) {
      if (state === BLOCK_CLEAN) return
      leaf = { words: new Uint32Array(LEAF_WORDS), written: 0, zeroed: 0 }
      this.#leaves[leafIndex] = leaf
    }
    const inLeaf = block % LEAF_BLOCKS
    const before = stateIn(leaf, inLeaf)
    if (before === state) return
    const shift = (inLeaf % 16) * 2
    const word = leaf.words[inLeaf >>> 4] as number
    leaf.words[inLeaf >>> 4] = (word & ~(3 << shift)) | (state << shift)
    const group = this.#groups[Math.floor(leafIndex / GROUP_LEAVES)] as BlockCounts
    for (const counts of [leaf, group, this.#totals]) {
      if (before === BLOCK_WRITTEN) counts.written--
      if (before === BLOCK_ZEROED) counts.zeroed--
      if (state === BLOCK_WRITTEN) counts.written++
      if (state === BLOCK_ZEROED) counts.zeroed++
    }
    if (leaf.written + leaf.zeroed === 0) this.#leaves[leafIndex] = undefined
  }
}

const stateIn = (leaf: Leaf, index: number): BlockState =>
  (((leaf.words[index >>> 4] as number) >>> ((index % 16) * 2)) & 3) as BlockState

function isUniform(leaf: Leaf | undefined, state: BlockState): boolean {
  if (leaf === undefined) return state === BLOCK_CLEAN
  if (state === BLOCK_WRITTEN) return leaf.written === LEAF_BLOCKS
  if (state === BLOCK_ZEROED) return leaf.zeroed === LEAF_BLOCKS
  return leaf.written + leaf.zeroed === 0
}

function countInside(leaf: Leaf, from: number, to: number, into: BlockCounts): void {
  for (let i = from; i < to; i++) {
    const state = stateIn(leaf, i)
    if (state === BLOCK_WRITTEN) into.written++
    else if (state === BLOCK_ZEROED) into.zeroed++
  }
}

function addCounts(into: BlockCounts, from: BlockCounts): void {
  into.written += from.written
  into.zeroed += from.zeroed
}
