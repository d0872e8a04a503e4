// A disk in memory whose calls wait until the test lets them go, and that counts what it is doing.

import type { CallOptions, WriteOptions, ZeroOptions } from '../disk/disk'
import type { ExtentList } from '../disk/extents'
import { MemoryDisk } from '../disk/memory-disk'

export class GatedDisk extends MemoryDisk {
  isOpen = true
  readonly log: string[] = []
  inProgress = 0
  most = 0
  #waiting: (() => void)[] = []

  /** Lets the first `count` waiting calls go. */
  release(count = Number.POSITIVE_INFINITY): void {
    for (const go of this.#waiting.splice(0, count)) go()
  }

  override read(target: Uint8Array, offset: number, options?: CallOptions): Promise<void> {
    return this.#gate(`read ${offset}+${target.length}`, () => super.read(target, offset, options))
  }

  override write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    const fua = options.fua === true ? ' fua' : ''
    const name = `write ${offset}+${source.length}${fua}`
    return this.#gate(name, () => super.write(source, offset, options))
  }

  override zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    const set = Object.entries(options).filter(([, value]) => value === true)
    const name = [`zero ${offset}+${length}`, ...set.map(([key]) => key)].join(' ')
    return this.#gate(name, () => super.zero(offset, length, options))
  }

  override trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    const fua = options.fua === true ? ' fua' : ''
    return this.#gate(`trim ${offset}+${length}${fua}`, () => super.trim(offset, length, options))
  }

  override flush(options?: CallOptions): Promise<void> {
    return this.#gate('flush', () => super.flush(options))
  }

  override cache(offset: number, length: number, options?: CallOptions): Promise<void> {
    return this.#gate(`cache ${offset}+${length}`, () => super.cache(offset, length, options))
  }

  override extents(offset: number, length: number, options?: CallOptions): Promise<ExtentList> {
    return this.#gate(`extents ${offset}+${length}`, () => super.extents(offset, length, options))
  }

  async #gate<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.log.push(name)
    this.inProgress++
    this.most = Math.max(this.most, this.inProgress)
    try {
      if (!this.isOpen) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      return await call()
    } finally {
      this.inProgress--
    }
  }
}
