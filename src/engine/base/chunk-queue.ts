// Bytes that arrive in chunks of any size and leave in pieces of the size that a parser asks for.
// A piece that lies inside one chunk leaves as a view without a copy; one that spans chunks is copied
// once. The chunks themselves are kept by reference: whoever pushes a chunk gives it away.

import { assert, ensure } from './assert'

/** So many emptied chunks may wait to be cut off; each holds on to its bytes until then. */
const MOST_EMPTIED = 64

export class ChunkQueue {
  #chunks: Uint8Array[] = []
  /** Index of the first chunk with bytes left; emptied ones before it are cut off in bulk. */
  #first = 0
  /** Bytes of the first chunk that are gone. */
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
    const first = ensure(this.#chunks[this.#first], 'first chunk')
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
      const chunk = ensure(this.#chunks[this.#first], 'chunk')
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
      const chunk = ensure(this.#chunks[this.#first], 'chunk')
      const part = Math.min(length - skipped, chunk.length - this.#head)
      this.#drop(part)
      skipped += part
    }
    return skipped
  }

  /** Takes `length` bytes off the first chunk. */
  #drop(length: number): void {
    const first = ensure(this.#chunks[this.#first], 'chunk')
    assert(this.#head + length <= first.length, 'dropped past the chunk')
    this.#head += length
    this.#length -= length
    if (this.#head === first.length) {
      this.#head = 0
      this.#first++
      // One at a time would move all that follow each time: a peer may send thousands of tiny chunks.
      if (this.#first === this.#chunks.length) {
        this.#chunks = []
        this.#first = 0
      } else if (this.#first >= MOST_EMPTIED && this.#first * 2 > this.#chunks.length) {
        this.#chunks = this.#chunks.slice(this.#first)
        this.#first = 0
      }
    }
  }
}
