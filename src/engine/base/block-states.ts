// Two bits a block, with counts by range. The overlay keeps one of these: for each block whether it
// reads through to the base, was written, or reads as zeroes.
//
// Layout: groups of 1024 leaves of 4096 blocks. A group or a leaf whose blocks are all in one state is
// that state, a bare number; only a mixed one is an object, with counts of its own. So a clean disk of
// 16 TiB, or one that was trimmed whole, costs its 64 group slots, and counts and searches step over
// what is uniform. The number of runs is kept up with every change.
//
// Left out: states of other kinds, and any locking: every method runs to its end in one go.

import { assert } from './assert'
import {
  BLOCK_CLEAN,
  BLOCK_WRITTEN,
  BLOCK_ZEROED,
  type BlockCounts,
  BlockLeaf,
  type BlockState,
  LEAF_BLOCKS,
} from './block-leaf'

const GROUP_BLOCKS = LEAF_BLOCKS * 1024

export interface BlockRun {
  readonly first: number
  readonly count: number
  readonly state: BlockState
}

interface Group extends BlockCounts {
  readonly leaves: (BlockState | BlockLeaf)[]
}

export class BlockStates {
  readonly blockCount: number
  readonly #groups: (BlockState | Group)[]
  readonly #totals: BlockCounts = { written: 0, zeroed: 0 }
  #runCount = 0

  constructor(blockCount: number) {
    assert(Number.isSafeInteger(blockCount) && blockCount >= 0, `${blockCount} blocks`)
    this.blockCount = blockCount
    const groupCount = Math.ceil(blockCount / GROUP_BLOCKS)
    this.#groups = new Array<BlockState | Group>(groupCount).fill(BLOCK_CLEAN)
  }

  /** The same states, to be changed apart from these. */
  clone(): BlockStates {
    const copy = new BlockStates(this.blockCount)
    for (const [i, group] of this.#groups.entries()) {
      copy.#groups[i] = typeof group === 'number' ? group : cloneGroup(group)
    }
    copy.#totals.written = this.#totals.written
    copy.#totals.zeroed = this.#totals.zeroed
    copy.#runCount = this.#runCount
    return copy
  }

  get totals(): Readonly<BlockCounts> {
    return this.#totals
  }

  /** How many runs `stagedRuns()` yields. */
  get runCount(): number {
    return this.#runCount
  }

  get(block: number): BlockState {
    assert(block >= 0 && block < this.blockCount, `block ${block} of ${this.blockCount}`)
    const node = this.#nodeAt(block)
    return typeof node === 'number' ? node : node.get(block % LEAF_BLOCKS)
  }

  /** Sets `count` blocks from `first` on. */
  set(first: number, count: number, state: BlockState): void {
    const end = this.#checkedEnd(first, count)
    if (count === 0) return
    // A change moves the starts of runs inside it and of the one right after it.
    const startsEnd = Math.min(end + 1, this.blockCount)
    const startsBefore = this.#runStarts(first, startsEnd)
    for (let at = first; at < end; ) {
      const groupStart = at - (at % GROUP_BLOCKS)
      const to = Math.min(end, groupStart + GROUP_BLOCKS)
      this.#setInGroup(groupStart, at, to, state)
      at = to
    }
    this.#runCount += this.#runStarts(first, startsEnd) - startsBefore
  }

  /** How many of `count` blocks from `first` on are written and zeroed. */
  count(first: number, count: number): BlockCounts {
    const end = this.#checkedEnd(first, count)
    const result = { written: 0, zeroed: 0 }
    for (let at = first; at < end; ) {
      const group = this.#groupAt(at)
      const groupEnd = this.#groupEnd(at)
      if (typeof group !== 'number' && at % GROUP_BLOCKS === 0 && groupEnd <= end) {
        result.written += group.written
        result.zeroed += group.zeroed
        at = groupEnd
        continue
      }
      const node = this.#nodeAt(at)
      const to = Math.min(end, this.#spanEnd(at))
      if (typeof node === 'number') addUniform(result, node, to - at)
      else if (at % LEAF_BLOCKS === 0 && to === this.#spanEnd(at)) {
        result.written += node.written
        result.zeroed += node.zeroed
      } else node.count(at % LEAF_BLOCKS, ((to - 1) % LEAF_BLOCKS) + 1, result)
      at = to
    }
    return result
  }

  /** The run of equal state that starts at `first`, clipped at `limit` (a block index). */
  runAt(first: number, limit: number = this.blockCount): BlockRun {
    const state = this.get(first)
    let at = first
    while (at < limit) {
      const node = this.#nodeAt(at)
      const to = Math.min(limit, this.#spanEnd(at))
      if (typeof node === 'number') {
        if (node !== state) break
        at = to
        continue
      }
      const leafStart = at - (at % LEAF_BLOCKS)
      at = leafStart + node.endOfRun(at - leafStart, to - leafStart, state)
      if (at < to) break
    }
    return { first, count: at - first, state }
  }

  /** The first block of the run of equal state that `block` lies in. */
  startOfRun(block: number): number {
    const state = this.get(block)
    let at = block
    for (;;) {
      const node = this.#nodeAt(at)
      const spanStart =
        at - (at % (typeof this.#groupAt(at) === 'number' ? GROUP_BLOCKS : LEAF_BLOCKS))
      if (typeof node !== 'number') {
        const start = spanStart + node.startOfRun(at - spanStart, state)
        if (start > spanStart) return start
      }
      if (spanStart === 0 || this.get(spanStart - 1) !== state) return spanStart
      at = spanStart - 1
    }
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

  #checkedEnd(first: number, count: number): number {
    assert(first >= 0 && count >= 0 && first + count <= this.blockCount, 'blocks past the end')
    return first + count
  }

  #groupAt(block: number): BlockState | Group {
    return this.#groups[Math.floor(block / GROUP_BLOCKS)] as BlockState | Group
  }

  #groupEnd(block: number): number {
    return Math.min(this.blockCount, block - (block % GROUP_BLOCKS) + GROUP_BLOCKS)
  }

  /** The mixed leaf that holds `block`, or the one state of all blocks up to `spanEnd`. */
  #nodeAt(block: number): BlockState | BlockLeaf {
    const group = this.#groupAt(block)
    if (typeof group === 'number') return group
    return group.leaves[Math.floor((block % GROUP_BLOCKS) / LEAF_BLOCKS)] as BlockState | BlockLeaf
  }

  #spanEnd(block: number): number {
    if (typeof this.#groupAt(block) === 'number') return this.#groupEnd(block)
    return Math.min(this.blockCount, block - (block % LEAF_BLOCKS) + LEAF_BLOCKS)
  }

  #runStarts(first: number, end: number): number {
    let starts = 0
    let previous: BlockState = first === 0 ? BLOCK_CLEAN : this.get(first - 1)
    for (let at = first; at < end; ) {
      const node = this.#nodeAt(at)
      const to = Math.min(end, this.#spanEnd(at))
      if (typeof node === 'number') {
        if (node !== BLOCK_CLEAN && node !== previous) starts++
        previous = node
      } else {
        const from = at % LEAF_BLOCKS
        starts += node.runStarts(from, from + (to - at), previous)
        previous = node.get(from + (to - at) - 1)
      }
      at = to
    }
    return starts
  }

  #setInGroup(groupStart: number, from: number, to: number, state: BlockState): void {
    const index = groupStart / GROUP_BLOCKS
    const length = this.#groupEnd(groupStart) - groupStart
    let group = this.#groups[index] as BlockState | Group
    if (group === state) return
    const before = typeof group === 'number' ? uniformCounts(group, length) : { ...group }
    const after = uniformCounts(state, length)
    if (to - from === length) this.#groups[index] = state
    else {
      if (typeof group === 'number') group = splitGroup(group, length)
      for (let at = from; at < to; ) {
        const leafStart = at - (at % LEAF_BLOCKS)
        const leafEnd = Math.min(groupStart + length, leafStart + LEAF_BLOCKS)
        const stop = Math.min(to, leafEnd)
        setInLeaf(group, (leafStart - groupStart) / LEAF_BLOCKS, leafEnd - leafStart, {
          from: at - leafStart,
          to: stop - leafStart,
          state,
        })
        at = stop
      }
      after.written = group.written
      after.zeroed = group.zeroed
      this.#groups[index] = uniformState(group, length) ?? group
    }
    this.#totals.written += after.written - before.written
    this.#totals.zeroed += after.zeroed - before.zeroed
  }
}

interface LeafChange {
  readonly from: number
  readonly to: number
  readonly state: BlockState
}

/** Changes part of one leaf of `length` blocks and keeps the group's counts. */
function setInLeaf(group: Group, index: number, length: number, change: LeafChange): void {
  let leaf = group.leaves[index] as BlockState | BlockLeaf
  if (leaf === change.state) return
  const before = typeof leaf === 'number' ? uniformCounts(leaf, length) : { ...countsOf(leaf) }
  const after = uniformCounts(change.state, length)
  if (change.to - change.from === length) group.leaves[index] = change.state
  else {
    if (typeof leaf === 'number') leaf = new BlockLeaf(leaf, length)
    leaf.fill(change.from, change.to, change.state)
    after.written = leaf.written
    after.zeroed = leaf.zeroed
    group.leaves[index] = uniformState(leaf, length) ?? leaf
  }
  group.written += after.written - before.written
  group.zeroed += after.zeroed - before.zeroed
}

function splitGroup(state: BlockState, length: number): Group {
  const leafCount = Math.ceil(length / LEAF_BLOCKS)
  const leaves = new Array<BlockState | BlockLeaf>(leafCount).fill(state)
  return { leaves, ...uniformCounts(state, length) }
}

const cloneGroup = ({ leaves, written, zeroed }: Group): Group => ({
  leaves: leaves.map((leaf) => (typeof leaf === 'number' ? leaf : leaf.clone())),
  written,
  zeroed,
})

const countsOf = ({ written, zeroed }: BlockCounts): BlockCounts => ({ written, zeroed })

const uniformCounts = (state: BlockState, length: number): BlockCounts => ({
  written: state === BLOCK_WRITTEN ? length : 0,
  zeroed: state === BLOCK_ZEROED ? length : 0,
})

/** The one state of all `length` blocks, if it is one. */
function uniformState(counts: BlockCounts, length: number): BlockState | undefined {
  if (counts.written === length) return BLOCK_WRITTEN
  if (counts.zeroed === length) return BLOCK_ZEROED
  return counts.written + counts.zeroed === 0 ? BLOCK_CLEAN : undefined
}

function addUniform(into: BlockCounts, state: BlockState, length: number): void {
  if (state === BLOCK_WRITTEN) into.written += length
  else if (state === BLOCK_ZEROED) into.zeroed += length
}
