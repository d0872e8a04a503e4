import { randomBytes } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeFd } from './file-calls'
import { createFile } from './file-create'
import type { FileDisk, FileServices } from './file-disk'
import { adoptFile } from './file-disk'
import { fileError } from './file-errors'

/**
 * A sparse file that no name leads to any more, so that its space is free again when the disk is closed
 * or the process ends, however it ends. Only this user can read it. In `dir`, or else where the system
 * keeps temporary files ($TMPDIR).
 */
export async function createTempDisk(
  size: number,
  dir: string = tmpdir(),
  services: FileServices = {},
): Promise<FileDisk> {
  const path = join(dir, `platter-${randomBytes(12).toString('hex')}`)
  const fd = await createFile(path, size, { mode: 0o600 })
  try {
    await unlink(path)
  } catch (error) {
    await closeFd(fd)
    throw fileError(error, path, 'cannot unlink the temporary file')
  }
  const options = { ...services, writable: true, mayBeEmpty: true, isUnlinked: true }
  return adoptFile(fd, path, options)
}
