// Locks on ranges of a file that belong to the open file description (Linux: F_OFD_SETLK, F_OFD_GETLK),
// through koffi. They go when its last descriptor is closed, however the process ends, and another
// opening of the same file by the same process counts as somebody else. The calls answer at once.

import { hasHoleCalls } from './hole-libc'

const F_OFD_GETLK = 36
const F_OFD_SETLK = 37
const LOCK_TYPES = { read: 0, write: 1, none: 2 } as const

/** struct flock where off_t has 64 bits: l_type, l_whence, l_start, l_len, l_pid, in 32 bytes. */
const FLOCK_BYTES = 32

export interface FoundLock {
  readonly start: number
  /** Of the process, where the lock belongs to one; those of open file descriptions do not tell. */
  readonly pid?: number | undefined
}

export interface LockCalls {
  /** Takes the range, shared with other readers of it, or lets it go; 0 or an errno. */
  set(fd: number, type: 'read' | 'none', start: number, length: number): number
  /** A lock that others have in the range, of whatever kind; or an errno. */
  find(
    fd: number,
    start: number,
    length: number,
  ): FoundLock | undefined | { readonly errno: number }
}

/** `undefined` where the system has no such locks. */
export async function loadLockCalls(): Promise<LockCalls | undefined> {
  if (!hasHoleCalls()) return undefined
  try {
    const koffi = (await import('koffi')).default
    const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)')
    const call = (fd: number, command: number, lock: Flock): number =>
      fcntl(fd, command, 'void *', lock.bytes) === -1 ? koffi.errno() : 0
    return {
      set: (fd, type, start, length) => call(fd, F_OFD_SETLK, new Flock(type, start, length)),
      find: (fd, start, length) => {
        const lock = new Flock('write', start, length)
        const errno = call(fd, F_OFD_GETLK, lock)
        return errno === 0 ? lock.found() : { errno }
      },
    }
  } catch {
    return undefined
  }
}

/** In the machine's byte order. */
class Flock {
  readonly bytes = new Uint8Array(FLOCK_BYTES)
  readonly #shorts = new Int16Array(this.bytes.buffer)
  readonly #ints = new Int32Array(this.bytes.buffer)
  readonly #longs = new BigInt64Array(this.bytes.buffer)

  constructor(type: keyof typeof LOCK_TYPES, start: number, length: number) {
    this.#shorts[0] = LOCK_TYPES[type]
    // l_whence stays 0: SEEK_SET. l_pid has to be 0.
    this.#longs[1] = BigInt(start)
    this.#longs[2] = BigInt(length)
  }

  /** After F_OFD_GETLK: the lock that is in the way, or that none is. */
  found(): FoundLock | undefined {
    if (this.#shorts[0] === LOCK_TYPES.none) return undefined
    const pid = this.#ints[6] as number
    return { start: Number(this.#longs[1]), ...(pid > 0 ? { pid } : {}) }
  }
}
