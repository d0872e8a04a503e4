// A disk whose place another one can take while calls go on: the same image, opened again after it became
// longer or shorter. The one exception to a size that is fixed: its users look at the size anew each time.
// It owns what is in it.

import type {
  BlockSize,
  CallOptions,
  Capabilities,
  Disk,
  ExtentOptions,
  WriteOptions,
  ZeroOptions,
} from '../disk/disk'
import type { ExtentList } from '../disk/extents'
import type { PlacedReads } from '../disk/placement'

export class ReplaceableDisk implements Disk {
  #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Calls from now on go to `next`; resolves when those before have ended and the former one is closed. */
  async replace(next: Disk): Promise<void> {
    const before = this.#disk
    this.#disk = next
    await before.close()
  }

  get size(): number {
    return this.#disk.size
  }

  get blockSize(): BlockSize {
    return this.#disk.blockSize
  }

  get capabilities(): Capabilities {
    return this.#disk.capabilities
  }

  get placed(): PlacedReads | undefined {
    return this.#disk.placed
  }

  read(target: Uint8Array, offset: number, options?: CallOptions): Promise<void> {
    return this.#disk.read(target, offset, options)
  }

  write(source: Uint8Array, offset: number, options?: WriteOptions): Promise<void> {
    return this.#disk.write(source, offset, options)
  }

  zero(offset: number, length: number, options?: ZeroOptions): Promise<void> {
    return this.#disk.zero(offset, length, options)
  }

  trim(offset: number, length: number, options?: WriteOptions): Promise<void> {
    return this.#disk.trim(offset, length, options)
  }

  flush(options?: CallOptions): Promise<void> {
    return this.#disk.flush(options)
  }

  cache(offset: number, length: number, options?: CallOptions): Promise<void> {
    return this.#disk.cache(offset, length, options)
  }

  extents(offset: number, length: number, options?: ExtentOptions): Promise<ExtentList> {
    return this.#disk.extents(offset, length, options)
  }

  close(): Promise<void> {
    return this.#disk.close()
  }
}
