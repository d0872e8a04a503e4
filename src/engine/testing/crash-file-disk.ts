import { PlatterError, throwIfAborted } from '../base/errors'
import { alignDown, alignUp, splitByUnit } from '../base/ranges'
import { checkRequest, type Operation } from '../disk/check-request'
import type { BlockSize, CallOptions, Capabilities, WriteOptions, ZeroOptions } from '../disk/disk'
import { ANY_BLOCK_SIZE, NO_CAPABILITIES } from '../disk/disk'
import { EXTENT_HOLE, EXTENT_ZERO, ExtentList } from '../disk/extents'
import type { FileDiskInSpace, OpenInSpace } from '../disk/file-space'
import { OpenCalls } from '../disk/open-calls'
import { CRASH_PAGE } from './crash-bytes'
import type { CrashFile, CrashFiles } from './crash-files'
import type { CrashChange } from './crash-log'

/** An open file of a CrashFiles. It behaves like engine/io's file disk, trims of parts of pages included. */
export class CrashFileDisk implements FileDiskInSpace {
  readonly path: string
  readonly size: number
  readonly blockSize: BlockSize = { ...ANY_BLOCK_SIZE, preferred: CRASH_PAGE }
  readonly capabilities: Capabilities
  readonly #space: CrashFiles
  readonly #file: CrashFile
  readonly #calls: OpenCalls

  readonly #options: OpenInSpace
  readonly #unlock: () => void

  constructor(
    space: CrashFiles,
    path: string,
    file: CrashFile,
    options: OpenInSpace,
    unlock: () => void = () => undefined,
  ) {
    const { writable } = options
    this.#options = options
    this.#unlock = unlock
    this.#space = space
    this.#file = file
    this.#calls = new OpenCalls(path)
    this.path = path
    this.size = file.bytes.size
    this.capabilities = {
      ...NO_CAPABILITIES,
      write: writable,
      zero: writable,
      trim: writable,
      fastZero: writable,
      fua: writable,
      flush: true,
      extents: true,
      cache: true,
      multiConn: true,
    }
    space.openDisks++
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#call('read', offset, target.length, options, async () => {
      await Promise.resolve()
      this.#refuseShrunk(offset + target.length)
      this.#file.bytes.read(target, offset)
    })
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    return this.#call('write', offset, source.length, options, () => {
      // The caller may reuse the buffer once the call has settled; the log is read later.
      const bytes = source.slice()
      const { number } = this.#file
      return this.#change({ kind: 'write', file: number, offset, bytes }, options)
    })
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    return this.#call('zero', offset, length, options, () =>
      this.#change({ kind: 'zero', file: this.#file.number, offset, length }, options),
    )
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    return this.#call('trim', offset, length, options, async () => {
      const end = offset + length
      const from = alignUp(offset, CRASH_PAGE)
      const to = end === this.size ? end : alignDown(end, CRASH_PAGE)
      if (to <= from) return
      const { number } = this.#file
      await this.#change({ kind: 'zero', file: number, offset: from, length: to - from }, options)
    })
  }

  flush(options: CallOptions = {}): Promise<void> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, 'flush')
      if (!this.capabilities.write || this.#space.deafTo === this.path) return
      const { number, modifiedNs } = this.#file
      const times = this.#options.syncsTimes === true ? { modifiedNs } : {}
      await this.#space.perform({ kind: 'flush', file: number, ...times }, () => undefined)
    })
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    return this.#call('cache', offset, length, options, async () => undefined)
  }

  async extents(offset: number, length: number, options: CallOptions = {}): Promise<ExtentList> {
    const list = new ExtentList(offset)
    await this.#call('extents', offset, length, options, async () => {
      for (const part of splitByUnit({ offset, length }, CRASH_PAGE)) {
        const hole = this.#file.bytes.isHole(part.offset)
        list.append(part.length, hole ? EXTENT_HOLE | EXTENT_ZERO : 0)
      }
    })
    return list
  }

  async close(): Promise<void> {
    if (!(await this.#calls.close())) return
    this.#space.openDisks--
    this.#unlock()
  }

  #change(operation: CrashChange & { kind: 'write' | 'zero' }, options: WriteOptions) {
    this.#refuseShrunk(this.size)
    return this.#space.perform(
      operation,
      () => {
        const { bytes } = this.#file
        if (operation.kind === 'write') bytes.write(operation.bytes, operation.offset)
        else bytes.zero(operation.offset, operation.length)
        this.#file.modifiedNs++
      },
      options.fua === true,
    )
  }

  #refuseShrunk(end: number): void {
    const { size } = this.#file.bytes
    if (size >= end) return
    throw new PlatterError(
      'SIZE_CHANGED',
      `${this.path}: it has ${size} bytes now, and had ${this.size} when it was opened`,
    )
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
      if (length > 0) await act()
    })
  }
}
