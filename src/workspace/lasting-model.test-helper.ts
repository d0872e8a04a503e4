// What a lasting overlay with its checkpoints and its base should read as, kept in plain arrays: a base, and
// for each layer its staged blocks whole. Slow, and simple enough to be believed.

import type { ByteRange } from '../engine/base/ranges'

type Blocks = Map<number, Uint8Array>

export class LastingModel {
  readonly blockSize: number
  base: Uint8Array
  size: number
  /** Oldest first; the last one is what is staged now. */
  #layers: Blocks[] = [new Map()]
  /** What the last commit overwrote: the base before it. */
  undo: Uint8Array | undefined

  constructor(base: Uint8Array, size: number, blockSize: number) {
    this.base = base.slice()
    this.size = size
    this.blockSize = blockSize
  }

  get checkpoints(): number {
    return this.#layers.length - 1
  }

  /** Bytes that are staged now, whole blocks, the last one as long as the disk lets it be. */
  get staged(): number {
    return [...this.#top.keys()].reduce((sum, block) => sum + this.#lengthOf(block), 0)
  }

  content(): Uint8Array {
    const bytes = new Uint8Array(this.size)
    for (const block of this.#all()) {
      bytes.set(this.#read(block).subarray(0, this.#lengthOf(block)), block * this.blockSize)
    }
    return bytes
  }

  write(source: Uint8Array, offset: number): void {
    for (const block of this.blocksOf([{ offset, length: source.length }])) {
      const bytes = this.#read(block).slice()
      const start = block * this.blockSize
      for (let at = 0; at < bytes.length; at++) {
        const from = start + at - offset
        if (from >= 0 && from < source.length) bytes[at] = source[from]!
      }
      this.#top.set(block, bytes)
    }
  }

  discard(ranges: readonly ByteRange[]): void {
    for (const block of this.blocksOf(ranges)) this.#top.delete(block)
  }

  checkpoint(): void {
    this.#layers.push(new Map())
  }

  goBack(): void {
    this.#layers.pop()
  }

  merge(): void {
    const top = this.#layers.pop()!
    for (const [block, bytes] of top) this.#top.set(block, bytes)
  }

  /** Without checkpoints. */
  commit(ranges?: readonly ByteRange[]): void {
    this.undo = this.base.slice()
    const blocks = this.blocksOf(ranges ?? [{ offset: 0, length: this.size }])
    const staged = blocks.filter((block) => this.#top.has(block))
    if (staged.length === 0 && ranges !== undefined) return
    const ends = staged.map((block) => block * this.blockSize + this.#lengthOf(block))
    const needsMore = ranges === undefined || Math.max(0, ...ends) > this.base.length
    if (needsMore) this.#growBase(this.size)
    for (const block of staged) {
      this.base.set(this.#read(block).subarray(0, this.#lengthOf(block)), block * this.blockSize)
      this.#top.delete(block)
    }
  }

  undoCommit(): void {
    this.base = this.undo!
    this.undo = undefined
  }

  /** Without checkpoints. What is added reads as zeroes, also where the base has bytes behind the old end. */
  resize(size: number): void {
    const before = this.content()
    this.size = size
    for (const block of this.#all()) {
      const start = block * this.blockSize
      const end = start + this.blockSize
      if (end <= before.length || start >= Math.max(before.length, this.base.length)) continue
      const isCut = start < before.length
      if (isCut && !this.#top.has(block) && this.base.length <= before.length) continue
      const bytes = new Uint8Array(this.blockSize)
      if (isCut) bytes.set(before.subarray(start, end))
      this.#top.set(block, bytes)
    }
    const count = Math.ceil(size / this.blockSize)
    for (const block of [...this.#top.keys()]) if (block >= count) this.#top.delete(block)
  }

  blocksOf(ranges: readonly ByteRange[]): number[] {
    return this.#all().filter((block) =>
      ranges.some(
        ({ offset, length }) =>
          offset < (block + 1) * this.blockSize && offset + length > block * this.blockSize,
      ),
    )
  }

  get #top(): Blocks {
    return this.#layers.at(-1)!
  }

  #all(): number[] {
    return Array.from({ length: Math.ceil(this.size / this.blockSize) }, (_, block) => block)
  }

  #lengthOf(block: number): number {
    return Math.min(this.blockSize, this.size - block * this.blockSize)
  }

  /** A whole block; what the base does not have is zero, and so is what lies behind the end of the disk. */
  #read(block: number): Uint8Array {
    const staged = this.#layers.findLast((layer) => layer.has(block))?.get(block)
    const bytes = new Uint8Array(this.blockSize)
    const start = block * this.blockSize
    const from = staged ?? this.base.subarray(start, start + this.blockSize)
    bytes.set(from.subarray(0, this.#lengthOf(block)))
    return bytes
  }

  #growBase(size: number): void {
    if (size <= this.base.length) return
    const grown = new Uint8Array(size)
    grown.set(this.base)
    this.base = grown
  }
}
