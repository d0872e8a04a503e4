import { alignDown, type ByteRange, joinRanges } from '../base/ranges'

/** Bytes that are looked through for zeroes: as bytes and, from the beginning, as words. */
export class WindowBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly #words: Int32Array

  constructor(length: number) {
    const buffer = new ArrayBuffer(length + (-length & 3))
    this.bytes = new Uint8Array(buffer, 0, length)
    this.#words = new Int32Array(buffer)
  }

  /** Whether the bytes are all zero; `from` is a multiple of 4. */
  isZero(from: number, to: number): boolean {
    const words = this.#words
    const lastWord = to >>> 2
    let at = from >>> 2
    for (; at + 8 <= lastWord; at += 8) {
      const low = words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!
      const high = words[at + 4]! | words[at + 5]! | words[at + 6]! | words[at + 7]!
      if ((low | high) !== 0) return false
    }
    for (let i = at << 2; i < to; i++) if (this.bytes[i] !== 0) return false
    return true
  }

  /**
   * The buffer holds the range, which begins at a multiple of 4: which parts of it are zero, ascending and
   * joined. Looked at are aligned pieces of `grain` bytes, cut off by the ends of the range.
   */
  zeroRuns({ offset, length }: ByteRange, grain: number): ByteRange[] {
    const pieces: ByteRange[] = []
    const end = offset + length
    for (let from = offset; from < end; ) {
      const to = Math.min(alignDown(from, grain) + grain, end)
      if (this.isZero(from - offset, to - offset)) pieces.push({ offset: from, length: to - from })
      from = to
    }
    return joinRanges(pieces)
  }
}
