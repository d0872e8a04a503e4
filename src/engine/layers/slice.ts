// A window on a disk: the bytes from `offset` on, `length` of them, as a disk of their own. It does not
// own the disk under it, so that several slices (the partitions of an image) may share one.

import { throwIfAborted } from '../base/errors'
import { checkRequest, type Operation } from '../disk/check-request'
import type {
  BlockSize,
  CallOptions,
  Capabilities,
  Disk,
  ExtentOptions,
  WriteOptions,
  ZeroOptions,
} from '../disk/disk'
import { ExtentList } from '../disk/extents'
import { OpenCalls } from '../disk/open-calls'
import type { PlacedReads } from '../disk/placement'

export interface SliceOptions {
  readonly disk: Disk
  /** A multiple of the disk's smallest block. */
  readonly offset: number
  /** A multiple of the disk's smallest block, or up to the disk's end. */
  readonly length: number
}

export class SliceDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  readonly placed: PlacedReads | undefined
  readonly #disk: Disk
  readonly #offset: number
  readonly #calls = new OpenCalls('slice')

  /** OUT_OF_RANGE or MISALIGNED when the disk has no such window. */
  constructor({ disk, offset, length }: SliceOptions) {
    checkRequest(disk, 'extents', offset, length)
    this.#disk = disk
    this.#offset = offset
    this.size = length
    this.capabilities = disk.capabilities
    const below = disk.placed
    this.placed = below && {
      place: (at, most) => (this.#calls.isClosed ? undefined : below.place(offset + at, most)),
      noteRead: (at, bytes) => below.noteRead?.(offset + at, bytes),
    }
    this.blockSize = { ...disk.blockSize, preferred: preferredAt(disk.blockSize, offset) }
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#call('read', offset, target.length, options, () =>
      this.#disk.read(target, this.#offset + offset, options),
    )
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    return this.#call('write', offset, source.length, options, () =>
      this.#disk.write(source, this.#offset + offset, options),
    )
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    return this.#call('zero', offset, length, options, () =>
      this.#disk.zero(this.#offset + offset, length, options),
    )
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.#call('trim', offset, length, options, () =>
      this.#disk.trim(this.#offset + offset, length, options),
    )
  }

  flush(options: CallOptions = {}): Promise<void> {
    return this.#call('flush', 0, 0, options, () => this.#disk.flush(options))
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    return this.#call('cache', offset, length, options, () =>
      this.#disk.cache(this.#offset + offset, length, options),
    )
  }

  extents(offset: number, length: number, options: ExtentOptions = {}): Promise<ExtentList> {
    return this.#call('extents', offset, length, options, async () => {
      const list = new ExtentList(offset)
      const below = await this.#disk.extents(this.#offset + offset, length, options)
      for (const extent of below) list.append(extent.length, extent.flags)
      return list
    })
  }

  async close(): Promise<void> {
    await this.#calls.close()
  }

  #call<T>(
    operation: Operation,
    offset: number,
    length: number,
    options: CallOptions,
    act: () => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(() => {
      throwIfAborted(options.signal, operation)
      checkRequest(this, operation, offset, length)
      return act()
    })
  }
}

/** The largest block up to the disk's preferred one that the slice's own offsets can be aligned to. */
function preferredAt({ minimum, preferred }: BlockSize, offset: number): number {
  let unit = preferred
  while (unit > minimum && offset % unit !== 0) unit /= 2
  return Math.max(unit, minimum)
}
