// A disk that takes everything and keeps nothing: for measuring a source, and for reading it to its end.

import { checkRequest } from '../disk/check-request'
import type { BlockSize, Capabilities, Disk } from '../disk/disk'
import { ANY_BLOCK_SIZE } from '../disk/disk'
import { EXTENT_HOLE, EXTENT_ZERO, ExtentList } from '../disk/extents'

export class NullDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize = ANY_BLOCK_SIZE
  readonly capabilities: Capabilities = {
    write: true,
    flush: true,
    trim: true,
    zero: true,
    fastZero: true,
    fua: true,
    extents: true,
    cache: true,
    multiConn: true,
  }

  constructor(size: number) {
    this.size = size
  }

  async read(target: Uint8Array, offset: number): Promise<void> {
    checkRequest(this, 'read', offset, target.length)
    target.fill(0)
  }

  async write(source: Uint8Array, offset: number): Promise<void> {
    checkRequest(this, 'write', offset, source.length)
  }

  async zero(offset: number, length: number): Promise<void> {
    checkRequest(this, 'zero', offset, length)
  }

  async trim(offset: number, length: number): Promise<void> {
    checkRequest(this, 'trim', offset, length)
  }

  async flush(): Promise<void> {}

  async cache(offset: number, length: number): Promise<void> {
    checkRequest(this, 'cache', offset, length)
  }

  async extents(offset: number, length: number): Promise<ExtentList> {
    checkRequest(this, 'extents', offset, length)
    return ExtentList.of(offset, length, EXTENT_HOLE | EXTENT_ZERO)
  }

  async close(): Promise<void> {}
}
