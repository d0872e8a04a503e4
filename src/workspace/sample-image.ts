// The image that Platter makes itself, so that there is something to explore in the first minute: 256 MiB,
// sparse, the same bytes on every machine. What is real in it: the partition table, a FAT16 and an ext2
// file system that their checkers find clean, files that can be copied out of both. What the files hold is
// made up. On a raw file, zeroes that were written look like data: only reading tells them apart.
//
//   0        protective MBR, GPT
//   1 MiB    partition 1, 32 MiB: EFI system, FAT16, a few small files
//   33 MiB   partition 2, 222 MiB: ext2 with text, logs, records, noise, fragmented files, a file with
//            holes, a file of written zeroes, and what deleted files left behind
//   255 MiB  free, and the second copy of the GPT in the last 33 sectors

import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Prng } from '../engine/base/prng'
import type { Disk } from '../engine/disk/disk'
import { createFileDisk } from '../engine/io/file-create'
import { fileError } from '../engine/io/file-errors'
import {
  contentOf,
  logText,
  noiseBytes,
  proseText,
  recordBytes,
  sparseContent,
  writtenZeroes,
} from './sample-image-content'
import { EXT2_BLOCK, Ext2Image } from './sample-image-ext2'
import { FatImage } from './sample-image-fat'
import { EFI_SYSTEM, LINUX_FILE_SYSTEM, partitionTable, SECTOR } from './sample-image-gpt'
import type { SamplePiece } from './sample-image-piece'
import { shiftPieces } from './sample-image-piece'

const MIB = 1024 * 1024
export const SAMPLE_SIZE = 256 * MIB
/** Part of the file's name: an image that an older Platter made is left alone and a new one made. */
const SAMPLE_VERSION = 1

const EFI_AT = 1 * MIB
const EFI_LENGTH = 32 * MIB
const LINUX_AT = EFI_AT + EFI_LENGTH
const LINUX_LENGTH = 222 * MIB

/** Where the sample of this version lies: in the user's directory for things that can be made again. */
export function sampleImagePath(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  return join(cacheDirectory(environment, platform), 'platter', `sample-${SAMPLE_VERSION}.img`)
}

function cacheDirectory(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const home = environment['HOME'] || homedir()
  if (platform === 'darwin') return join(home, 'Library', 'Caches')
  if (platform === 'win32') return environment['LOCALAPPDATA'] || join(home, 'AppData', 'Local')
  const given = environment['XDG_CACHE_HOME']
  // The specification says to ignore a path that is not absolute.
  return given?.startsWith('/') ? given : join(home, '.cache')
}

/** Makes the sample unless it is there; its path. What a person committed to it stays. */
export async function ensureSampleImage(path: string = sampleImagePath()): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true || found.size !== SAMPLE_SIZE) await createSampleImage(path)
  return path
}

/** Makes the sample at `path`, over what was there; nothing of it is seen there before it is whole. */
export async function createSampleImage(path: string): Promise<void> {
  const unfinished = `${path}.${process.pid}.new`
  try {
    await mkdir(dirname(path), { recursive: true })
    await rm(unfinished, { force: true })
    const disk = await createFileDisk(unfinished, SAMPLE_SIZE)
    try {
      await writePieces(disk, samplePieces())
    } finally {
      await disk.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    // What went wrong first is what matters, also when there is nothing to clear away.
    await rm(unfinished, { force: true }).catch(() => undefined)
    throw fileError(error, path, 'cannot make the sample image')
  }
}

/** Writes neighbours together: a file system's blocks come one by one. */
async function writePieces(disk: Disk, pieces: Iterable<SamplePiece>): Promise<void> {
  const buffer = new Uint8Array(MIB)
  let start = 0
  let held = 0
  const flush = async () => {
    await disk.write(buffer.subarray(0, held), start)
    held = 0
  }
  for (const { offset, bytes } of pieces) {
    if (offset !== start + held || held + bytes.length > buffer.length) {
      await flush()
      start = offset
    }
    if (bytes.length > buffer.length) {
      await disk.write(bytes, offset)
      start = offset + bytes.length
      continue
    }
    buffer.set(bytes, held)
    held += bytes.length
  }
  await flush()
}

export function* samplePieces(): Generator<SamplePiece> {
  const sector = (offset: number) => offset / SECTOR
  yield* partitionTable('8C7E1F52-2D0A-4B63-9A51-5A0E6B7D0001', sector(SAMPLE_SIZE), [
    {
      type: EFI_SYSTEM,
      id: '8C7E1F52-2D0A-4B63-9A51-5A0E6B7D0002',
      name: 'EFI system',
      firstSector: sector(EFI_AT),
      sectorCount: sector(EFI_LENGTH),
    },
    {
      type: LINUX_FILE_SYSTEM,
      id: '8C7E1F52-2D0A-4B63-9A51-5A0E6B7D0003',
      name: 'Linux',
      firstSector: sector(LINUX_AT),
      sectorCount: sector(LINUX_LENGTH),
    },
  ])
  yield* shiftPieces(efiPieces(), EFI_AT)
  yield* shiftPieces(linuxPieces(), LINUX_AT)
}

const README = `This disk image was made by Platter to be explored.

Nothing in it is worth keeping: write into it, commit, discard, and delete it when you like; Platter makes
it again. Both partitions hold real file systems, so on Linux you can also look at it with
fdisk, fsck.fat, e2fsck -f -n and debugfs.
`

function efiPieces(): Generator<SamplePiece> {
  const label = 'PLATTER EFI'
  const fat = new FatImage(EFI_LENGTH / SECTOR, EFI_AT / SECTOR, label)
  const text = (value: string) => new TextEncoder().encode(value)
  fat.add({ path: '/README.TXT', content: text(README.replaceAll('\n', '\r\n')) })
  fat.add({
    path: '/EFI/BOOT/STARTUP.NSH',
    content: text('echo "A sample, nothing to start."\r\n'),
  })
  fat.add({ path: '/EFI/PLATTER/NOISE.BIN', content: noiseBytes(11, 700_000), gap: 64 })
  fat.add({ path: '/EFI/PLATTER/NOTES.TXT', content: proseText(12, 60_000), gap: 1500 })
  fat.add({ path: '/EFI/PLATTER/TABLE.BIN', content: recordBytes(13, 384 * 1024), gap: 3000 })
  return fat.pieces(label)
}

function linuxPieces(): Generator<SamplePiece> {
  const ext2 = new Ext2Image(LINUX_LENGTH / EXT2_BLOCK)
  const mib = (count: number) => (count * MIB) / EXT2_BLOCK
  ext2.addFile(ext2.root, 'README', contentOf(new TextEncoder().encode(README)), { goal: mib(1) })
  addLetters(ext2, mib(2))
  addLogs(ext2, mib(8))
  addPhotos(ext2, mib(20))
  const data = ext2.addDirectory(ext2.root, 'data')
  ext2.addFile(data, 'records.db', contentOf(recordBytes(31, 9 * MIB)), {
    goal: mib(78),
    gapAfter: (i) => (i % 256 === 255 ? 64 : 0),
  })
  ext2.addFile(data, 'zeroes.bin', writtenZeroes(8 * MIB), { goal: mib(96) })
  ext2.addFile(data, 'sparse.bin', sparseContent(32, 96 * MIB, 64), { goal: mib(110) })
  addScattered(ext2, data, mib(134))
  addRemains(ext2, mib(176))
  const id = Uint8Array.from([..."platter's sample"], (letter) => letter.charCodeAt(0))
  return ext2.pieces('platter-sample', id)
}

/** Many small text files with free blocks between them. */
function addLetters(ext2: Ext2Image, goal: number): void {
  const letters = ext2.addDirectory(ext2.root, 'letters')
  const prng = new Prng(21)
  let at = goal
  for (let i = 1; i <= 60; i++) {
    const size = 400 + prng.below(40_000)
    const name = `letter-${String(i).padStart(2, '0')}.txt`
    ext2.addFile(letters, name, contentOf(proseText(2100 + i, size)), { goal: at })
    at += Math.ceil(size / EXT2_BLOCK) + prng.below(16)
  }
}

/** Two logs that grew at the same time, so that their blocks alternate, and one that grew alone. */
function addLogs(ext2: Ext2Image, goal: number): void {
  const logs = ext2.addDirectory(ext2.root, 'log')
  const takeTurns = { goal, gapAfter: (i: number) => (i % 8 === 7 ? 8 : 0) }
  ext2.addFile(logs, 'system.log', contentOf(logText(22, 1.5 * MIB)), takeTurns)
  ext2.addFile(logs, 'disk.log', contentOf(logText(23, 1.5 * MIB)), {
    ...takeTurns,
    goal: goal + 8,
  })
  ext2.addFile(logs, 'old.log', contentOf(logText(24, 3 * MIB)), { goal: goal + 1200 })
}

/** Large runs that nothing compresses, less and less dense. */
function addPhotos(ext2: Ext2Image, goal: number): void {
  const photos = ext2.addDirectory(ext2.root, 'photos')
  let at = goal
  for (let i = 0; i < 12; i++) {
    const blocks = 900 - i * 55
    const content = contentOf(noiseBytes(2500 + i, blocks * EXT2_BLOCK - 1000))
    ext2.addFile(photos, `photo-${i + 1}.raw`, content, { goal: at })
    at += blocks + i * 90
  }
}

/** A file in ever shorter runs with ever longer gaps. */
function addScattered(ext2: Ext2Image, parent: number, goal: number): void {
  const prng = new Prng(33)
  const gapAfter = (i: number) => (prng.below(64) < i / 64 ? prng.below(4 + i / 96) : 0)
  ext2.addFile(parent, 'scattered.bin', contentOf(noiseBytes(34, 9 * MIB)), { goal, gapAfter })
}

/** What deleted files left in free blocks: text, noise, and a stretch that somebody wiped with zeroes. */
function addRemains(ext2: Ext2Image, goal: number): void {
  const prng = new Prng(35)
  let at = goal
  for (let i = 0; i < 24; i++) {
    const size = EXT2_BLOCK * (1 + prng.below(48))
    ext2.addRemains(at, i % 3 === 0 ? proseText(3600 + i, size) : noiseBytes(3600 + i, size))
    at += size / EXT2_BLOCK + prng.below(200)
  }
  ext2.addRemains(at + 512, new Uint8Array(6 * MIB))
}
