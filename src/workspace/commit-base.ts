// What a commit writes to: a file that nobody else may write meanwhile, or whatever a session has open.

import type { Disk } from '../engine/disk/disk'
import type { FileDiskInSpace, FileSpace } from '../engine/disk/file-space'
import type { BaseIdentity } from '../engine/formats/add-cow/add-cow-header'
import { identifyBase } from './base-identity'

export interface CommitBase {
  /** Its absolute path or its URI: what an undo file calls it. */
  readonly locator: string
  /** It is a path. */
  readonly isFile: boolean
  /** As long as the base is now. */
  readonly disk: Disk
  /** As it is now. */
  identify(): Promise<BaseIdentity>
  /** Grows it with zeroes or cuts it, stably; `disk` is another one afterwards. Absent: it cannot. */
  readonly resize?: (size: number) => Promise<void>
}

// The overlay notes when the base was last changed: a crash must not bring an older time back, or the base
// would seem to be another one.
const OPENING = { writable: true, syncsTimes: true, writesOut: true }

export class FileBase implements CommitBase {
  readonly locator: string
  readonly isFile = true
  readonly #space: FileSpace
  /** Holds the lock for as long as all of this is open. */
  readonly #first: FileDiskInSpace
  #disk: FileDiskInSpace

  private constructor(space: FileSpace, first: FileDiskInSpace) {
    this.#space = space
    this.#first = first
    this.#disk = first
    this.locator = first.path
  }

  /** IN_USE when somebody else writes it. */
  static async open(space: FileSpace, path: string): Promise<FileBase> {
    const disk = await space.open(path, { ...OPENING, exclusive: true })
    return new FileBase(space, disk)
  }

  get disk(): Disk {
    return this.#disk
  }

  identify(): Promise<BaseIdentity> {
    return identifyBase(this.#space, this.locator, this.#disk)
  }

  async resize(size: number): Promise<void> {
    await this.#space.resize(this.locator, size)
    const next = await this.#space.open(this.locator, OPENING)
    if (this.#disk !== this.#first) await this.#disk.close()
    this.#disk = next
    await next.flush()
  }

  async close(): Promise<void> {
    if (this.#disk !== this.#first) await this.#disk.close()
    await this.#first.close()
  }
}
