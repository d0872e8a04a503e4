// Where byte ranges lie on a disk that is divided into blocks; the end of the disk may cut the last one.

import { type ByteRange, endOf } from '../base/ranges'

/** Blocks `first`…`end`, exclusive. */
export interface BlockSpan {
  readonly first: number
  readonly end: number
}

export class BlockGrid {
  readonly blockSize: number
  readonly size: number
  readonly blockCount: number

  constructor(size: number, blockSize: number) {
    this.size = size
    this.blockSize = blockSize
    this.blockCount = Math.ceil(size / blockSize)
  }

  /** All blocks that the range touches. */
  touched(range: ByteRange): BlockSpan {
    const first = Math.floor(range.offset / this.blockSize)
    return { first, end: Math.max(first, Math.ceil(endOf(range) / this.blockSize)) }
  }

  /** The blocks that the range covers; the last block counts as covered when all of it on the disk is. */
  covered(range: ByteRange): BlockSpan {
    const first = Math.ceil(range.offset / this.blockSize)
    const end =
      endOf(range) === this.size ? this.blockCount : Math.floor(endOf(range) / this.blockSize)
    return { first, end: Math.max(first, end) }
  }

  /** The blocks that the range touches without covering: none, one or two, ascending. */
  cut(range: ByteRange): number[] {
    const { first, end } = this.touched(range)
    const covered = this.covered(range)
    const last = end - 1
    const cut: number[] = []
    if (first < covered.first && first < end) cut.push(first)
    if (end > covered.end && cut[0] !== last) cut.push(last)
    return cut
  }

  /** The bytes of the blocks, clipped at the size. */
  bytesOf({ first, end }: BlockSpan): ByteRange {
    const offset = first * this.blockSize
    return { offset, length: Math.min(this.size, end * this.blockSize) - offset }
  }

  bytesOfBlock(block: number): ByteRange {
    return this.bytesOf({ first: block, end: block + 1 })
  }

  /** The range less those blocks at its ends. */
  without(range: ByteRange, blocks: readonly number[]): ByteRange {
    let from = range.offset
    let to = endOf(range)
    for (const block of blocks) {
      const bytes = this.bytesOfBlock(block)
      if (bytes.offset <= from) from = Math.min(to, endOf(bytes))
      else to = Math.min(to, bytes.offset)
    }
    return { offset: from, length: to - from }
  }
}
