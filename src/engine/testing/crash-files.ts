// A FileSpace in memory that records everything that is done to it, in order, so that crashStates() can
// tell what a crash could have left at each moment.
//
// It promises no more than file-space.ts does: a write is stable after a flush of its file that began
// after the write was done (or by FUA, itself alone), a name after syncNames of its directory, a size
// after a flush of the file. A new file begins with a size of zero. Calls take a few turns, so that some
// overlap; how many comes from the seed. Directories are not kept: every path has one.

import { assert, ensure } from '../base/assert'
import { PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import type { FileDiskInSpace, FileFacts, FileSpace, OpenInSpace } from '../disk/file-space'
import { CrashBytes } from './crash-bytes'
import { CrashFileDisk } from './crash-file-disk'
import { CrashLog, type CrashOperation, directoryOf, type FileNumber } from './crash-log'

export interface CrashFile {
  readonly number: FileNumber
  readonly bytes: CrashBytes
  modifiedNs: bigint
}

/** Files by name, and all of them by number, those without a name included. */
export interface CrashContents {
  readonly names: ReadonlyMap<string, FileNumber>
  readonly files: ReadonlyMap<
    FileNumber,
    { readonly bytes: CrashBytes; readonly modifiedNs: bigint }
  >
}

const DEVICE = 1n

export class CrashFiles implements FileSpace {
  readonly log = new CrashLog()
  /** Tests of tests: a flush of this file says that it is done, and does nothing. */
  deafTo: string | undefined
  /** Disks that are not closed yet. */
  openDisks = 0
  readonly #names: Map<string, FileNumber>
  readonly #files = new Map<FileNumber, CrashFile>()
  readonly #initial: CrashContents
  readonly #locked = new Set<FileNumber>()
  readonly #prng: Prng

  /** Begins with `contents`, all of it stable. */
  constructor(contents: CrashContents = { names: new Map(), files: new Map() }, seed = 1) {
    this.#names = new Map(contents.names)
    this.#prng = new Prng(seed)
    for (const [number, { bytes, modifiedNs }] of contents.files) {
      this.#files.set(number, { number, bytes: bytes.fork(), modifiedNs })
    }
    this.#initial = contents
  }

  /** Stable files to begin with. */
  static of(files: Readonly<Record<string, Uint8Array>>, seed?: number): CrashFiles {
    const paths = Object.keys(files)
    return new CrashFiles(
      {
        names: new Map(paths.map((path, index) => [path, index + 1])),
        files: new Map(
          paths.map((path, index) => {
            const bytes = CrashBytes.from(files[path] as Uint8Array)
            return [index + 1, { bytes, modifiedNs: 1n }]
          }),
        ),
      },
      seed,
    )
  }

  /** What it began with. */
  get initial(): CrashContents {
    return this.#initial
  }

  /** The files as they are now, all of it stable, and nothing recorded. */
  settled(): CrashFiles {
    return new CrashFiles({ names: this.#names, files: this.#files })
  }

  /** Notes what a workload knows at this moment; a crash after it has to honour that. */
  mark(note: unknown): void {
    this.log.mark(note)
  }

  /** What is in the file now; `undefined` when there is none. */
  bytesOf(path: string): Uint8Array | undefined {
    const number = this.#names.get(path)
    return number === undefined ? undefined : this.file(number).bytes.toBytes()
  }

  paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  file(number: FileNumber): CrashFile {
    return ensure(this.#files.get(number), `file ${number}`)
  }

  /** Records the operation, does it when it ends, and lets others go on in between. */
  async perform(operation: CrashOperation, act: () => void, fua = false): Promise<void> {
    const entry = this.log.begin(operation, fua)
    act()
    for (let turns = this.#prng.below(3); turns >= 0; turns--) await Promise.resolve()
    this.log.finish(entry)
  }

  async create(path: string, size: number): Promise<FileDiskInSpace> {
    assert(Number.isSafeInteger(size) && size >= 0, `file of ${size} bytes`)
    if (this.#names.has(path)) {
      throw new PlatterError('ALREADY_EXISTS', `${path}: a file of that name is there already`)
    }
    const number = Math.max(0, ...this.#files.keys()) + 1
    const file: CrashFile = { number, bytes: new CrashBytes(), modifiedNs: 1n }
    await this.perform({ kind: 'create', path, file: number }, () => {
      this.#files.set(number, file)
      this.#names.set(path, number)
    })
    await this.perform({ kind: 'resize', file: number, size }, () => file.bytes.resize(size))
    return new CrashFileDisk(this, path, file, { writable: true })
  }

  async open(path: string, options: OpenInSpace): Promise<FileDiskInSpace> {
    await Promise.resolve()
    const file = this.#find(path)
    if (options.exclusive !== true) return new CrashFileDisk(this, path, file, options)
    if (this.#locked.has(file.number)) {
      throw new PlatterError('IN_USE', `${path}: it is open exclusively`)
    }
    this.#locked.add(file.number)
    const unlock = () => this.#locked.delete(file.number)
    return new CrashFileDisk(this, path, file, options, unlock)
  }

  async resize(path: string, size: number): Promise<void> {
    const file = this.#find(path)
    await this.perform({ kind: 'resize', file: file.number, size }, () => {
      file.bytes.resize(size)
      file.modifiedNs++
    })
  }

  async rename(from: string, to: string): Promise<void> {
    const { number } = this.#find(from)
    await this.perform({ kind: 'rename', from, path: to, file: number }, () => {
      this.#names.delete(from)
      this.#names.set(to, number)
    })
  }

  async remove(path: string): Promise<void> {
    this.#find(path)
    await this.perform({ kind: 'remove', path }, () => this.#names.delete(path))
  }

  async syncNames(path: string): Promise<void> {
    await this.perform({ kind: 'syncNames', directory: directoryOf(path) }, () => undefined)
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    await Promise.resolve()
    const number = this.#names.get(path)
    if (number === undefined) return undefined
    const { bytes, modifiedNs } = this.file(number)
    return { size: bytes.size, modifiedNs, inode: BigInt(number), device: DEVICE }
  }

  #find(path: string): CrashFile {
    const number = this.#names.get(path)
    if (number === undefined) {
      throw new PlatterError('NOT_FOUND', `${path}: there is no such file`)
    }
    return this.file(number)
  }
}
