// What an open descriptor leads to: a file or a block device, how large it is, and what it can do.

import { safeNumber } from '../base/bytes'
import { PlatterError } from '../base/errors'
import { statFd } from './file-calls'
import type { OpenFile } from './file-handle'
import type { FileHoles, HoleAbilities } from './file-holes'
import { fileKindOf } from './file-kind'
import { hasHoleCalls } from './hole-libc'

const DEVICE_ABILITIES: HoleAbilities = {
  canAllocate: true,
  note: 'a block device does not tell holes',
}

/** Size, kind and abilities of the file behind a descriptor. */
export async function examineFile(
  fd: number,
  path: string,
  writable: boolean,
  holes: FileHoles,
): Promise<Omit<OpenFile, 'watchesSize' | 'onClose' | 'cached' | 'lockNote'>> {
  const stats = await statFd(fd)
  const kind = fileKindOf(path, stats)
  if (kind === 'block device' && !hasHoleCalls()) {
    throw new PlatterError(
      'NOT_SUPPORTED',
      `${path}: the size of a block device cannot be asked for on ${process.platform} ${process.arch}`,
    )
  }
  const isFile = kind === 'file'
  const size = isFile ? safeNumber(stats.size, `the size of ${path}`) : await holes.seekSize()
  const abilities = isFile ? await holes.probe() : DEVICE_ABILITIES
  const ioSize = Number(stats.blksize)
  return { fd, path, kind, size, writable, holes, abilities, ioSize }
}
