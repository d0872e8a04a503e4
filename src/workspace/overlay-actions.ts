// What `platter overlay` does, each with real files that are open for as long as it takes.

import { resolve } from 'node:path'
import { PlatterError } from '../engine/base/errors'
import type { ByteRange } from '../engine/base/ranges'
import type { CommitProgress } from '../engine/layers/commit'
import { DEFAULT_BLOCK_SIZE } from './block-size'
import { openLastingOverlay } from './lasting-overlay'
import { goBack, makeCheckpoint, mergeDown } from './lasting-overlay-checkpoints'
import { createLastingOverlay } from './lasting-overlay-create'
import { type OverlayReport, reportOverlay } from './lasting-overlay-report'
import { resizeOverlay } from './lasting-overlay-resize'
import { isFileLocator } from './locators'
import { withOverlaySpace } from './overlay-files'

export interface CreateAction {
  readonly base: string
  readonly version?: 1 | 2 | undefined
  readonly blockSize?: number | undefined
  readonly size?: number | undefined
  readonly format?: string | undefined
}

export function createOverlay(file: string, options: CreateAction): Promise<void> {
  const { base, version = 2, blockSize = DEFAULT_BLOCK_SIZE, size, format } = options
  const [path, basePath] = [pathOf(file), basePathOf(base)]
  return withOverlaySpace((space) =>
    createLastingOverlay(space, { path, basePath, version, blockSize, size, format }),
  )
}

export const describeOverlay = (file: string): Promise<OverlayReport> =>
  withOverlaySpace((space) => reportOverlay(space, pathOf(file)))

export interface ChangeAction {
  /** Take the base as it is now. */
  readonly acceptBase?: boolean | undefined
}

export interface DiscardAction extends ChangeAction {
  /** All blocks that these touch; everything unless told. */
  readonly ranges?: readonly ByteRange[] | undefined
}

/** Resolves with the bytes that were staged and are not any more. */
export function discardStaged(file: string, options: DiscardAction): Promise<number> {
  return withOverlaySpace(async (space) => {
    const { acceptBase, ranges } = options
    const lasting = await openLastingOverlay(space, pathOf(file), { writable: true, acceptBase })
    try {
      return await lasting.overlay.discard(ranges)
    } finally {
      await lasting.close()
    }
  })
}

export const resizeTo = (file: string, size: number, options: ChangeAction): Promise<void> =>
  withOverlaySpace((space) => resizeOverlay(space, pathOf(file), size, options))

export interface CheckpointAction extends ChangeAction {
  readonly what: 'make' | 'back' | 'merge'
  /** Of one that is made. */
  readonly name?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CommitProgress) => void) | undefined
}

/** Resolves with the name of the checkpoint. */
export function changeCheckpoints(file: string, action: CheckpointAction): Promise<string> {
  const { what, name, acceptBase, signal, onProgress } = action
  const path = pathOf(file)
  return withOverlaySpace((space) => {
    if (what === 'make') return makeCheckpoint(space, path, { name, acceptBase })
    if (what === 'back') return goBack(space, path, { acceptBase })
    return mergeDown(space, path, { acceptBase, signal, onProgress })
  })
}

function pathOf(file: string): string {
  if (file === '') throw new PlatterError('NOT_FOUND', 'the name of the overlay is empty')
  return resolve(file)
}

/** The absolute path of a base; NOT_SUPPORTED for what is no file. */
export function basePathOf(locator: string): string {
  if (locator === '') throw new PlatterError('NOT_FOUND', 'the name of the image is empty')
  if (isFileLocator(locator)) return resolve(locator)
  throw new PlatterError(
    'NOT_SUPPORTED',
    `${locator}: the base of an overlay that lasts is a file: only of a file it can be told whether it changed`,
  )
}
