// Undo files: what a commit is about to overwrite, as an overlay over the base of that commit.
// docs/overlay-format.md says what is in them, and how they survive a crash of the commit.

import { basename } from 'node:path'
import { PlatterError } from '../engine/base/errors'
import type { ByteRange } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import type { FileSpace } from '../engine/disk/file-space'
import { AddCowFile } from '../engine/formats/add-cow/add-cow-file'
import type { AddCowHeader, BaseIdentity } from '../engine/formats/add-cow/add-cow-header'
import { overlayFileSize } from '../engine/formats/add-cow/bitmap-page'
import { keepOld } from '../engine/layers/carry-old'
import { OverlayDisk } from '../engine/layers/overlay'
import type { CommitBase } from './commit-base'
import {
  createPair,
  imagePathOf,
  NEW_HEADER,
  nameFrom,
  newId,
  wholeClusters,
} from './lasting-overlay-create'

const MIN_BLOCK = 4096

export interface KeepUndoOptions {
  readonly base: CommitBase
  readonly identity: BaseIdentity
  /** The committed overlay's. */
  readonly blockSize: number
  readonly ranges: Iterable<ByteRange>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number) => void) | undefined
}

/** Complete and stable when it resolves; neither of its files is left when it rejects. */
export async function makeUndoFile(
  space: FileSpace,
  path: string,
  options: KeepUndoOptions,
): Promise<void> {
  const { base, identity, blockSize, ...rest } = options
  const clusterSize = Math.max(MIN_BLOCK, blockSize)
  const { size } = base.disk
  const header: AddCowHeader = {
    ...NEW_HEADER,
    clusterSize,
    size,
    id: newId(),
    base: identity,
    baseFormat: 'raw',
    baseName: base.isFile ? nameFrom(path, base.locator) : base.locator,
    imageName: basename(imagePathOf(path)),
    undo: 'pending',
  }
  await createPair(space, path, imagePathOf(path), {
    imageSize: wholeClusters(path, size, clusterSize),
    fileSize: overlayFileSize(Math.ceil(size / clusterSize)),
    write: (disk) => AddCowFile.fill(disk, header),
  })
  try {
    const { overlay } = await openUndoFile(space, path, base.disk)
    try {
      await keepOld({ old: overlay, target: base.disk, ...rest })
    } finally {
      await overlay.close()
    }
  } catch (error) {
    await removeUndoFile(space, path)
    throw error
  }
}

export interface OpenedUndo {
  readonly file: AddCowFile
  /** Over the base; closes the file with itself. */
  readonly overlay: OverlayDisk
}

/** For writing, over a base that is open already and stays open. */
export async function openUndoFile(
  space: FileSpace,
  path: string,
  base: Disk,
): Promise<OpenedUndo> {
  const closing: (() => Promise<void>)[] = []
  try {
    const disk = await space.open(path, { writable: true })
    closing.push(() => disk.close())
    const file = await AddCowFile.open(disk)
    const { header } = file
    if (header?.undo === undefined) {
      throw new PlatterError('NOT_AN_OVERLAY', `${path}: it is not an undo file`)
    }
    const store = await space.open(imagePathOf(path), { writable: true })
    closing.push(() => store.close())
    const ledger = await file.ledger(store.size)
    const { size, clusterSize: blockSize } = header
    return { file, overlay: new OverlayDisk({ base, store, blockSize, size, ledger }) }
  } catch (error) {
    for (const close of closing.reverse()) await close()
    throw error
  }
}

/** The commit that it undoes is over, and the base is now this one. */
export async function settleUndoFile(
  space: FileSpace,
  path: string,
  base: BaseIdentity,
): Promise<void> {
  const disk = await space.open(path, { writable: true })
  try {
    const file = await AddCowFile.open(disk)
    await file.update((header) => ({ ...header, base, undo: 'done' }))
  } finally {
    await disk.close()
  }
}

async function removeUndoFile(space: FileSpace, path: string): Promise<void> {
  // Why it is removed is worth more than that it could not be.
  for (const each of [path, imagePathOf(path)]) await space.remove(each).catch(() => undefined)
}
