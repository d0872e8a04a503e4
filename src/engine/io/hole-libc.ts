// The few calls of the C library that Node has no name for, through koffi. Linux on 64-bit processors
// only: there off_t has 64 bits and the constants below hold. Elsewhere, or where koffi's binary cannot
// be loaded, there is nothing, and a file is one data extent. The calls block: only the hole worker
// makes them.

const SEEK_END = 2
const SEEK_DATA = 3
const SEEK_HOLE = 4
const POSIX_FADV_WILLNEED = 3
const SYNC_FILE_RANGE_WRITE = 2

export const FALLOC_FL_KEEP_SIZE = 0x01
export const FALLOC_FL_PUNCH_HOLE = 0x02
export const FALLOC_FL_ZERO_RANGE = 0x10

export const ENXIO = 6
export const EINTR = 4
/** A call that a signal interrupts more often than this is reported. */
export const MAX_INTERRUPTS = 16

const FS_IOC_FIEMAP = 0xc020660b
export const FIEMAP_EXTENT_LAST = 0x0001
export const FIEMAP_EXTENT_UNWRITTEN = 0x0800

/** Extents that one FIEMAP fetches at most: 56 KiB, which stay in a processor's cache. */
const FIEMAP_EXTENTS = 1024

export const EXT4_SUPER_MAGIC = 0xef53

/** Each call returns -1 when it failed; errno() then says why. */
export interface HoleLibc {
  /** The first byte of data at or after `offset`; ENXIO when only a hole is left. */
  seekData(fd: number, offset: number): number
  /** The first byte of a hole at or after `offset`; the end of the file counts as one. */
  seekHole(fd: number, offset: number): number
  /** The size as it is now, of block devices too. */
  seekEnd(fd: number): number
  /** Where fiemap puts what it finds; one for all calls. */
  readonly extents: FiemapBuffer
  /** Finds the first extents of the range, at most `limit` and what the buffer holds; how many. */
  fiemap(fd: number, offset: number, length: number, limit: number): number
  fallocate(fd: number, mode: number, offset: number, length: number): number
  /** Carries bytes from one file to the same place in another; how many, perhaps fewer than asked for. */
  copyRange(from: number, to: number, offset: number, length: number): number
  /** Asks the system to begin with writing the range to the device, and does not wait for that. */
  startWriting(fd: number, offset: number, length: number): number
  /** 0 or an errno. */
  adviseWillNeed(fd: number, offset: number, length: number): number
  /** The magic number of the file system. */
  fileSystemType(fd: number): number
  errno(): number
}

const WIDE_ARCHITECTURES = ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x']

export const hasHoleCalls = (): boolean =>
  process.platform === 'linux' && WIDE_ARCHITECTURES.includes(process.arch)

/** struct fiemap and its struct fiemap_extent array (linux/fiemap.h), in the machine's byte order. */
export class FiemapBuffer {
  static readonly #HEADER = 32
  static readonly #EXTENT = 56
  readonly capacity: number
  readonly bytes: Uint8Array
  readonly #words: Uint32Array

  constructor(capacity: number) {
    this.capacity = capacity
    this.bytes = new Uint8Array(FiemapBuffer.#HEADER + capacity * FiemapBuffer.#EXTENT)
    this.#words = new Uint32Array(this.bytes.buffer)
  }

  /** Writes the question, for at most `limit` extents. */
  ask(offset: number, length: number, limit: number): void {
    this.bytes.fill(0, 0, FiemapBuffer.#HEADER)
    this.#putU64(0, offset)
    this.#putU64(8, length)
    this.#words[6] = Math.min(limit, this.capacity)
  }

  /** Extents that the answer holds. */
  get count(): number {
    return this.#words[5] as number
  }

  logical(index: number): number {
    return this.#u64(FiemapBuffer.#HEADER + index * FiemapBuffer.#EXTENT)
  }

  length(index: number): number {
    return this.#u64(FiemapBuffer.#HEADER + index * FiemapBuffer.#EXTENT + 16)
  }

  flags(index: number): number {
    return this.#words[(FiemapBuffer.#HEADER + index * FiemapBuffer.#EXTENT + 40) / 4] as number
  }

  #putU64(at: number, value: number): void {
    const high = Math.floor(value / 2 ** 32)
    const low = value % 2 ** 32
    this.#words.set(LITTLE ? [low, high] : [high, low], at / 4)
  }

  // Files end below 2^53, and bigints would cost more than the call. An extent may be said to reach to
  // the end of all offsets: rounded then, and clipped by the caller.
  #u64(at: number): number {
    const first = this.#words[at / 4] as number
    const second = this.#words[at / 4 + 1] as number
    return LITTLE ? second * 2 ** 32 + first : first * 2 ** 32 + second
  }
}

const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

export async function loadHoleLibc(): Promise<HoleLibc> {
  const koffi = (await import('koffi')).default
  const libc = koffi.load(null)
  const lseek = libc.func('int64_t lseek(int fd, int64_t offset, int whence)')
  const ioctl = libc.func('int ioctl(int fd, unsigned long request, ...)')
  const fallocate = libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)')
  const copyFileRange = libc.func(
    'int64_t copy_file_range(int from, _Inout_ int64_t *fromAt, int to, _Inout_ int64_t *toAt, size_t length, unsigned int flags)',
  )
  const syncFileRange = libc.func(
    'int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)',
  )
  const fadvise = libc.func('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)')
  const fstatfs = libc.func('int fstatfs(int fd, void *statfs)')
  const extents = new FiemapBuffer(FIEMAP_EXTENTS)
  return {
    seekData: (fd, offset) => lseek(fd, offset, SEEK_DATA) as number,
    seekHole: (fd, offset) => lseek(fd, offset, SEEK_HOLE) as number,
    seekEnd: (fd) => lseek(fd, 0, SEEK_END) as number,
    extents,
    fiemap: (fd, offset, length, limit) => {
      extents.ask(offset, length, limit)
      return ioctl(fd, FS_IOC_FIEMAP, 'void *', extents.bytes) === -1 ? -1 : extents.count
    },
    fallocate: (fd, mode, offset, length) => fallocate(fd, mode, offset, length) as number,
    copyRange: (from, to, offset, length) =>
      copyFileRange(from, [offset], to, [offset], length, 0) as number,
    startWriting: (fd, offset, length) =>
      syncFileRange(fd, offset, length, SYNC_FILE_RANGE_WRITE) as number,
    adviseWillNeed: (fd, offset, length) =>
      fadvise(fd, offset, length, POSIX_FADV_WILLNEED) as number,
    fileSystemType: (fd) => {
      // f_type is the first field, a long; nothing else of the 120 bytes is looked at.
      const statfs = new Uint32Array(128)
      if (fstatfs(fd, statfs) === -1) return -1
      return statfs[LITTLE ? 0 : 1] as number
    },
    errno: () => koffi.errno(),
  }
}
