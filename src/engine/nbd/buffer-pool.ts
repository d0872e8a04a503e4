// Buffers for the bytes of reads and writes, used again once their bytes have left: to get a fresh one
// costs clearing it, and to throw it away costs the collector more than all else that a request does.
// A buffer goes back only when nothing can touch it any more. Whoever takes one overwrites all of it:
// what is still in it may be another client's.

import { isPowerOfTwo } from '../base/ranges'

/** Room for the header of a reply beside data whose length is a power of two. */
const ROOM = 64
const SMALLEST = 2048
/** Larger requests are few, and their buffers dear to keep. */
const LARGEST = 2 * 1024 * 1024 + ROOM

export class BufferPool {
  /** By the length of the buffers: 2^k and the room. */
  readonly #free = new Map<number, ArrayBuffer[]>()
  readonly #mostKept: number
  #kept = 0

  /** Keeps at most `mostKept` bytes that nobody uses. */
  constructor(mostKept = 16 * 1024 * 1024) {
    this.#mostKept = mostKept
  }

  get kept(): number {
    return this.#kept
  }

  readonly take = (length: number): Uint8Array => {
    if (length < SMALLEST || length > LARGEST) return new Uint8Array(length)
    const whole = 2 ** (32 - Math.clz32(Math.max(length - ROOM, 1) - 1)) + ROOM
    const found = this.#free.get(whole)?.pop()
    if (found !== undefined) this.#kept -= whole
    return new Uint8Array(found ?? new ArrayBuffer(whole), 0, length)
  }

  /** `bytes` came from take(), and nothing holds on to them. */
  give(bytes: Uint8Array): void {
    const buffer = bytes.buffer as ArrayBuffer
    const whole = buffer.byteLength
    const isOurs = whole >= SMALLEST && whole <= LARGEST && isPowerOfTwo(whole - ROOM)
    if (!isOurs || this.#kept + whole > this.#mostKept) return
    this.#kept += whole
    const same = this.#free.get(whole)
    if (same === undefined) this.#free.set(whole, [buffer])
    else same.push(buffer)
  }
}
