// An overlay file opened as a session: what is staged in it, over the base that it names.

import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Clock } from '../engine/base/clock'
import { PlatterError } from '../engine/base/errors'
import type { FileServices } from '../engine/io/file-disk'
import { NodeFileSpace } from '../engine/io/file-space'
import { isOverlayFile } from './is-overlay-file'
import { KeptOverlay } from './kept-overlay'
import { openLastingOverlay } from './lasting-overlay'
import { isFileLocator, openImage } from './locators'
import type { OpenedImage } from './opened-image'
import type { Session } from './session'

export interface OpenKeptOptions {
  readonly clock: Clock
  readonly files: FileServices
  /** Take the base as it is now, although it is not what it was. */
  readonly acceptBase: boolean
  readonly signal?: AbortSignal | undefined
  /** What is open already: one overlay file has one writer. */
  readonly sessions: readonly Session[]
}

export const isOverlayLocator = async (
  locator: string,
  format: string | undefined,
): Promise<boolean> =>
  isFileLocator(locator) && locator !== '' && (await isOverlayFile(locator, format))

/** Rejects as openLastingOverlay and openImage do, and with IN_USE, everything closed. */
export async function openKept(
  locator: string,
  { clock, files, acceptBase, signal, sessions }: OpenKeptOptions,
): Promise<{ readonly image: OpenedImage; readonly kept: KeptOverlay }> {
  const path = resolve(locator)
  await refuseOpen(path, sessions)
  const space = new NodeFileSpace(files)
  const options = { writable: true, interrupted: true, acceptBase }
  const lasting = await openLastingOverlay(space, path, options)
  try {
    const kept = await KeptOverlay.around({ space, lasting, clock })
    const base = lasting.image.path
    const image = await openImage(base, { clock, files, format: 'raw', signal })
    return { image, kept }
  } catch (error) {
    await lasting.close().catch(() => undefined)
    throw error
  }
}

async function refuseOpen(path: string, sessions: readonly Session[]): Promise<void> {
  const real = await realpath(path).catch(() => path)
  for (const { kept } of sessions) {
    const layers = kept?.lasting.layers ?? []
    for (const layer of layers) {
      if ((await realpath(layer.path).catch(() => layer.path)) !== real) continue
      throw new PlatterError('IN_USE', `${path}: it is open already; nothing was changed`)
    }
  }
}
