// Reads that the page cache can answer are made at once, on the calling thread: a trip through the
// thread pool costs several times the copy. Linux's preadv2 with RWF_NOWAIT never waits for a device: it
// gives what is in memory, or nothing, and then the reader goes through the pool as always. Where there
// is no such call (other systems, old kernels, file systems without it) nothing is ever read here.

import { hasHoleCalls } from './hole-libc'

const RWF_NOWAIT = 8

/** Beyond this, the copy itself would keep the thread from others for too long. */
const MAX_CACHED_READ = 256 * 1024

/** True when all of `target` was in memory and is filled; false says nothing about the file. */
export type CachedRead = (fd: number, target: Uint8Array, offset: number) => boolean

export async function loadCachedRead(): Promise<CachedRead> {
  const nothing = () => false
  if (!hasHoleCalls()) return nothing
  try {
    const koffi = (await import('koffi')).default
    const preadv2 = koffi
      .load(null)
      .func('long preadv2(int fd, void *iov, int iovcnt, int64_t offset, int flags)')
    // struct iovec: an address and a length.
    const vector = new BigUint64Array(2)
    // Where buffers have no address to give (a runtime that keeps them in a cage), it shows here.
    koffi.address(new Uint8Array(1))
    return (fd, target, offset) => {
      const { length } = target
      if (length > MAX_CACHED_READ) return false
      vector[0] = koffi.address(target)
      vector[1] = BigInt(length)
      return preadv2(fd, vector, 1, offset, RWF_NOWAIT) === length
    }
  } catch {
    return nothing
  }
}
