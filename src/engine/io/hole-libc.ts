// The few calls of the C library that Node has no name for, through koffi. Linux on 64-bit processors
// only: there off_t has 64 bits and the constants below hold. Elsewhere, or where koffi's binary cannot
// be loaded, there is nothing, and a file is one data extent. The calls block: only the hole worker
// makes them.

const SEEK_END = 2
const SEEK_DATA = 3
const SEEK_HOLE = 4
const POSIX_FADV_WILLNEED = 3

export const FALLOC_FL_KEEP_SIZE = 0x01
export const FALLOC_FL_PUNCH_HOLE = 0x02
export const FALLOC_FL_ZERO_RANGE = 0x10

export const ENXIO = 6
export const EINTR = 4

/** Each call returns -1 when it failed; errno() then says why. */
export interface HoleLibc {
  /** The first byte of data at or after `offset`; ENXIO when only a hole is left. */
  seekData(fd: number, offset: number): number
  /** The first byte of a hole at or after `offset`; the end of the file counts as one. */
  seekHole(fd: number, offset: number): number
  /** The size as it is now, of block devices too. */
  seekEnd(fd: number): number
  fallocate(fd: number, mode: number, offset: number, length: number): number
  /** 0 or an errno. */
  adviseWillNeed(fd: number, offset: number, length: number): number
  errno(): number
}

const WIDE_ARCHITECTURES = ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x']

export const hasHoleCalls = (): boolean =>
  process.platform === 'linux' && WIDE_ARCHITECTURES.includes(process.arch)

export async function loadHoleLibc(): Promise<HoleLibc> {
  const koffi = (await import('koffi')).default
  const libc = koffi.load(null)
  const lseek = libc.func('int64_t lseek(int fd, int64_t offset, int whence)')
  const fallocate = libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)')
  const fadvise = libc.func('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)')
  return {
    seekData: (fd, offset) => lseek(fd, offset, SEEK_DATA) as number,
    seekHole: (fd, offset) => lseek(fd, offset, SEEK_HOLE) as number,
    seekEnd: (fd) => lseek(fd, 0, SEEK_END) as number,
    fallocate: (fd, mode, offset, length) => fallocate(fd, mode, offset, length) as number,
    adviseWillNeed: (fd, offset, length) =>
      fadvise(fd, offset, length, POSIX_FADV_WILLNEED) as number,
    errno: () => koffi.errno(),
  }
}
