// One open descriptor and what is known of it: the part of a file disk that is not about being a disk.
// It watches the size, makes the file stable, and zeroes ranges in the quickest way that works.

import type { BigIntStats } from 'node:fs'
import { PlatterError } from '../base/errors'
import { alignDown, alignUp } from '../base/ranges'
import type { ZeroOptions } from '../disk/disk'
import type { CachedFile } from './cached-file'
import { closeFd, statFd, syncFd, syncFdData } from './file-calls'
import { fileError } from './file-errors'
import type { AllocateMode, FileHoles, HoleAbilities } from './file-holes'
import { shrunkError } from './file-holes'
import { writeZeroes } from './file-io'
import type { FileKind } from './file-kind'

/** Block devices refuse to zero parts of a sector; no sector is larger. */
const DEVICE_SECTOR = 4096

/** Enough for a device to work on, little enough that it begins soon. */
const WRITE_OUT_EVERY = 32 * 1024 * 1024

/** What is known of an open file. */
export interface OpenFile {
  readonly fd: number
  readonly path: string
  readonly kind: FileKind
  /** Bytes when it was opened. */
  readonly size: number
  readonly writable: boolean
  readonly holes: FileHoles
  readonly abilities: HoleAbilities
  /** False: nobody else can reach the file, so its size needs no look before every change. */
  readonly watchesSize: boolean
  /** What the file system prefers to read and write, bytes. */
  readonly ioSize: number
  /** What the page cache holds of it. */
  readonly cached: CachedFile
  /** Syncs make the time of the last change stable as well. */
  readonly syncsTimes?: boolean | undefined
  /** What locking it said; see lockFile. */
  readonly lockNote?: string | undefined
  /** A flush follows all writes: the device may begin while more of them come. */
  readonly writesOut?: boolean | undefined
  /** Called once, after the descriptor was closed. */
  readonly onClose: () => Promise<void>
}

export class FileHandle {
  readonly file: OpenFile
  #flushFailure: PlatterError | undefined
  #sizeCheck: Promise<void> | undefined
  #notWrittenOut = 0
  #writingOut: Promise<void> | undefined

  constructor(file: OpenFile) {
    this.file = file
  }

  /** So many bytes were written. */
  noteWritten(length: number): void {
    if (this.file.writesOut !== true) return
    this.#notWrittenOut += length
    if (this.#notWrittenOut < WRITE_OUT_EVERY || this.#writingOut !== undefined) return
    this.#notWrittenOut = 0
    const forget = () => {
      this.#writingOut = undefined
    }
    // Whether the advice was taken does not matter: the flush tells what could not be written.
    this.#writingOut = this.file.holes.startWriting().then(forget, forget)
  }

  stat(): Promise<BigIntStats> {
    return statFd(this.file.fd).catch((error: unknown) => {
      throw fileError(error, this.file.path, 'cannot ask for its size')
    })
  }

  /** A look at the size before a change; requests that come while one is under way share it. */
  refuseShrunk(): Promise<void> {
    if (!this.file.watchesSize) return Promise.resolve()
    const { path, size, cached } = this.file
    const sizeNow = cached.sizeNow()
    if (sizeNow !== undefined) {
      return sizeNow < size ? Promise.reject(shrunkError(path, size, sizeNow)) : Promise.resolve()
    }
    this.#sizeCheck ??= this.#compareSize().finally(() => {
      this.#sizeCheck = undefined
    })
    return this.#sizeCheck
  }

  /** Why nothing could be read at `offset`, which is below the size. */
  async shortReadError(offset: number): Promise<PlatterError> {
    await this.refuseShrunk()
    return new PlatterError(
      'IO_ERROR',
      `${this.file.path}: nothing could be read at offset ${offset}, though the size of ${this.file.size} bytes has not changed`,
    )
  }

  /** What was written is stable; once this has failed it fails for ever. */
  async sync(): Promise<void> {
    if (this.#flushFailure !== undefined) throw this.#flushFailure
    try {
      await (this.file.syncsTimes === true ? syncFd : syncFdData)(this.file.fd)
    } catch (error) {
      this.#flushFailure = fileError(error, this.file.path, 'cannot flush what was written')
      throw this.#flushFailure
    }
  }

  async zero(offset: number, length: number, options: ZeroOptions): Promise<void> {
    const { fd, path, kind, holes } = this.file
    const end = offset + length
    const unit = kind === 'file' ? 1 : DEVICE_SECTOR
    const from = Math.min(alignUp(offset, unit), end)
    const to = Math.max(alignDown(end, unit), from)
    const modes: AllocateMode[] = options.mayTrim ? ['punch', 'zero'] : ['zero']
    for (const mode of modes) {
      if (to === from || !(await holes.allocate(mode, from, to - from, options.signal))) continue
      await writeZeroes(fd, offset, from - offset, options.signal)
      await writeZeroes(fd, to, end - to, options.signal)
      return
    }
    if (options.fast === true) {
      throw new PlatterError(
        'NOT_SUPPORTED',
        `${path}: zeroing ${length} bytes at offset ${offset} here is as slow as writing them`,
      )
    }
    await writeZeroes(fd, offset, length, options.signal)
  }

  /** Gives back the whole blocks of `unit` bytes inside the range, where that works. */
  async trim(offset: number, length: number, unit: number, signal?: AbortSignal): Promise<void> {
    // To zero the parts of blocks at the ends would be work for nothing.
    const { size, holes } = this.file
    const end = offset + length
    const from = alignUp(offset, unit)
    const to = end === size ? size : alignDown(end, unit)
    if (to > from) await holes.allocate('punch', from, to - from, signal)
  }

  async close(): Promise<void> {
    await this.#writingOut
    try {
      await closeFd(this.file.fd)
    } catch (error) {
      throw fileError(error, this.file.path, 'cannot close')
    } finally {
      await this.file.onClose()
    }
  }

  async #compareSize(): Promise<void> {
    const { path, size } = this.file
    const sizeNow = Number((await this.stat()).size)
    if (sizeNow < size) throw shrunkError(path, size, sizeNow)
  }
}
