// From what a person typed to a disk that can be read: the one place that knows sources and formats and
// puts them together. A locator is a path, an NBD URI, or `sample:`.

import { basename, resolve } from 'node:path'
import { ensure } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import type { Disk } from '../engine/disk/disk'
import { probeFormat } from '../engine/formats/probe'
import { type FileDisk, type FileServices, openFileDisk } from '../engine/io/file-disk'
import { looksLikeNbdUri } from '../engine/nbd/uri'
import { readBytes } from '../engine/survey/read-bytes'
import { isOverlayFile } from './is-overlay-file'
import { openNbd } from './nbd-source'
import type { OpenedImage, OpenOptions } from './opened-image'
import { openOverlayImage } from './overlay-image'
import { ensureSampleImage } from './sample-image'

export const SAMPLE_LOCATOR = 'sample:'

/** Enough for every magic that formats are told apart by. */
const PROBE_BYTES = 64 * 1024

export const isNbdUri = (locator: string): boolean => looksLikeNbdUri(locator)

/** Whether a locator is a path, which may be relative. */
export const isFileLocator = (locator: string): boolean =>
  locator !== SAMPLE_LOCATOR && !isNbdUri(locator)

export async function openImage(locator: string, options: OpenOptions): Promise<OpenedImage> {
  if (locator === SAMPLE_LOCATOR) {
    return openFile(await ensureSampleImage(), { ...options, format: 'raw' }, 'sample')
  }
  if (isNbdUri(locator)) return openNbd(locator, options)
  // The empty path would be resolved to the working directory.
  if (locator === '') throw new PlatterError('NOT_FOUND', 'the name of the image is empty')
  const path = resolve(locator)
  if (await isOverlayFile(path, options.format)) return openOverlayImage(path, options.files)
  return openFile(path, options, 'file')
}

async function openFile(
  path: string,
  options: OpenOptions,
  kind: 'file' | 'sample',
): Promise<OpenedImage> {
  const { files, signal } = options
  const disk = await openFileDisk(path, { ...files, signal, lock: 'shared-read' })
  try {
    const format = await settleFormat(disk, path, options)
    return await describeFile(disk, path, format, kind, options.files)
  } catch (error) {
    await disk.close()
    throw error
  }
}

export async function settleFormat(
  disk: Disk,
  path: string,
  { format: asked, signal }: Pick<OpenOptions, 'format' | 'signal'>,
): Promise<string> {
  if (asked === 'raw') return asked
  if (asked !== undefined) {
    throw new PlatterError(
      'FORMAT_UNSUPPORTED',
      `${path}: format '${asked}' is not supported: the formats are raw and add-cow`,
    )
  }
  const headLength = Math.min(PROBE_BYTES, disk.size)
  const tailLength = Math.min(512, disk.size)
  const head = await readBytes(disk, 0, headLength, signal)
  const tail = await readBytes(disk, disk.size - tailLength, tailLength, signal)
  const probed = probeFormat(ensure(head, 'head'), disk.size, ensure(tail, 'tail'))
  if (!probed.supported) throw new PlatterError('FORMAT_UNSUPPORTED', `${path}: ${probed.why}`)
  return 'raw'
}

async function describeFile(
  disk: FileDisk,
  path: string,
  format: string,
  kind: 'file' | 'sample',
  files: FileServices | undefined,
): Promise<OpenedImage> {
  const allocated = await disk.allocatedBytes()
  const denied = await disk.whyNotWritable()
  const notes = [disk.lockNote, disk.sizeNote, disk.extentsNote].filter(
    (note) => note !== undefined,
  )
  let known = await disk.identity()
  const changedSince = async () => describeChange(known, await disk.identityNow())
  return {
    info: {
      locator: path,
      name: basename(path),
      kind,
      format,
      size: disk.size,
      blockSize: disk.blockSize,
      hasExtents: disk.capabilities.extents,
      ...(allocated === undefined ? {} : { allocated }),
      ...(denied === undefined ? {} : { readOnlyReason: denied }),
      ...(notes.length === 0 ? {} : { notes }),
    },
    disk,
    changedSince,
    accept: async () => {
      known = await disk.identity()
    },
    openTarget: async () => {
      // Locked before it is looked at: from here on nobody can change it.
      const options = {
        ...files,
        writable: true,
        lock: 'exclusive-write',
        writesOut: true,
      } as const
      const target = await openFileDisk(path, options)
      const changed = await changedSince()
      if (changed !== undefined) {
        await target.close()
        throw new PlatterError('TARGET_CHANGED', `${path}: ${changed}`)
      }
      return {
        disk: target,
        release: async () => {
          await target.close()
          known = await disk.identity()
        },
      }
    },
    close: () => disk.close(),
  }
}

type FileIdentity = Awaited<ReturnType<FileDisk['identity']>>

/** `now` is what the path leads to now; undefined when it leads nowhere. */
function describeChange(known: FileIdentity, now: FileIdentity | undefined): string | undefined {
  if (now === undefined) return 'the file is not there any more'
  if (now.dev !== known.dev || now.ino !== known.ino) return 'another file has taken its place'
  if (now.size !== known.size) return `its size changed from ${known.size} to ${now.size} bytes`
  if (now.mtimeMs !== known.mtimeMs) return 'something else wrote to it since it was opened'
  return undefined
}
