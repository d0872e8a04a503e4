// New overlay files, of either version, with their image files.

import { randomBytes } from 'node:crypto'
import { basename, dirname, isAbsolute, relative } from 'node:path'
import { PlatterError } from '../engine/base/errors'
import { alignUp } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import type { FileSpace } from '../engine/disk/file-space'
import { AddCowFile } from '../engine/formats/add-cow/add-cow-file'
import { type AddCowHeader, ID_BYTES } from '../engine/formats/add-cow/add-cow-header'
import { encodeV1Header, SECTOR, v1FileSize } from '../engine/formats/add-cow/add-cow-v1'
import { overlayFileSize } from '../engine/formats/add-cow/bitmap-page'
import { identifyBase } from './base-identity'
import { settleFormat } from './locators'

export interface CreateOverlayOptions {
  /** Of the overlay file, absolute; the image file is this and `.image`. */
  readonly path: string
  /** Of the base, absolute. */
  readonly basePath: string
  readonly version: 1 | 2
  /** Bytes, a power of two from 4 KiB to 2 MiB; version 1 has sectors of 512 whatever this says. */
  readonly blockSize: number
  /** Bytes; the base's unless told. */
  readonly size?: number | undefined
  /** Of the base; probed now, never later, unless told. */
  readonly format?: string | undefined
}

export const imagePathOf = (path: string): string => `${path}.image`

/** Nothing is left behind when it rejects. ALREADY_EXISTS when either file is there. */
export async function createLastingOverlay(
  space: FileSpace,
  options: CreateOverlayOptions,
): Promise<void> {
  const { path, basePath } = options
  const base = await space.open(basePath, { writable: false })
  try {
    const format = await settleFormat(base, basePath, { format: options.format })
    const size = options.size ?? base.size
    const names = { baseName: nameFrom(path, basePath), imageName: basename(imagePathOf(path)) }
    if (options.version === 1) return await createV1(space, path, size, names)
    const header: AddCowHeader = {
      ...NEW_HEADER,
      ...names,
      clusterSize: options.blockSize,
      size,
      id: newId(),
      base: await identifyBase(space, basePath, base),
      baseFormat: format,
    }
    await createPair(space, path, imagePathOf(path), {
      imageSize: wholeClusters(path, size, options.blockSize),
      fileSize: overlayFileSize(Math.ceil(size / options.blockSize)),
      write: (disk) => AddCowFile.fill(disk, header),
    })
  } finally {
    await base.close()
  }
}

export const newId = (): Uint8Array => new Uint8Array(randomBytes(ID_BYTES))

/** What is alike in all new headers. */
export const NEW_HEADER = {
  state: 'clean',
  parentId: new Uint8Array(ID_BYTES),
  generation: 0,
  imageFormat: 'raw',
  checkpointName: '',
} as const

export interface NewPair {
  readonly imageSize: number
  readonly fileSize: number
  /** Fills the overlay file, which is flushed afterwards. */
  readonly write: (disk: Disk) => Promise<void>
}

/** An overlay file and its image file, both new and stable; neither when it rejects. */
export function createPair(
  space: FileSpace,
  path: string,
  imagePath: string,
  { imageSize, fileSize, write }: NewPair,
): Promise<void> {
  return createFiles(space, [
    { path: imagePath, size: imageSize },
    { path, size: fileSize, write },
  ])
}

export interface NewFile {
  readonly path: string
  readonly size: number
  /** Fills it; without it stays a hole. */
  readonly write?: (disk: Disk) => Promise<void>
}

/** All new and in one directory, made in this order, stable with their names; none is left when it rejects. */
export async function createFiles(space: FileSpace, files: readonly NewFile[]): Promise<void> {
  const made: string[] = []
  try {
    for (const { path, size, write } of files) {
      const disk = await space.create(path, size)
      made.push(path)
      try {
        await write?.(disk)
        await disk.flush()
      } finally {
        await disk.close()
      }
    }
    const last = files.at(-1)
    if (last !== undefined) await space.syncNames(last.path)
  } catch (error) {
    // Why it failed is worth more than that a file could not be taken away again.
    for (const path of made) await space.remove(path).catch(() => undefined)
    throw error
  }
}

/** How an overlay names a file: relative to its own place when it lies there or below. */
export function nameFrom(path: string, target: string): string {
  const name = relative(dirname(path), target)
  return name.startsWith('..') || isAbsolute(name) ? target : name
}

async function createV1(
  space: FileSpace,
  path: string,
  size: number,
  names: { readonly baseName: string; readonly imageName: string },
): Promise<void> {
  if (size % SECTOR !== 0 || size === 0) {
    throw new PlatterError(
      'BAD_SIZE',
      `${path}: an overlay file of version 1 has whole sectors of ${SECTOR} bytes, and ${size} bytes are not; version 2 takes any size`,
    )
  }
  await createPair(space, path, imagePathOf(path), {
    imageSize: size,
    fileSize: v1FileSize(size),
    write: (disk) => disk.write(encodeV1Header(names), 0),
  })
}

export function wholeClusters(path: string, size: number, clusterSize: number): number {
  const whole = alignUp(size, clusterSize)
  if (Number.isSafeInteger(whole) && size > 0) return whole
  throw new PlatterError(
    'BAD_SIZE',
    `${path}: a disk of ${size} bytes in whole blocks of ${clusterSize} is not one of 1 to 2^53-1`,
  )
}
