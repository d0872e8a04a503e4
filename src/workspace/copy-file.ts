// A plain file as the target of a copy. It is written under a name of its own beside the target, sparse,
// and takes the target's name only when it is complete and stable. Whatever had that name is there,
// whole, until then, and so it stays when the copy fails.
//
//   DST.platter-partial        the bytes so far
//   DST.platter-partial.json   how far they are good, for `resume` (copy-state.ts)

import { constants } from 'node:fs'
import { access, chmod, chown, open, realpath, rename, stat, truncate } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { firstDifference } from '../engine/base/bytes'
import { PlatterError } from '../engine/base/errors'
import { alignDown } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import { createFileDisk } from '../engine/io/file-create'
import { type FileDisk, type FileServices, openFileDisk } from '../engine/io/file-disk'
import { errnoName, fileError } from '../engine/io/file-errors'
import {
  type CopyState,
  loadCopyState,
  refuseLiveCopy,
  removeIfThere,
  type SourceIdentity,
  saveCopyState,
} from './copy-state'

export interface FileTargetOptions {
  readonly source: Disk
  readonly identity: SourceIdentity
  /** Go on where an earlier copy of the same source ended; otherwise what it left is removed. */
  readonly resume?: boolean | undefined
  readonly files?: FileServices | undefined
}

type Previous = Awaited<ReturnType<typeof stat>>

export class FileTarget {
  readonly disk: FileDisk
  /** Everything below was copied by an earlier run. */
  readonly start: number
  readonly #path: string
  readonly #partial: string
  #state: CopyState
  /** What has the name now. */
  readonly #previous: Previous | undefined

  private constructor(
    disk: FileDisk,
    path: string,
    state: CopyState,
    previous: Previous | undefined,
  ) {
    this.disk = disk
    this.start = state.completed
    this.#path = path
    this.#partial = partialOf(path)
    this.#state = state
    this.#previous = previous
  }

  /** NOT_A_DISK, NO_PERMISSION, IN_USE, NOT_FOUND or SOURCE_CHANGED, nothing changed. */
  static async open(given: string, options: FileTargetOptions): Promise<FileTarget> {
    const path = await settledPath(given)
    const previous = await lookAt(path)
    if (previous !== undefined) await refuseUnwritable(path, previous)
    const { source, identity, files = {} } = options
    const partial = partialOf(path)
    const found = await loadCopyState(stateOf(partial))
    if (found !== undefined) await refuseLiveCopy(partial, found)
    if (options.resume === true) {
      const state = await checkState(path, found, options)
      const disk = await openPartial(partial, state, source, files)
      return new FileTarget(disk, path, { ...state, pid: process.pid }, previous)
    }
    const state = { platterCopy: 1, source: identity, size: source.size, completed: 0 } as const
    await removeIfThere(stateOf(partial))
    await removeIfThere(partial)
    const disk = await createFileDisk(partial, source.size, { ...files, isPrivate: true })
    const target = new FileTarget(disk, path, { ...state, pid: process.pid }, previous)
    await target.save(0)
    return target
  }

  async save(completed: number): Promise<void> {
    const state = { ...this.#state, completed }
    await saveCopyState(stateOf(this.#partial), state)
    this.#state = state
  }

  /** Where a copy that resumes this one would begin. */
  get noted(): number {
    return this.#state.completed
  }

  /** All of it is written and, as a rule, flushed: gives it its name. `stable`: the name as well. */
  async finish(stable: boolean): Promise<void> {
    await this.disk.close()
    const doing = 'cannot give the finished copy its name'
    try {
      if (this.#previous !== undefined) await keepOwner(this.#partial, this.#previous)
      const { size } = await stat(this.#partial)
      if (size !== this.disk.size) {
        const sizes = `it has ${size} bytes, and ${this.disk.size} were copied`
        throw new PlatterError('SIZE_CHANGED', `${this.#partial}: ${doing}: ${sizes}`)
      }
      await rename(this.#partial, this.#path)
      if (stable) await syncDirectory(dirname(this.#path))
    } catch (error) {
      throw fileError(error, this.#path, doing)
    }
    await removeIfThere(stateOf(this.#partial))
  }

  /** Ends without a result: what is there is kept for a later `resume`, or removed. */
  async abandon(keep: boolean): Promise<void> {
    await this.disk.close()
    if (keep) {
      const { pid: _writer, ...rest } = this.#state
      await saveCopyState(stateOf(this.#partial), rest)
      return
    }
    await removeIfThere(this.#partial)
    await removeIfThere(stateOf(this.#partial))
  }
}

const partialOf = (path: string): string => `${path}.platter-partial`
const stateOf = (partial: string): string => `${partial}.json`

/** Through symbolic links to the file that is meant, which may not be there yet. */
async function settledPath(given: string): Promise<string> {
  const path = resolve(given)
  try {
    return await realpath(path)
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return path
    throw fileError(error, path, 'cannot be written')
  }
}

async function lookAt(path: string): Promise<Previous | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined
    throw fileError(error, path, 'cannot be written')
  }
}

async function refuseUnwritable(path: string, previous: Previous): Promise<void> {
  if (!previous.isFile()) {
    const why = 'it is neither a file nor a block device; nothing was changed'
    throw new PlatterError('NOT_A_DISK', `${path}: cannot be written: ${why}`)
  }
  try {
    // A rename would ask the directory alone.
    await access(path, constants.W_OK)
  } catch (error) {
    throw fileError(error, path, 'cannot be replaced')
  }
}

async function checkState(
  path: string,
  found: CopyState | undefined,
  { source, identity }: FileTargetOptions,
): Promise<CopyState> {
  if (found === undefined) {
    const what = `there is no interrupted copy to go on with (${stateOf(partialOf(path))})`
    throw new PlatterError('NOT_FOUND', `${path}: ${what}`)
  }
  const changed = Object.keys({ ...found.source, ...identity }).filter(
    (key) => found.source[key] !== identity[key],
  )
  if (found.size !== source.size) changed.push('size')
  if (changed.length === 0) return found
  throw new PlatterError(
    'SOURCE_CHANGED',
    `${path}: the interrupted copy is of another source, or the source changed (${changed.join(', ')}); nothing was changed`,
    { data: { path } },
  )
}

/** Places that a resumed copy looks at before it believes that the source is still the same. */
const SAMPLES = 64
const SAMPLE_BYTES = 4096

async function openPartial(
  partial: string,
  { completed, size }: CopyState,
  source: Disk,
  files: FileServices,
): Promise<FileDisk> {
  try {
    // What came after the state was saved may be there in parts, and zeroes are left alone from here on.
    const { size: length } = await stat(partial)
    if (length < completed) throw new PlatterError('SIZE_CHANGED', `${partial}: it was cut short`)
    await truncate(partial, completed)
    await truncate(partial, size)
  } catch (error) {
    throw fileError(error, partial, 'cannot go on with it')
  }
  const disk = await openFileDisk(partial, { ...files, writable: true })
  try {
    await compareSamples(source, disk, completed)
    return disk
  } catch (error) {
    await disk.close()
    throw error
  }
}

async function compareSamples(source: Disk, partial: Disk, completed: number): Promise<void> {
  const unit = Math.max(SAMPLE_BYTES, source.blockSize.minimum)
  const length = Math.min(unit, source.blockSize.maximum)
  const places = Math.min(SAMPLES, Math.floor(completed / length))
  for (let i = 0; i < places; i++) {
    const last = alignDown(completed - length, source.blockSize.minimum)
    const at = alignDown((last * (i + 1)) / places, source.blockSize.minimum)
    const [there, here] = [new Uint8Array(length), new Uint8Array(length)]
    await source.read(there, at)
    await partial.read(here, at)
    const differs = firstDifference(there, here)
    if (differs === undefined) continue
    throw new PlatterError(
      'SOURCE_CHANGED',
      `the source changed since the copy was interrupted: byte ${at + differs} is not what was copied; nothing was changed`,
      { data: { offset: at + differs } },
    )
  }
}

/** As if the file had been written in place: its permissions and, where that is allowed, its owner. */
async function keepOwner(partial: string, { uid, gid, mode }: Previous): Promise<void> {
  const { uid: myUid, gid: myGid } = await stat(partial)
  if (uid !== myUid || gid !== myGid) {
    await chown(partial, Number(uid), Number(gid)).catch((error: unknown) => {
      if (errnoName(error) !== 'EPERM') throw error
    })
  }
  await chmod(partial, Number(mode) & 0o7777)
}

/** Without it a crash could bring the old name back. Systems that cannot are left alone. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
