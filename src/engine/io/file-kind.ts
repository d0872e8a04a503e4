// What a path leads to: disks are made of regular files and of block devices, and of nothing else.

import type { BigIntStats } from 'node:fs'
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
