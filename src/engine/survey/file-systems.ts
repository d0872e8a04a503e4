// Which file system a range of a disk holds, told by the signatures that each one writes at a fixed
// place. One read of the first 68 KiB; nothing is followed, so a hostile image can make the answer
// wrong and nothing else. It says what a range was formatted as, not whether it is sound.
//
// Several signatures can stand in one range, because not every formatter wipes what was there before.
// The order of the table decides: what starts at the first byte would have been overwritten by any
// later use, so it goes first; FAT, which is guessed from plausible numbers, goes last.

import { isPowerOfTwo } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { Fields } from './fields'
import { readBytes } from './read-bytes'

export type FileSystemName =
  | 'ext2'
  | 'ext3'
  | 'ext4'
  | 'ext journal'
  | 'xfs'
  | 'btrfs'
  | 'ntfs'
  | 'exfat'
  | 'fat12'
  | 'fat16'
  | 'fat32'
  | 'swap'
  | 'luks'
  | 'lvm2'
  | 'iso9660'
  | 'squashfs'
  | 'f2fs'
  | 'hfs+'
  | 'apfs'

/** Reaches over the signature of btrfs, which is the farthest. */
const HEAD_BYTES = 68 * 1024

/** What the range holds; `undefined` when no signature is known. Rejects only when the disk cannot be read. */
export async function detectFileSystem(
  disk: Disk,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<FileSystemName | undefined> {
  const available = Math.max(0, Math.min(length, HEAD_BYTES, disk.size - offset))
  const bytes = await readBytes(disk, offset, available, signal)
  if (bytes === undefined) return undefined
  const head = new Uint8Array(HEAD_BYTES)
  head.set(bytes)
  const fields = new Fields(head)
  for (const test of TESTS) {
    const name = test(fields)
    if (name !== undefined) return name
  }
  return undefined
}

/** File systems whose first sector ends like a partition table's does. `sector` is 512 bytes or more. */
export function bootSectorFileSystem(sector: Uint8Array): FileSystemName | undefined {
  const fields = new Fields(sector)
  return ntfs(fields) ?? fat(fields)
}

type Test = (head: Fields) => FileSystemName | undefined

const luks: Test = (head) =>
  head.has(0, 'LUKS\xba\xbe') && [1, 2].includes(head.u16BigEndian(6)) ? 'luks' : undefined

const xfs: Test = (head) =>
  head.has(0, 'XFSB') && isPowerOfTwo(head.u32BigEndian(4)) ? 'xfs' : undefined

const squashfs: Test = (head) =>
  head.has(0, 'hsqs') && head.u16(28) === 4 ? 'squashfs' : undefined

const apfs: Test = (head) => (head.has(32, 'NXSB') ? 'apfs' : undefined)

const ntfs: Test = (head) => {
  if (head.has(3, 'NTFS    ')) return 'ntfs'
  return head.has(3, 'EXFAT   ') ? 'exfat' : undefined
}

/** The label may stand in any of the first four sectors. */
const lvm2: Test = (head) => {
  for (const at of [0, 512, 1024, 1536]) {
    if (head.has(at, 'LABELONE') && head.has(at + 24, 'LVM2 001')) return 'lvm2'
  }
  return undefined
}

const EXT_SUPERBLOCK = 1024
const EXT_MAGIC = 0xef53
/** Features of ext2 and ext3; any other makes it ext4. */
const EXT3_INCOMPAT = 0x2 | 0x4 | 0x10
const EXT3_RO_COMPAT = 0x1 | 0x2 | 0x4
const EXT_HAS_JOURNAL = 0x4
const EXT_JOURNAL_DEVICE = 0x8

const ext: Test = (head) => {
  const at = EXT_SUPERBLOCK
  const blockSizeLog = head.u32(at + 24)
  if (head.u16(at + 56) !== EXT_MAGIC || blockSizeLog > 6 || head.u32(at + 4) === 0)
    return undefined
  const compat = head.u32(at + 92)
  const incompat = head.u32(at + 96)
  const roCompat = head.u32(at + 100)
  if ((incompat & EXT_JOURNAL_DEVICE) !== 0) return 'ext journal'
  if ((incompat & ~EXT3_INCOMPAT) !== 0 || (roCompat & ~EXT3_RO_COMPAT) !== 0) return 'ext4'
  return (compat & EXT_HAS_JOURNAL) !== 0 ? 'ext3' : 'ext2'
}

const f2fs: Test = (head) => (head.u32(1024) === 0xf2f52010 ? 'f2fs' : undefined)

const hfsPlus: Test = (head) => {
  const version = head.u16BigEndian(1026)
  const plain = head.has(1024, 'H+') && version === 4
  const caseSensitive = head.has(1024, 'HX') && version === 5
  return plain || caseSensitive ? 'hfs+' : undefined
}

const btrfs: Test = (head) => (head.has(64 * 1024 + 64, '_BHRfS_M') ? 'btrfs' : undefined)

/** The signature ends the first page, and pages are of several sizes. */
const swap: Test = (head) => {
  for (const page of [4096, 8192, 16384, 32768, 65536]) {
    if (head.has(page - 10, 'SWAPSPACE2') || head.has(page - 10, 'SWAP-SPACE')) return 'swap'
  }
  return undefined
}

const iso9660: Test = (head) => (head.has(32 * 1024 + 1, 'CD001') ? 'iso9660' : undefined)

/**
 * FAT has no signature to trust: not every maker writes the jump or the name. Its kind follows from the
 * number of clusters.
 */
const fat: Test = (head) => {
  const bytesPerSector = head.u16(11)
  const sectorsPerCluster = head.u8(13)
  const reservedSectors = head.u16(14)
  const tables = head.u8(16)
  const media = head.u8(21)
  const jumps = head.u8(0) === 0xe9 || (head.u8(0) === 0xeb && head.u8(2) === 0x90)
  const named = head.has(54, 'FAT1') || head.has(82, 'FAT32')
  const plausible =
    (jumps || named) &&
    isPowerOfTwo(bytesPerSector) &&
    bytesPerSector >= 512 &&
    bytesPerSector <= 4096 &&
    isPowerOfTwo(sectorsPerCluster) &&
    reservedSectors > 0 &&
    (tables === 1 || tables === 2) &&
    (media === 0xf0 || media >= 0xf8)
  if (!plausible) return undefined
  const totalSectors = head.u16(19) || head.u32(32)
  const tableSectors = head.u16(22) || head.u32(36)
  const rootSectors = Math.ceil((head.u16(17) * 32) / bytesPerSector)
  const dataSectors = totalSectors - reservedSectors - tables * tableSectors - rootSectors
  if (tableSectors === 0 || dataSectors <= 0) return undefined
  const clusters = Math.floor(dataSectors / sectorsPerCluster)
  if (head.u16(22) === 0) return 'fat32'
  return clusters < 4085 ? 'fat12' : 'fat16'
}

const TESTS: readonly Test[] = [
  luks,
  xfs,
  squashfs,
  apfs,
  ntfs,
  lvm2,
  ext,
  f2fs,
  hfsPlus,
  btrfs,
  swap,
  iso9660,
  fat,
]
