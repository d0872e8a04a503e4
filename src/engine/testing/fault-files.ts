// A FileSpace over another one of which one call fails: the n-th of all that are made, on files and names.

import { type ErrorCode, PlatterError } from '../base/errors'
import type { FileDiskInSpace, FileFacts, FileSpace } from '../disk/file-space'
import { type DiskRequest, WrapDisk } from '../layers/wrap-disk'

export interface FileFault {
  /** Counted from 1. */
  readonly nth: number
  readonly code: ErrorCode
  /** What happens before the failure: nothing, half of a write, or all of it. */
  readonly effect: 'none' | 'half' | 'all'
}

export class FaultFiles implements FileSpace {
  readonly #space: FileSpace
  #fault: FileFault | undefined
  #calls = 0
  /** The call that was made to fail; `undefined` as long as none was. */
  struck: string | undefined

  constructor(space: FileSpace) {
    this.#space = space
  }

  /** Counting starts anew; without a fault everything passes. */
  plan(fault: FileFault | undefined): void {
    this.#fault = fault
    this.#calls = 0
    this.struck = undefined
  }

  async create(path: string, size: number): Promise<FileDiskInSpace> {
    return new FaultFileDisk(
      this,
      await this.call(`create ${path}`, () => this.#space.create(path, size), false),
    )
  }

  async open(path: string, options: { readonly writable: boolean }): Promise<FileDiskInSpace> {
    const open = () => this.#space.open(path, options)
    return new FaultFileDisk(this, await this.call(`open ${path}`, open, false))
  }

  resize(path: string, size: number): Promise<void> {
    return this.call(`resize ${path}`, () => this.#space.resize(path, size))
  }

  rename(from: string, to: string): Promise<void> {
    return this.call(`rename ${from}`, () => this.#space.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.call(`remove ${path}`, () => this.#space.remove(path))
  }

  syncNames(path: string): Promise<void> {
    return this.call(`syncNames ${path}`, () => this.#space.syncNames(path))
  }

  facts(path: string): Promise<FileFacts | undefined> {
    return this.call(`facts ${path}`, () => this.#space.facts(path))
  }

  /** `mayTakeEffect` is false where a caller could not undo what a failed call did. */
  async call<T>(
    what: string,
    pass: () => Promise<T>,
    mayTakeEffect = true,
    half?: () => Promise<void>,
  ): Promise<T> {
    this.#calls++
    const fault = this.#fault
    if (fault === undefined || this.#calls !== fault.nth) return pass()
    this.struck = what
    if (fault.effect === 'all' && mayTakeEffect) await pass()
    if (fault.effect === 'half') await half?.()
    throw new PlatterError(fault.code, `${what}: call ${fault.nth} made to fail`)
  }
}

class FaultFileDisk extends WrapDisk implements FileDiskInSpace {
  readonly path: string
  readonly #files: FaultFiles

  constructor(files: FaultFiles, disk: FileDiskInSpace) {
    super(disk, disk.path)
    this.#files = files
    this.path = disk.path
  }

  override async close(): Promise<void> {
    await super.close()
    await this.disk.close()
  }

  protected around<T>(
    request: DiskRequest,
    pass: () => Promise<T>,
    bytes?: Uint8Array,
  ): Promise<T> {
    const { operation, offset, length } = request
    const half = async () => {
      if (operation !== 'write' || bytes === undefined) return
      await this.disk.write(bytes.subarray(0, bytes.length / 2), offset)
    }
    return this.#files.call(`${operation} ${this.path} ${offset}+${length}`, pass, true, half)
  }
}
