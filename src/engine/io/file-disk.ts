// A file, or on Linux a block device, as a disk of its raw bytes.
//
// Reads and writes go through the thread pool at their own positions, so any number may be in flight on
// the one descriptor. Questions about holes, and punching them, block, and go through the hole worker.
// The size is what the file had when it was opened. A file that grows is not looked at beyond that. One
// that shrinks makes every later read, map or write that meets it fail with SIZE_CHANGED: bytes that
// are gone are never shown as zeroes, and a write never fills the gap with them.
//
// A failed flush stays failed: after an error the kernel forgets which pages it could not write, and
// the next fdatasync would succeed without them.
//
// Leaves out: direct I/O, growing.

import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { PlatterError, throwIfAborted } from '../base/errors'
import { isPowerOfTwo } from '../base/ranges'
import type { Operation } from '../disk/check-request'
import { checkRequest } from '../disk/check-request'
import type {
  BlockSize,
  CallOptions,
  Capabilities,
  Disk,
  ExtentOptions,
  WriteOptions,
  ZeroOptions,
} from '../disk/disk'
import { ANY_BLOCK_SIZE, NO_CAPABILITIES } from '../disk/disk'
import { ExtentList } from '../disk/extents'
import { OpenCalls } from '../disk/open-calls'
import type { PlacedReads } from '../disk/placement'
import { CachedFile } from './cached-file'
import { examineFile } from './examine-file'
import { closeFd, openFd, statPath } from './file-calls'
import { errnoName, fileError, fileReason } from './file-errors'
import type { OpenFile } from './file-handle'
import { FileHandle } from './file-handle'
import { FileHoles } from './file-holes'
import type { FileIdentity } from './file-identity'
import { fileIdentityOf } from './file-identity'
import { readFully, writeFully } from './file-io'
import type { FileKind } from './file-kind'
import { fileKindOf, isReadOnlyDevice } from './file-kind'
import type { LockMode } from './file-lock'
import { lockFile } from './file-lock'
import { HoleWorker } from './hole-worker'
import type { OpenHandles } from './open-handles'

/** What the files of one program share; each part may be left out. */
export interface FileServices {
  /** Answers for all files; without it each disk has a worker of its own, which ends with the disk. */
  readonly holes?: HoleWorker | undefined
  readonly handles?: OpenHandles | undefined
  /** No window hangs on this thread: short calls may be made on it, even if the system lets them wait. */
  readonly mayWait?: boolean | undefined
  /** Files that are written are flushed at the end: the device may begin before. */
  readonly writesOut?: boolean | undefined
}

export interface OpenFileOptions extends FileServices {
  /** Opened for reading alone unless this is set. */
  readonly writable?: boolean
  /** Against other programs, while it is open; `none` unless told. */
  readonly lock?: LockMode | undefined
  /** What a flush makes stable is the time of the last change as well: fsync instead of fdatasync. */
  readonly syncsTimes?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

// Against a FIFO that takes the name between the look and the opening; Windows has neither flag.
const OPEN_GUARDS = (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

const READ_ONLY_DEVICE = 'the block device is read-only'

/**
 * The raw bytes of the file at `path`. Refused: a missing file (NOT_FOUND), one that may not be read, or
 * written with `writable` (NO_PERMISSION, READ_ONLY, IN_USE), what is neither a file nor a block device
 * (NOT_A_DISK), an empty file (BAD_SIZE), with `exclusive-write` one that others use (IN_USE). Nothing is opened before it is known to be a file or a block
 * device: opening a FIFO would wait for its other end, and opening some devices does something.
 */
export async function openFileDisk(path: string, options: OpenFileOptions = {}): Promise<FileDisk> {
  const { signal, writable = false } = options
  throwIfAborted(signal, `open ${path}`)
  try {
    const stats = await statPath(path)
    const kind = fileKindOf(path, stats)
    if (writable && (await isReadOnlyDevice(stats))) {
      throw new PlatterError('READ_ONLY', `${path}: cannot open for writing: ${READ_ONLY_DEVICE}`)
    }
    // On a block device O_EXCL refuses one that is mounted or claimed by something else.
    const exclusive = writable && kind === 'block device' ? constants.O_EXCL : 0
    const access = writable ? constants.O_RDWR : constants.O_RDONLY
    const fd = await openFd(path, access | exclusive | OPEN_GUARDS)
    return await adoptFile(fd, path, options)
  } catch (error) {
    throw fileError(error, path, writable ? 'cannot open for writing' : 'cannot open')
  }
}

export interface AdoptOptions extends OpenFileOptions {
  readonly mayBeEmpty?: boolean
  /** No path leads to it, so nobody else can change its size. */
  readonly isUnlinked?: boolean
}

/** Takes over `fd`: the disk closes it, and so does this function when it fails. */
export async function adoptFile(
  fd: number,
  path: string,
  options: AdoptOptions,
): Promise<FileDisk> {
  const { handles, signal, writable = false } = options
  const forget = handles?.add(path)
  const worker = options.holes ?? new HoleWorker({ handles, mayWait: options.mayWait })
  const onClose = async () => {
    forget?.()
    if (options.holes === undefined) await worker.close()
  }
  try {
    const holes = new FileHoles(worker, fd, path)
    const cached = await CachedFile.of(fd, options.mayWait)
    const lockNote = await lockFile(fd, path, options.lock ?? 'none')
    const file = { ...(await examineFile(fd, path, writable, holes)), cached, lockNote }
    if (file.size === 0 && options.mayBeEmpty !== true) {
      throw new PlatterError(
        'BAD_SIZE',
        `${path}: the ${file.kind} is empty: there is nothing to show`,
      )
    }
    throwIfAborted(signal, `open ${path}`)
    const watchesSize = file.kind === 'file' && options.isUnlinked !== true
    const { writesOut, syncsTimes } = options
    const handle = new FileHandle({ ...file, watchesSize, writesOut, syncsTimes, onClose })
    return new FileDisk(handle)
  } catch (error) {
    await closeFd(fd)
    await onClose()
    throw error
  }
}

export class FileDisk implements Disk {
  readonly path: string
  readonly kind: FileKind
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  readonly placed: PlacedReads
  readonly #handle: FileHandle
  readonly #file: OpenFile
  readonly #calls: OpenCalls

  /** For adoptFile, which knows what was opened. */
  constructor(handle: FileHandle) {
    const { file } = handle
    this.#handle = handle
    this.#file = file
    this.#calls = new OpenCalls(file.path)
    this.path = file.path
    this.kind = file.kind
    this.size = file.size
    this.blockSize = { ...ANY_BLOCK_SIZE, preferred: preferredSize(file.ioSize) }
    const { canAllocate, way } = file.abilities
    this.placed = {
      place: (offset, length) =>
        this.#calls.isClosed ? undefined : { length, file: file.cached, offset },
    }
    this.capabilities = {
      ...NO_CAPABILITIES,
      write: file.writable,
      zero: file.writable,
      trim: file.writable && canAllocate,
      fastZero: file.writable && canAllocate,
      fua: file.writable,
      flush: true,
      extents: way !== undefined,
      cache: canAllocate,
      multiConn: true,
    }
  }

  /** A sentence when the last sector is cut short: its bytes are shown and counted as they are. */
  get sizeNote(): string | undefined {
    const rest = this.size % 512
    if (rest === 0) return undefined
    return `${this.path}: its size of ${this.size} bytes is not a multiple of 512: the last sector has only ${rest} bytes`
  }

  /** Why all of it is one data extent; `undefined` when its holes are told. */
  get extentsNote(): string | undefined {
    const { note } = this.#file.abilities
    return note === undefined ? undefined : `${this.path}: ${note}: all of it counts as data`
  }

  /** Who writes to it beside us, or that nobody can be kept out; as it was when it was opened. */
  get lockNote(): string | undefined {
    return this.#file.lockNote
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    const { length } = target
    return this.#call('read', offset, length, options, async () => {
      if (this.#file.cached.readNow(target, offset)) return
      const count = await readFully(this.#file.fd, target, offset, options.signal)
      if (count < length) throw await this.#handle.shortReadError(offset + count)
    })
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('write', offset, source.length, options, async () => {
      if (!this.#file.cached.writeNow(source, offset)) {
        await writeFully(this.#file.fd, source, offset, options.signal)
      }
      this.#handle.noteWritten(source.length)
    })
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    return this.#change('zero', offset, length, options, () =>
      this.#handle.zero(offset, length, options),
    )
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.#change('trim', offset, length, options, () =>
      this.#handle.trim(offset, length, this.blockSize.preferred, options.signal),
    )
  }

  flush(options: CallOptions = {}): Promise<void> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, 'flush')
      if (this.#file.writable) await this.#handle.sync()
    })
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    return this.#call('cache', offset, length, options, async () => {
      if (this.capabilities.cache) await this.#file.holes.willNeed(offset, length)
    })
  }

  async extents(offset: number, length: number, options: ExtentOptions = {}): Promise<ExtentList> {
    let list = new ExtentList(offset)
    await this.#call('extents', offset, length, options, async () => {
      const { holes, abilities } = this.#file
      const { way } = abilities
      if (way === undefined) list = ExtentList.of(offset, length, 0)
      else {
        const range = { offset, length, size: this.size, way }
        list = await holes.walk(range, options.first === true, options.signal)
      }
    })
    return list
  }

  async close(): Promise<void> {
    if (await this.#calls.close()) await this.#handle.close()
  }

  /** What the open file is now, wherever its name leads by now. */
  identity(): Promise<FileIdentity> {
    return this.#calls.run(async () => fileIdentityOf(await this.#handle.stat()))
  }

  /** What the path leads to now; `undefined` when it leads nowhere. */
  async identityNow(): Promise<FileIdentity | undefined> {
    try {
      return fileIdentityOf(await statPath(this.path))
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return undefined
      throw fileError(error, this.path, 'cannot look at it again')
    }
  }

  /** Why opening the path for writing would be refused; `undefined` when nothing speaks against it. */
  async whyNotWritable(): Promise<string | undefined> {
    try {
      await access(this.path, constants.W_OK)
      return (await isReadOnlyDevice(await statPath(this.path))) ? READ_ONLY_DEVICE : undefined
    } catch (error) {
      return fileReason(error)
    }
  }

  /** Bytes that it takes on its file system; `undefined` where that is not known. */
  allocatedBytes(): Promise<number | undefined> {
    return this.#calls.run(async () => {
      if (this.kind !== 'file' || process.platform === 'win32') return undefined
      // POSIX leaves the unit open; every other system that Node runs on counts 512 bytes.
      return Number((await this.#handle.stat()).blocks) * 512
    })
  }

  #change(
    operation: Operation,
    offset: number,
    length: number,
    options: WriteOptions,
    act: () => Promise<void>,
  ): Promise<void> {
    return this.#call(operation, offset, length, options, async () => {
      await this.#handle.refuseShrunk()
      await act()
      if (options.fua === true) await this.#handle.sync()
    })
  }

  #call(
    operation: Operation,
    offset: number,
    length: number,
    options: CallOptions,
    act: () => Promise<void>,
  ): Promise<void> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, operation)
      checkRequest(this, operation, offset, length)
      if (length === 0) return
      try {
        await act()
      } catch (error) {
        throw fileError(error, this.path, `cannot ${operation} ${length} bytes at offset ${offset}`)
      }
    })
  }
}

function preferredSize(ioSize: number): number {
  const usable = isPowerOfTwo(ioSize) && ioSize >= 4096 && ioSize <= 1024 * 1024
  return usable ? ioSize : ANY_BLOCK_SIZE.preferred
}
