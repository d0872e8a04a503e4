// Bytes that arrive in chunks of any size and leave in pieces of the size that a parser asks for.
// A piece that lies inside one chunk leaves as a view without a copy; one that spans chunks is copied
// once. The chunks themselves are kept by reference: whoever pushes a chunk gives it away.

import { assert, ensure } from './assert'

export class ChunkQueue {
  #chunks: Uint8Array[] = []
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** The next `length` bytes; `undefined`, and nothing taken, while they are not all here. */
  take(length: number): Uint8Array | undefined {
    if (length > this.#length) return undefined
    if (length === 0) return new Uint8Array(0)
    const first = ensure(this.#chunks[0], 'first chunk')
    if (first.length - this.#head >= length) {
      const piece = first.subarray(this.#head, this.#head + length)
      this.#drop(length)
      return piece
    }
    const piece = new Uint8Array(length)
    this.takeInto(piece)
    return piece
  }

  /** Moves up to `target.length` bytes into `target`; the number moved. */
  takeInto(target: Uint8Array): number {
    let moved = 0
    while (moved < target.length && this.#length > 0) {
      const chunk = ensure(this.#chunks[0], 'chunk')
      const part = Math.min(target.length - moved, chunk.length - this.#head)
      target.set(chunk.subarray(this.#head, this.#head + part), moved)
      this.#drop(part)
      moved += part
    }
    return moved
  }

  /** Throws away up to `length` bytes; the number thrown away. */
  skip(length: number): number {
    let skipped = 0
    while (skipped < length && this.#length > 0) {
      const chunk = ensure(this.#chunks[0], 'chunk')
      const part = Math.min(length - skipped, chunk.length - this.#head)
      this.#drop(part)
      skipped += part
    }
    return skipped
  }

  /** Takes `length` bytes off the first chunk. */
  #drop(length: number): void {
    const first = ensure(this.#chunks[0], 'chunk')
    assert(this.#head + length <= first.length, 'dropped past the chunk')
    this.#head += length
    this.#length -= length
    if (this.#head === first.length) {
      this.#chunks.shift()
      this.#head = 0
    }
  }
}
