// The bytes of a file in memory, sparse, that can be forked at little cost: forks share pages until one of
// them writes there.

import { splitByUnit } from '../base/ranges'

export const CRASH_PAGE = 4096

export class CrashBytes {
  #size: number
  readonly #pages: Map<number, Uint8Array>
  /** Pages that no fork shares. */
  readonly #own = new Set<number>()

  constructor(size = 0, pages: ReadonlyMap<number, Uint8Array> = new Map()) {
    this.#size = size
    this.#pages = new Map(pages)
  }

  static from(bytes: Uint8Array): CrashBytes {
    const made = new CrashBytes(bytes.length)
    made.write(bytes, 0)
    return made
  }

  /** As it is now; what either of the two does from here on, the other does not see. */
  fork(): CrashBytes {
    this.#own.clear()
    return new CrashBytes(this.#size, this.#pages)
  }

  get size(): number {
    return this.#size
  }

  /** Grows with zeroes or cuts. */
  resize(size: number): void {
    if (size < this.#size) {
      const whole = Math.ceil(size / CRASH_PAGE)
      for (const index of [...this.#pages.keys()]) if (index >= whole) this.#pages.delete(index)
      if (size % CRASH_PAGE !== 0 && this.#pages.has(whole - 1)) {
        this.#page(whole - 1).fill(0, size % CRASH_PAGE)
      }
    }
    this.#size = size
  }

  /** What lies beyond the end reads as zeroes. */
  read(target: Uint8Array, offset: number): void {
    for (const part of splitByUnit({ offset, length: target.length }, CRASH_PAGE)) {
      const page = this.#pages.get(Math.floor(part.offset / CRASH_PAGE))
      const into = target.subarray(part.offset - offset, part.offset - offset + part.length)
      const from = part.offset % CRASH_PAGE
      if (page === undefined) into.fill(0)
      else into.set(page.subarray(from, from + part.length))
    }
  }

  /** What lies beyond the end is not kept. */
  write(source: Uint8Array, offset: number): void {
    const kept = Math.max(0, Math.min(source.length, this.#size - offset))
    for (const part of splitByUnit({ offset, length: kept }, CRASH_PAGE)) {
      const from = part.offset - offset
      const page = this.#page(Math.floor(part.offset / CRASH_PAGE))
      page.set(source.subarray(from, from + part.length), part.offset % CRASH_PAGE)
    }
  }

  zero(offset: number, length: number): void {
    const end = Math.min(offset + length, this.#size)
    for (const index of [...this.#pages.keys()]) {
      const start = index * CRASH_PAGE
      const from = Math.max(offset, start) - start
      const to = Math.min(end, start + CRASH_PAGE) - start
      if (from >= to) continue
      if (from === 0 && to === CRASH_PAGE) this.#pages.delete(index)
      else this.#page(index).fill(0, from, to)
    }
  }

  isHole(offset: number): boolean {
    return !this.#pages.has(Math.floor(offset / CRASH_PAGE))
  }

  toBytes(): Uint8Array {
    const all = new Uint8Array(this.#size)
    this.read(all, 0)
    return all
  }

  #page(index: number): Uint8Array {
    const there = this.#pages.get(index)
    if (there !== undefined && this.#own.has(index)) return there
    const page = there === undefined ? new Uint8Array(CRASH_PAGE) : there.slice()
    this.#pages.set(index, page)
    this.#own.add(index)
    return page
  }
}
