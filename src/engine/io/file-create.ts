// New files that are disks: sparse, so that they take no space until they are written.

import { constants } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { assert } from '../base/assert'
import { PlatterError } from '../base/errors'
import { closeFd, openFd, statFd, truncateFd } from './file-calls'
import type { FileDisk, FileServices } from './file-disk'
import { adoptFile } from './file-disk'
import { fileError } from './file-errors'

export interface CreateFileOptions extends FileServices {
  /** False: a file that is there already loses its content. Otherwise it is refused (ALREADY_EXISTS). */
  readonly exclusive?: boolean
  /** Permission bits before the umask; 0o666 unless told. */
  readonly mode?: number
  /** Nobody else knows of it: its size needs no look before every change. */
  readonly isPrivate?: boolean
}

/** A new writable file of `size` bytes, all of it a hole. */
export async function createFileDisk(
  path: string,
  size: number,
  options: CreateFileOptions = {},
): Promise<FileDisk> {
  const fd = await createFile(path, size, options)
  const isUnlinked = options.isPrivate === true
  return adoptFile(fd, path, { ...options, writable: true, mayBeEmpty: true, isUnlinked })
}

/** The descriptor of a new file; nothing is left when it cannot be made. */
export async function createFile(
  path: string,
  size: number,
  options: Pick<CreateFileOptions, 'exclusive' | 'mode'>,
): Promise<number> {
  assert(Number.isSafeInteger(size) && size >= 0, `file of ${size} bytes`)
  const { exclusive = true, mode = 0o666 } = options
  const doing = `cannot create a file of ${size} bytes`
  let fd: number
  try {
    // O_NONBLOCK: should a FIFO have that name, nobody waits for its other end.
    const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)
    fd = await openFd(path, exclusive ? flags | constants.O_EXCL : flags, mode)
  } catch (error) {
    throw fileError(error, path, doing)
  }
  try {
    const stats = await statFd(fd)
    if (!stats.isFile()) throw new PlatterError('NOT_A_DISK', `${path}: it is not a regular file`)
    // ext4 writes a file that was cut to nothing out when it is closed, and the close waits for that.
    if (!exclusive) await truncateFd(fd, 0)
    await truncateFd(fd, size)
    return fd
  } catch (error) {
    await closeFd(fd)
    // What was there before is not ours to delete.
    if (exclusive) await unlink(path)
    throw fileError(error, path, doing)
  }
}
