import { tmpdir } from 'node:os'
import { alignUp } from '../engine/base/ranges'
import type { FileDisk, FileServices } from '../engine/io/file-disk'
import { createTempDisk } from '../engine/io/temp-disk'

/**
 * Where a temporary overlay keeps what is staged: a sparse file without a name. Not in /tmp, which
 * many systems keep in memory, where a guest's gigabytes would push everything else out; TMPDIR, where
 * it is set, is a person's own choice and is followed.
 */
export function createStagingStore(
  size: number,
  blockSize: number,
  files: FileServices = {},
): Promise<FileDisk> {
  const fallback = process.platform === 'linux' ? '/var/tmp' : tmpdir()
  return createTempDisk(alignUp(size, blockSize), process.env['TMPDIR'] || fallback, files)
}
