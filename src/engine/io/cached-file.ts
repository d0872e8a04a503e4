// What the page cache holds of an open file, at once and on the calling thread: a trip through the thread
// pool costs several times the copy. Linux's preadv2 with RWF_NOWAIT never waits for a device: it gives
// what is in memory, or nothing, and then the reader goes through the pool as always. cachestat (Linux
// 6.5) tells how much of a range is in memory. Where there is no such call (other systems, old kernels,
// file systems without it) nothing is ever there. Holes are asked for here only on file systems that keep
// their books on this machine: elsewhere the answer may have to cross a network.

import { statfs } from 'node:fs/promises'
import type { PlacedFile } from '../disk/placement'
import { hasHoleCalls } from './hole-libc'

const RWF_NOWAIT = 8
const SEEK_END = 2
const SEEK_DATA = 3
/** The same number on every architecture that hasHoleCalls() names. */
const SYS_cachestat = 451

/** Beyond this, the copy itself would keep the thread from others for too long. */
const LONGEST_COPY = 256 * 1024

interface CacheCalls {
  /** Bytes that were read; less than asked for, or -1, when not all is in memory. */
  read(fd: number, target: Uint8Array, offset: number): number
  /** Bytes that were written; less than asked for, or -1, when it failed or would have to wait. */
  write(fd: number, source: Uint8Array, offset: number, mayWait: boolean): number
  /** Pages of the range that are in memory; -1 when nobody knows. */
  pagesInMemory(fd: number, offset: number, length: number): number
  readonly pageSize: number
  /** The first byte of data at or after `offset`; below 0 when there is none, or nobody knows. */
  nextData(fd: number, offset: number): number
  /** Bytes that the file has now; below 0 when nobody knows. */
  size(fd: number): number
}

/** Magic numbers of statfs(2): ext2 to ext4, XFS, btrfs, tmpfs, F2FS. */
const LOCAL_FILE_SYSTEMS = [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010]

export class CachedFile implements PlacedFile {
  readonly fd: number
  readonly #calls: CacheCalls | undefined
  readonly #isLocal: boolean
  readonly #mayWait: boolean
  #takesNoWait = true

  /** Knows nothing where `calls` are missing. */
  constructor(fd: number, calls: CacheCalls | undefined, isLocal = false, mayWait = false) {
    this.fd = fd
    this.#calls = calls
    this.#isLocal = isLocal
    this.#mayWait = mayWait
  }

  static async of(fd: number, mayWait = false): Promise<CachedFile> {
    const calls = await loadCacheCalls()
    if (calls === undefined) return new CachedFile(fd, calls)
    const type = await statfs(`/proc/self/fd/${fd}`).then(
      (stats) => stats.type,
      () => undefined,
    )
    return new CachedFile(fd, calls, LOCAL_FILE_SYSTEMS.includes(type ?? 0), mayWait)
  }

  readNow(target: Uint8Array, offset: number): boolean {
    const { length } = target
    if (this.#calls === undefined || length > LONGEST_COPY) return false
    return this.#calls.read(this.fd, target, offset) === length
  }

  /** False: it is not known what of it was written, if anything; to write all of it again is right. */
  writeNow(source: Uint8Array, offset: number): boolean {
    const { length } = source
    if (this.#calls === undefined || !this.#isLocal || length > LONGEST_COPY) return false
    if (this.#takesNoWait) {
      if (this.#calls.write(this.fd, source, offset, false) === length) return true
      this.#takesNoWait = false
    }
    return this.#mayWait && this.#calls.write(this.fd, source, offset, true) === length
  }

  /** Bytes that the file has now; `undefined` when that is not known at once. */
  sizeNow(): number | undefined {
    const size = this.#isLocal ? this.#calls?.size(this.fd) : undefined
    return size === undefined || size < 0 ? undefined : size
  }

  isInMemory(offset: number, length: number): boolean {
    if (this.#calls === undefined) return false
    const { pageSize } = this.#calls
    const pages = Math.ceil((offset + length) / pageSize) - Math.floor(offset / pageSize)
    return this.#calls.pagesInMemory(this.fd, offset, length) >= pages
  }

  holeAt(offset: number, length: number): number {
    if (this.#calls === undefined || !this.#isLocal) return 0
    const next = this.#calls.nextData(this.fd, offset)
    if (next >= 0) return Math.min(next - offset, length)
    // Past the end of a file that has become shorter there is no data either, and that is no hole.
    return this.#calls.size(this.fd) >= offset + length ? length : 0
  }
}

/** `undefined` where the system has none of it. */
export async function loadCacheCalls(): Promise<CacheCalls | undefined> {
  if (!hasHoleCalls()) return undefined
  try {
    const koffi = (await import('koffi')).default
    const libc = koffi.load(null)
    const preadv2 = libc.func(
      'long preadv2(int fd, void *iov, int iovcnt, int64_t offset, int flags)',
    )
    const pwritev2 = libc.func(
      'long pwritev2(int fd, void *iov, int iovcnt, int64_t offset, int flags)',
    )
    const syscall = libc.func('long syscall(long number, long fd, void *range, void *stat, long)')
    const lseek = libc.func('int64_t lseek(int fd, int64_t offset, int whence)')
    const getpagesize = libc.func('int getpagesize()')
    // struct iovec: an address and a length. struct cachestat_range: an offset and a length. struct
    // cachestat: five counts of pages, of which the first are those in the cache.
    const vector = new BigUint64Array(2)
    const range = new BigUint64Array(2)
    const stat = new BigUint64Array(5)
    // Where buffers have no address to give (a runtime that keeps them in a cage), it shows here.
    koffi.address(new Uint8Array(1))
    return {
      pageSize: getpagesize() as number,
      read: (fd, target, offset) => {
        vector[0] = koffi.address(target)
        vector[1] = BigInt(target.length)
        return preadv2(fd, vector, 1, offset, RWF_NOWAIT) as number
      },
      write: (fd, source, offset, mayWait) => {
        vector[0] = koffi.address(source)
        vector[1] = BigInt(source.length)
        return pwritev2(fd, vector, 1, offset, mayWait ? 0 : RWF_NOWAIT) as number
      },
      nextData: (fd, offset) => lseek(fd, offset, SEEK_DATA) as number,
      size: (fd) => lseek(fd, 0, SEEK_END) as number,
      pagesInMemory: (fd, offset, length) => {
        range[0] = BigInt(offset)
        range[1] = BigInt(length)
        return syscall(SYS_cachestat, fd, range, stat, 0) === 0 ? Number(stat[0]) : -1
      },
    }
  } catch {
    return undefined
  }
}
