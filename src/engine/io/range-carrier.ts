// Carries a range from one file to the same place in another on the thread that it is called on. The bytes
// are read only to find the zeroes among them; what is data is copied inside the kernel, which shares it
// where the file system can. Reading and copying one piece after the other finds it in the page cache, and
// mostly in the processor's.

import { readSync } from 'node:fs'
import { type ByteRange, endOf } from '../base/ranges'
import { WindowBuffer } from '../disk/window-buffer'
import type { HoleLibc } from './hole-libc'
import { EINTR, MAX_INTERRUPTS } from './hole-libc'

export interface CarryRequest {
  readonly fd: number
  readonly target: number
  readonly offset: number
  readonly length: number
  /**
   * Aligned pieces of so many bytes, a power of two, are left out when they are zero; 0: everything is
   * copied. The offset is a multiple of it.
   */
  readonly grain: number
  /** A flush will come: the device may begin with what is there. */
  readonly writeOut: boolean
}

export type CarryReply =
  | {
      readonly kind: 'carried'
      /** From the offset on; less than asked for only where the source ends or could not be read. */
      readonly done: number
      /** Of that: not copied, because it is zero; ascending. */
      readonly zeroes: readonly ByteRange[]
    }
  | { readonly kind: 'failed'; readonly errno: number; readonly call: string }

/** Looked through and copied at a time, or the grain when that is larger. */
const PIECE = 1024 * 1024

export class RangeCarrier {
  readonly #libc: HoleLibc
  #buffer: WindowBuffer | undefined

  constructor(libc: HoleLibc) {
    this.#libc = libc
  }

  carry(request: CarryRequest): CarryReply {
    const { fd, target, offset, length, grain, writeOut } = request
    const zeroes: ByteRange[] = []
    const most = Math.max(PIECE, grain)
    let done = 0
    while (done < length) {
      const piece = { offset: offset + done, length: Math.min(most, length - done) }
      const skipped = grain === 0 ? [] : this.#zeroesOf(fd, piece, grain)
      if (skipped === undefined) break
      let at = piece.offset
      for (const zero of [...skipped, { offset: endOf(piece), length: 0 }]) {
        const errno = this.#copy(fd, target, at, zero.offset - at)
        if (errno === 'short') return { kind: 'carried', done, zeroes }
        if (errno !== undefined) return { kind: 'failed', errno, call: 'copy_file_range' }
        at = endOf(zero)
      }
      zeroes.push(...skipped)
      done += piece.length
    }
    // Advice: whether it was taken does not matter.
    if (writeOut && done > 0) this.#libc.startWriting(target, offset, done)
    return { kind: 'carried', done, zeroes }
  }

  /** `undefined`: it cannot be read, or not to its end; whoever reads it in the ordinary way learns why. */
  #zeroesOf(fd: number, piece: ByteRange, grain: number): ByteRange[] | undefined {
    const window = this.#windowOf(Math.max(PIECE, grain))
    const { bytes } = window
    for (let read = 0; read < piece.length; ) {
      let count: number
      try {
        count = readSync(fd, bytes, read, piece.length - read, piece.offset + read)
      } catch {
        return undefined
      }
      if (count === 0) return undefined
      read += count
    }
    return window.zeroRuns(piece, grain)
  }

  #windowOf(length: number): WindowBuffer {
    const known = this.#buffer?.bytes.length === length ? this.#buffer : undefined
    this.#buffer = known ?? new WindowBuffer(length)
    return this.#buffer
  }

  /** `undefined` when all of it was copied, `short` when the source has no more, or an errno. */
  #copy(fd: number, target: number, offset: number, length: number): number | 'short' | undefined {
    for (let done = 0, interrupts = 0; done < length; ) {
      const count = this.#libc.copyRange(fd, target, offset + done, length - done)
      if (count === 0) return 'short'
      if (count > 0) done += count
      else if (this.#libc.errno() !== EINTR || ++interrupts === MAX_INTERRUPTS) {
        return this.#libc.errno()
      }
    }
    return undefined
  }
}
