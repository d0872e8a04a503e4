import { randomBytes } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileDisk } from './file-create'
import type { FileDisk, FileServices } from './file-disk'
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
  const disk = await createFileDisk(path, size, { ...services, mode: 0o600 })
  try {
    await unlink(path)
  } catch (error) {
    await disk.close()
    throw fileError(error, path, 'cannot unlink the temporary file')
  }
  return disk
}
