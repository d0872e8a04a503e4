// Big-endian reading and writing of fixed-width fields over a byte array. Offsets are plain numbers
// everywhere in Platter; 64-bit fields pass the gate in this file, which refuses what a number cannot hold.

import { assert } from './assert'
import { PlatterError } from './errors'

/** The only place where a 64-bit wire value becomes a number. `what` names the field in the refusal. */
export function safeNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new PlatterError('LIMIT', `${what} is ${value}, above the largest supported 2^53-1`)
  }
  assert(value >= 0n, `${what} is negative`)
  return Number(value)
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4))
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8))
  }

  /** A 64-bit field that has to fit a number; `what` names it in the refusal. */
  u64Safe(what: string): number {
    return safeNumber(this.u64(), what)
  }

  /** A view of the next `length` bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#step(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** UTF-8 text of `length` bytes; `undefined` when the bytes are not valid UTF-8. */
  text(length: number): string | undefined {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes(length))
    } catch {
      return undefined
    }
  }

  skip(length: number): void {
    this.#step(length)
  }

  #step(length: number): number {
    assert(
      length >= 0 && length <= this.remaining,
      `read of ${length} past ${this.remaining} bytes`,
    )
    const at = this.#at
    this.#at += length
    return at
  }
}

/** Writes into a buffer whose size the caller counted beforehand. */
export class ByteWriter {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly #view: DataView
  #at = 0

  constructor(length: number) {
    this.bytes = new Uint8Array(length)
    this.#view = viewOf(this.bytes)
  }

  u8(value: number): this {
    this.#view.setUint8(this.#step(1), value)
    return this
  }

  u16(value: number): this {
    this.#view.setUint16(this.#step(2), value)
    return this
  }

  u32(value: number): this {
    this.#view.setUint32(this.#step(4), value)
    return this
  }

  u64(value: bigint | number): this {
    this.#view.setBigUint64(this.#step(8), BigInt(value))
    return this
  }

  put(source: Uint8Array): this {
    this.bytes.set(source, this.#step(source.length))
    return this
  }

  zeros(length: number): this {
    this.#step(length)
    return this
  }

  /** The finished buffer; every byte that was counted has been written. */
  done(): Uint8Array<ArrayBuffer> {
    assert(this.#at === this.bytes.length, `wrote ${this.#at} of ${this.bytes.length} bytes`)
    return this.bytes
  }

  #step(length: number): number {
    assert(this.#at + length <= this.bytes.length, `write of ${length} past the end`)
    const at = this.#at
    this.#at += length
    return at
  }
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** True when every byte is 0. Looks at 32 bytes at a time where the alignment allows it. */
export function isAllZero(bytes: Uint8Array): boolean {
  let at = 0
  const wordsStart = Math.min((4 - (bytes.byteOffset & 3)) & 3, bytes.length)
  for (; at < wordsStart; at++) if (bytes[at] !== 0) return false
  const wordCount = (bytes.length - wordsStart) >>> 2
  if (wordCount >= 8) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + wordsStart, wordCount)
    let i = 0
    for (; i + 8 <= wordCount; i += 8) {
      const low = words[i]! | words[i + 1]! | words[i + 2]! | words[i + 3]!
      const high = words[i + 4]! | words[i + 5]! | words[i + 6]! | words[i + 7]!
      if ((low | high) !== 0) return false
    }
    at += i * 4
  }
  for (; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

/** The first index at which two arrays of one length differ; `undefined` when they are equal. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  assert(a.length === b.length, `compared ${a.length} with ${b.length} bytes`)
  let at = 0
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const wordCount = a.length >>> 2
    const left = new Int32Array(a.buffer, a.byteOffset, wordCount)
    const right = new Int32Array(b.buffer, b.byteOffset, wordCount)
    while (at + 4 <= wordCount) {
      const low = (left[at]! ^ right[at]!) | (left[at + 1]! ^ right[at + 1]!)
      const high = (left[at + 2]! ^ right[at + 2]!) | (left[at + 3]! ^ right[at + 3]!)
      if ((low | high) !== 0) break
      at += 4
    }
    at *= 4
  }
  while (at < a.length && a[at] === b[at]) at++
  return at < a.length ? at : undefined
}
