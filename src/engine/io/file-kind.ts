// What a path leads to: disks are made of regular files and of block devices, and of nothing else.

import type { BigIntStats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { PlatterError } from '../base/errors'

export type FileKind = 'file' | 'block device'

/** NOT_A_DISK when it is something else. */
export function fileKindOf(path: string, stats: BigIntStats): FileKind {
  if (stats.isFile()) return 'file'
  if (stats.isBlockDevice()) return 'block device'
  throw new PlatterError(
    'NOT_A_DISK',
    `${path}: it is ${otherKind(stats)}, not a file or a block device`,
  )
}

function otherKind(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  if (stats.isCharacterDevice()) return 'a character device'
  return 'of an unknown kind'
}

/**
 * Whether a block device refuses writes: Linux opens one for writing all the same and only then fails
 * the writes. False where it does not tell.
 */
export async function isReadOnlyDevice(stats: BigIntStats): Promise<boolean> {
  if (!stats.isBlockDevice() || process.platform !== 'linux') return false
  const major = ((stats.rdev >> 8n) & 0xfffn) | ((stats.rdev >> 32n) & 0xfffff000n)
  const minor = (stats.rdev & 0xffn) | ((stats.rdev >> 12n) & 0xffffff00n)
  const flag = await readFile(`/sys/dev/block/${major}:${minor}/ro`, 'utf8').catch(() => '0')
  return flag.trim() === '1'
}
