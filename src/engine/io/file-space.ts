// The real files that lasting overlays are made of: FileSpace over Node.

import { constants } from 'node:fs'
import { rename, truncate, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FileFacts, FileSpace, OpenInSpace } from '../disk/file-space'
import { closeFd, openFd, statPath, syncFd } from './file-calls'
import { createFileDisk } from './file-create'
import { type FileDisk, type FileServices, openFileDisk } from './file-disk'
import { errnoName, fileError } from './file-errors'

export class NodeFileSpace implements FileSpace {
  readonly #services: FileServices

  constructor(services: FileServices = {}) {
    this.#services = services
  }

  create(path: string, size: number): Promise<FileDisk> {
    return createFileDisk(path, size, this.#services)
  }

  open(path: string, { exclusive, ...options }: OpenInSpace): Promise<FileDisk> {
    const lock = exclusive === true ? 'exclusive-write' : 'none'
    return openFileDisk(path, { ...this.#services, ...options, lock })
  }

  async resize(path: string, size: number): Promise<void> {
    await attempt(path, `cannot resize to ${size} bytes`, () => truncate(path, size))
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt(from, `cannot be renamed to ${to}`, () => rename(from, to))
  }

  async remove(path: string): Promise<void> {
    await attempt(path, 'cannot be removed', () => unlink(path))
  }

  async syncNames(path: string): Promise<void> {
    // Windows has no way to sync a directory, and syncs names with the files.
    if (process.platform === 'win32') return
    const directory = dirname(path)
    await attempt(directory, 'cannot make the names in it stable', async () => {
      const fd = await openFd(directory, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0))
      try {
        await syncFd(fd)
      } finally {
        await closeFd(fd)
      }
    })
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    try {
      const { size, mtimeNs, ino, dev } = await statPath(path)
      return { size: Number(size), modifiedNs: mtimeNs, inode: ino, device: dev }
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return undefined
      throw fileError(error, path, 'cannot look at it')
    }
  }
}

async function attempt(path: string, doing: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    throw fileError(error, path, doing)
  }
}
