// 4096 block states, two bits each, 16 to a word: block i in bits 2(i mod 16) of word i div 16. All work
// goes a word at a time where a whole word takes part, so a leaf is read in 256 steps, not 4096.
//
// States are 0 (clean), 1 and 2 (staged); 3 never occurs, so the low bits of a word count one staged
// state and the high bits the other.

export const BLOCK_CLEAN = 0
export const BLOCK_WRITTEN = 1
export const BLOCK_ZEROED = 2

export type BlockState = typeof BLOCK_CLEAN | typeof BLOCK_WRITTEN | typeof BLOCK_ZEROED

export interface BlockCounts {
  written: number
  zeroed: number
}

export const LEAF_BLOCKS = 4096

const LOW_BITS = 0x55555555
/** A word whose 16 blocks are all in one state. */
const UNIFORM_WORDS = [0, 0x55555555, 0xaaaaaaaa | 0] as const

export class BlockLeaf {
  written = 0
  zeroed = 0
  readonly #words = new Int32Array(LEAF_BLOCKS / 16)

  /** All `length` blocks in one state; blocks past `length` stay clean for ever. */
  constructor(state: BlockState, length: number) {
    this.fill(0, length, state)
  }

  clone(): BlockLeaf {
    const copy = new BlockLeaf(BLOCK_CLEAN, 0)
    copy.#words.set(this.#words)
    copy.written = this.written
    copy.zeroed = this.zeroed
    return copy
  }

  get(index: number): BlockState {
    return ((this.#word(index >>> 4) >>> ((index & 15) * 2)) & 3) as BlockState
  }

  fill(from: number, to: number, state: BlockState): void {
    const before = this.count(from, to)
    const uniform = UNIFORM_WORDS[state]
    for (let at = from; at < to; ) {
      const wordEnd = Math.min(to, (at | 15) + 1)
      if (wordEnd - at === 16) {
        const wholeWords = (to - at) >>> 4
        this.#words.fill(uniform, at >>> 4, (at >>> 4) + wholeWords)
        at += wholeWords * 16
        continue
      }
      const mask = fieldMask(at & 15, wordEnd - at)
      this.#words[at >>> 4] = (this.#word(at >>> 4) & ~mask) | (uniform & mask)
      at = wordEnd
    }
    this.written += (state === BLOCK_WRITTEN ? to - from : 0) - before.written
    this.zeroed += (state === BLOCK_ZEROED ? to - from : 0) - before.zeroed
  }

  count(from: number, to: number, into: BlockCounts = { written: 0, zeroed: 0 }): BlockCounts {
    const firstWord = from >>> 4
    const lastWord = (to - 1) >>> 4
    if (to <= from) return into
    let written = 0
    let zeroed = 0
    for (let i = firstWord; i <= lastWord; i++) {
      let word = this.#word(i)
      if (word === 0) continue
      if (i === firstWord) word &= -1 << ((from & 15) * 2)
      if (i === lastWord) word &= fieldMask(0, ((to - 1) & 15) + 1)
      written += popCount(word & LOW_BITS)
      zeroed += popCount((word >>> 1) & LOW_BITS)
    }
    into.written += written
    into.zeroed += zeroed
    return into
  }

  /** How many runs of one staged state begin in the range; `previous` is the state before it. */
  runStarts(from: number, to: number, previous: BlockState): number {
    let starts = 0
    let before: number = previous
    for (let at = from; at < to; ) {
      const wordEnd = Math.min(to, (at | 15) + 1)
      const shift = (at & 15) * 2
      const fields = this.#word(at >>> 4) >>> shift
      const changed = fields ^ ((fields << 2) | before)
      const differs = (changed | (changed >>> 1)) & LOW_BITS
      const staged = (fields | (fields >>> 1)) & LOW_BITS
      starts += popCount(differs & staged & fieldMask(0, wordEnd - at))
      at = wordEnd
      before = (fields >>> (((wordEnd - 1) & 15) * 2 - shift)) & 3
    }
    return starts
  }

  /** The first index in `from`…`to` whose state is another one; `to` when there is none. */
  endOfRun(from: number, to: number, state: BlockState): number {
    const uniform = UNIFORM_WORDS[state]
    for (let i = from >>> 4; i << 4 < to; i++) {
      let differs = this.#word(i) ^ uniform
      if (i === from >>> 4) differs &= -1 << ((from & 15) * 2)
      if (differs === 0) continue
      const lowest = 31 - Math.clz32(differs & -differs)
      return Math.min(to, (i << 4) + (lowest >>> 1))
    }
    return to
  }

  /** The lowest index from which on all blocks up to and including `from` are in `state`. */
  startOfRun(from: number, state: BlockState): number {
    const uniform = UNIFORM_WORDS[state]
    for (let i = from >>> 4; i >= 0; i--) {
      let differs = this.#word(i) ^ uniform
      if (i === from >>> 4) differs &= fieldMask(0, (from & 15) + 1)
      if (differs !== 0) return (i << 4) + ((31 - Math.clz32(differs)) >>> 1) + 1
    }
    return 0
  }

  #word(index: number): number {
    return this.#words[index] as number
  }
}

/** The bits of `count` blocks from block `first` of a word on. */
const fieldMask = (first: number, count: number): number =>
  count === 16 ? -1 : ((1 << (count * 2)) - 1) << (first * 2)

function popCount(word: number): number {
  word -= (word >>> 1) & LOW_BITS
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
