// Carries ranges from one plain file to the same place in another inside the kernel: what is read is only
// looked at for zeroes, and a file system that can shares the bytes. Linux only, and not between all file
// systems: what is not to be had is said once, and the caller carries the bytes.

import { constants } from 'node:fs'
import { PlatterError } from '../base/errors'
import type { ByteRange } from '../base/ranges'
import { closeFd, openFd, statFd } from './file-calls'
import type { FileDisk } from './file-disk'
import { errnoName, fileError, systemError } from './file-errors'
import { fileIdentityOf } from './file-identity'
import type { HoleWorker } from './hole-worker'
import { SharedCopies } from './shared-copies'

/** As the kernel says that these two files, or this file system, are not for it. */
const UNSUPPORTED = [
  'EXDEV',
  'EOPNOTSUPP',
  'ENOTSUP',
  'ENOSYS',
  'EINVAL',
  'EBADF',
  'ETXTBSY',
  'EPERM',
]

export class FileRangeCopy {
  readonly #copies: SharedCopies
  readonly #source: number
  readonly #target: number
  readonly #path: string
  readonly #writeOut: boolean
  #isUsable = true

  private constructor(
    worker: HoleWorker,
    source: number,
    target: number,
    path: string,
    writeOut: boolean,
  ) {
    this.#writeOut = writeOut
    this.#copies = new SharedCopies(worker)
    this.#source = source
    this.#target = target
    this.#path = path
  }

  /**
   * Descriptors of its own for both files; `undefined` where it cannot be tried. `writeOut`: a flush will
   * come at the end, so the device may begin at once with what is copied.
   */
  static async open(
    source: FileDisk,
    target: FileDisk,
    worker: HoleWorker,
    writeOut = false,
  ): Promise<FileRangeCopy | undefined> {
    const isPlain = source.kind === 'file' && target.kind === 'file'
    if (!worker.isAvailable || !isPlain) return undefined
    const from = await openSame(source, constants.O_RDONLY)
    try {
      const to = await openSame(target, constants.O_WRONLY)
      return new FileRangeCopy(worker, from, to, target.path, writeOut)
    } catch (error) {
      await closeFd(from)
      throw error
    }
  }

  /**
   * The zeroes that were left out (RangeCopy in engine/copy). `undefined`: nothing was done for certain, and
   * it is of no use to ask again.
   */
  async copy({ offset, length }: ByteRange, grain: number): Promise<ByteRange[] | undefined> {
    if (!this.#isUsable) return undefined
    const [fd, target, writeOut] = [this.#source, this.#target, this.#writeOut]
    const reply = await this.#copies.ask({ fd, target, offset, length, grain, writeOut })
    if (reply.kind === 'carried' && reply.done === length) return [...reply.zeroes]
    const error = reply.kind === 'failed' ? systemError(reply.errno, reply.call) : undefined
    if (error !== undefined && !UNSUPPORTED.includes(errnoName(error))) {
      throw fileError(error, this.#path, `cannot copy ${length} bytes at offset ${offset} into it`)
    }
    this.#isUsable = false
    return undefined
  }

  async close(): Promise<void> {
    await closeFd(this.#source)
    await closeFd(this.#target)
  }
}

/** The file that the disk has open, under its path once more; TARGET_CHANGED when that leads elsewhere. */
async function openSame(disk: FileDisk, flags: number): Promise<number> {
  const { path } = disk
  let fd: number
  try {
    fd = await openFd(path, flags | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw fileError(error, path, 'cannot open it once more')
  }
  const [known, now] = [await disk.identity(), fileIdentityOf(await statFd(fd))]
  if (known.dev === now.dev && known.ino === now.ino) return fd
  await closeFd(fd)
  throw new PlatterError('TARGET_CHANGED', `${path}: another file has taken its place`)
}
