// Copies an image to a path, an NBD export, or nowhere: opens both sides, keeps what an interrupted copy
// needs to go on, and gives a plain file its name when it is complete.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PlatterError } from '../engine/base/errors'
import { type CopyResult, copyDisk } from '../engine/copy/copy-disk'
import type { SizeOptions } from '../engine/copy/copy-plan'
import type { CopyProgress } from '../engine/copy/copy-progress'
import { NullDisk } from '../engine/copy/null-disk'
import type { Disk } from '../engine/disk/disk'
import { FileDisk, openFileDisk } from '../engine/io/file-disk'
import { errnoName, fileError } from '../engine/io/file-errors'
import { FileRangeCopy } from '../engine/io/file-range-copy'
import { HoleWorker } from '../engine/io/hole-worker'
import { backgroundClock } from '../engine/io/system-clock'
import { FileTarget } from './copy-file'
import type { SourceIdentity } from './copy-state'
import { isNbdUri, openImage } from './locators'
import type { OpenedImage } from './opened-image'
import { refuseSameFile } from './same-file'

/** The target that takes everything and keeps nothing. */
export const NULL_LOCATOR = 'null:'

export const DEFAULT_CONNECTIONS = 4
const CHECKPOINT_MS = 2000

export interface CopyImageOptions extends SizeOptions {
  readonly source: string
  /** A path, an NBD URI, or `null:`. */
  readonly target: string
  /** Of the source; probed unless told. The target gets the bytes as they are. */
  readonly format?: string | undefined
  /** To each NBD server that can have several. */
  readonly connections?: number | undefined
  readonly useExtents?: boolean | undefined
  readonly targetIsZero?: boolean | undefined
  readonly flush?: boolean | undefined
  /** Plain files: go on with what an earlier copy left. */
  readonly resume?: boolean | undefined
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

interface Target {
  readonly disk: Disk
  readonly file?: FileTarget
  close(): Promise<void>
}

/** Bytes a request when no server is written to: a file's write is a trip to the thread pool. */
const LARGE_REQUEST = 1024 * 1024

export async function copyImage(options: CopyImageOptions): Promise<CopyResult> {
  const holes = new HoleWorker({ mayWait: true })
  try {
    const { source: locator, format, connections = DEFAULT_CONNECTIONS, signal } = options
    const files = { holes }
    const opening = { clock: backgroundClock, connections, signal, files }
    refuseSame(options)
    const source = await openImage(locator, { ...opening, format })
    try {
      const target = await openTarget(source, options, opening)
      return await copyTo(source.disk, target, options, holes)
    } finally {
      await source.close()
    }
  } finally {
    await holes.close()
  }
}

async function copyTo(
  source: Disk,
  { disk, file, close }: Target,
  options: CopyImageOptions,
  holes: HoleWorker,
): Promise<CopyResult> {
  const { flush = true } = options
  let ranges: FileRangeCopy | undefined
  const isNull = disk instanceof NullDisk
  const checkpoint =
    file === undefined || !flush
      ? undefined
      : { intervalMs: CHECKPOINT_MS, save: (completed: number) => file.save(completed) }
  try {
    if (source instanceof FileDisk && file !== undefined) {
      ranges = await FileRangeCopy.open(source, file.disk, holes, flush)
    }
    const result = await copyDisk(source, disk, {
      ...options,
      // Nobody looks at what the null disk was given.
      sparse: options.sparse ?? (isNull ? 0 : undefined),
      keepsNothing: isNull && (options.sparse ?? 0) === 0,
      requestSize:
        options.requestSize ?? (isNull || file !== undefined ? LARGE_REQUEST : undefined),
      targetIsZero: file !== undefined || options.targetIsZero,
      flush,
      start: file?.start,
      checkpoint,
      clock: backgroundClock,
      rangeCopy: ranges === undefined ? undefined : (range, grain) => ranges!.copy(range, grain),
    })
    await ranges?.close()
    ranges = undefined
    await (file === undefined ? close() : file.finish(flush))
    return result
  } catch (error) {
    await ranges?.close()
    throw await afterFailure(error, file, checkpoint !== undefined, close)
  }
}

/** What is there of a file is kept when there is something to keep, and the message says so. */
async function afterFailure(
  error: unknown,
  file: FileTarget | undefined,
  isResumable: boolean,
  close: () => Promise<void>,
): Promise<unknown> {
  if (file === undefined) {
    await close().catch(() => undefined)
    return error
  }
  const completed = error instanceof PlatterError ? error.data['completed'] : undefined
  const keep = isResumable && typeof completed === 'number' && completed > 0
  let problem: Error | undefined
  try {
    await file.abandon(keep)
  } catch (reason) {
    problem = reason as Error
  }
  if (!(error instanceof PlatterError) || (!keep && problem === undefined)) return error
  const { code, message, data } = error
  const hints: string[] = []
  if (keep) {
    const from = file.noted === completed ? 'there' : `byte ${file.noted}`
    hints.push(`${file.disk.path} has it, and --resume goes on from ${from}`)
  }
  // The copier has said so already when it could not save either.
  if (problem !== undefined && !message.includes(problem.message)) hints.push(problem.message)
  return new PlatterError(code, [message, ...hints].join('; '), { cause: error, data })
}

async function openTarget(
  source: OpenedImage,
  options: CopyImageOptions,
  opening: Parameters<typeof openImage>[1],
): Promise<Target> {
  const { target } = options
  const isFile = target !== NULL_LOCATOR && !isNbdUri(target) && !(await isBlockDevice(target))
  if (options.resume === true && !isFile) {
    const why = 'only a copy to a plain file can go on where it ended'
    throw new PlatterError('BAD_REQUEST', `${target}: ${why}`)
  }
  if (target === NULL_LOCATOR) {
    const disk = new NullDisk(source.disk.size)
    return { disk, close: () => disk.close() }
  }
  if (isNbdUri(target)) return openNbdTarget(target, opening)
  if (!isFile) {
    const disk = await openFileDisk(resolve(target), { ...opening.files, writable: true })
    return { disk, close: () => disk.close() }
  }
  await refuseSameFile(source, target)
  const { resume } = options
  const identity = await identityOf(source)
  const files = { ...opening.files, writesOut: options.flush !== false }
  const file = await FileTarget.open(target, { source: source.disk, identity, resume, files })
  return { disk: file.disk, file, close: () => file.disk.close() }
}

async function openNbdTarget(
  locator: string,
  opening: Parameters<typeof openImage>[1],
): Promise<Target> {
  const image = await openImage(locator, opening)
  return { disk: image.disk, close: () => image.close() }
}

function refuseSame({ source, target }: CopyImageOptions): void {
  if (target === '') throw new PlatterError('NOT_FOUND', 'the name of the target is empty')
  if (source !== target) return
  throw new PlatterError('BAD_REQUEST', `${target}: source and target are one and the same`)
}

async function isBlockDevice(path: string): Promise<boolean> {
  try {
    return (await stat(resolve(path))).isBlockDevice()
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return false
    throw fileError(error, resolve(path), 'cannot be written')
  }
}

async function identityOf({ info, disk }: OpenedImage): Promise<SourceIdentity> {
  const { locator, format } = info
  if (!(disk instanceof FileDisk)) return { locator, format }
  const { dev, ino, size, mtimeMs } = await disk.identity()
  return { locator, format, dev, ino, bytes: size, mtimeMs }
}
