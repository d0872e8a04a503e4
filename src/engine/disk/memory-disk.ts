// A disk in memory, allocated a page at a time: what was never written, or was trimmed, is a hole.

import { isAllZero } from '../base/bytes'
import { PlatterError, throwIfAborted } from '../base/errors'
import { splitByUnit } from '../base/ranges'
import { checkRequest } from './check-request'
import type { BlockSize, CallOptions, Capabilities, Disk, WriteOptions, ZeroOptions } from './disk'
import { ANY_BLOCK_SIZE, NO_CAPABILITIES } from './disk'
import { EXTENT_HOLE, EXTENT_ZERO, ExtentList } from './extents'
import { OpenCalls } from './open-calls'

const PAGE = 64 * 1024

export interface MemoryDiskOptions {
  readonly blockSize?: BlockSize
  readonly readOnly?: boolean
}

export class MemoryDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  readonly #pages = new Map<number, Uint8Array>()
  readonly #calls = new OpenCalls('memory disk')

  constructor(size: number, options: MemoryDiskOptions = {}) {
    this.size = size
    this.blockSize = options.blockSize ?? ANY_BLOCK_SIZE
    const writable = options.readOnly !== true
    this.capabilities = {
      ...NO_CAPABILITIES,
      write: writable,
      trim: writable,
      zero: writable,
      fastZero: writable,
      fua: writable,
      flush: true,
      extents: true,
      cache: true,
      multiConn: true,
    }
  }

  /** A disk that holds `bytes`; pages of nothing but zeroes stay holes. */
  static from(bytes: Uint8Array, options: MemoryDiskOptions = {}): MemoryDisk {
    const disk = new MemoryDisk(bytes.length, options)
    for (const part of splitByUnit({ offset: 0, length: bytes.length }, PAGE)) {
      const piece = bytes.subarray(part.offset, part.offset + part.length)
      if (!isAllZero(piece)) disk.#page(part.offset / PAGE).set(piece)
    }
    return disk
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#call('read', offset, target.length, options, () => {
      for (const part of splitByUnit({ offset, length: target.length }, PAGE)) {
        const page = this.#pages.get(Math.floor(part.offset / PAGE))
        const into = target.subarray(part.offset - offset, part.offset - offset + part.length)
        const from = part.offset % PAGE
        if (page === undefined) into.fill(0)
        else into.set(page.subarray(from, from + part.length))
      }
    })
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    return this.#call('write', offset, source.length, options, () => {
      for (const part of splitByUnit({ offset, length: source.length }, PAGE)) {
        const from = part.offset - offset
        const page = this.#page(Math.floor(part.offset / PAGE))
        page.set(source.subarray(from, from + part.length), part.offset % PAGE)
      }
    })
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    return this.#call('zero', offset, length, options, () => {
      this.#clear(offset, length, options.mayTrim === true)
    })
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.#call('trim', offset, length, options, () => this.#clear(offset, length, true))
  }

  flush(options: CallOptions = {}): Promise<void> {
    return this.#call('flush', 0, 0, options, () => undefined)
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    return this.#call('cache', offset, length, options, () => undefined)
  }

  extents(offset: number, length: number, options: CallOptions = {}): Promise<ExtentList> {
    return this.#call('extents', offset, length, options, () => {
      const list = new ExtentList(offset)
      for (const part of splitByUnit({ offset, length }, PAGE)) {
        const held = this.#pages.has(Math.floor(part.offset / PAGE))
        list.append(part.length, held ? 0 : EXTENT_HOLE | EXTENT_ZERO)
      }
      return list
    })
  }

  async close(): Promise<void> {
    if (await this.#calls.close()) this.#pages.clear()
  }

  #call<T>(
    operation: Parameters<typeof checkRequest>[1],
    offset: number,
    length: number,
    options: CallOptions,
    act: () => T,
  ): Promise<T> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, operation)
      checkRequest(this, operation, offset, length)
      return act()
    })
  }

  #clear(offset: number, length: number, mayTrim: boolean): void {
    for (const part of splitByUnit({ offset, length }, PAGE)) {
      const index = Math.floor(part.offset / PAGE)
      const whole = part.length === PAGE || part.offset + part.length === this.size
      if (mayTrim && whole && part.offset % PAGE === 0) this.#pages.delete(index)
      else if (!mayTrim || this.#pages.has(index)) {
        const from = part.offset % PAGE
        this.#page(index).fill(0, from, from + part.length)
      }
    }
  }

  #page(index: number): Uint8Array {
    let page = this.#pages.get(index)
    if (page === undefined) {
      if (this.#pages.size >= MAX_PAGES) {
        throw new PlatterError(
          'NO_SPACE',
          `memory disk: ${MAX_PAGES * PAGE} bytes are held already`,
        )
      }
      page = new Uint8Array(PAGE)
      this.#pages.set(index, page)
    }
    return page
  }
}

/** 4 GiB: enough for any test or sample, and below what would bring the process down. */
const MAX_PAGES = (4 * 1024 * 1024 * 1024) / PAGE
