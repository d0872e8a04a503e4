// The slow and obvious disk: one array of bytes, and beside it what else each byte may read as. A failed
// write leaves a byte as it was or as it was meant to be; a trim leaves anything.

import { assert } from '../base/assert'

const CERTAIN = -1
const ANYTHING = -2

export class ByteModel {
  readonly bytes: Uint8Array
  /** CERTAIN, ANYTHING, or the one other value that the byte may have. */
  readonly #other: Int16Array

  constructor(content: Uint8Array) {
    // Not slice(): of a Buffer that would be a view of the same bytes.
    this.bytes = new Uint8Array(content)
    this.#other = new Int16Array(content.length).fill(CERTAIN)
  }

  get size(): number {
    return this.bytes.length
  }

  write(source: Uint8Array, offset: number): void {
    this.bytes.set(source, offset)
    this.#other.fill(CERTAIN, offset, offset + source.length)
  }

  zero(offset: number, length: number): void {
    this.bytes.fill(0, offset, offset + length)
    this.#other.fill(CERTAIN, offset, offset + length)
  }

  /** The bytes may be anything until they are written again. */
  forget(offset: number, length: number): void {
    this.#other.fill(ANYTHING, offset, offset + length)
  }

  /** A write that failed: each byte is the old one or the new one. */
  mayHaveWritten(source: Uint8Array, offset: number): void {
    for (let i = 0; i < source.length; i++) {
      const at = offset + i
      if (this.#other[at] !== CERTAIN) this.#other[at] = ANYTHING
      else if (this.bytes[at] !== source[i]) this.#other[at] = source[i] as number
    }
  }

  /** What is wrong with `actual` as the contents from `offset` on; `undefined` when nothing is. */
  mismatch(actual: Uint8Array, offset: number): string | undefined {
    assert(offset + actual.length <= this.size, 'compared past the model')
    for (let i = 0; i < actual.length; i++) {
      const at = offset + i
      const other = this.#other[at] as number
      if (actual[i] === this.bytes[at] || other === ANYTHING || other === actual[i]) continue
      const or = other === CERTAIN ? '' : ` or ${other}`
      return `byte ${at} is ${actual[i]}, not ${this.bytes[at]}${or}`
    }
    return undefined
  }

  /** True when every byte of the range can read as zero. */
  mayBeZero(offset: number, length: number): boolean {
    for (let at = offset; at < offset + length; at++) {
      const other = this.#other[at] as number
      if (this.bytes[at] !== 0 && other !== ANYTHING && other !== 0) return false
    }
    return true
  }
}
