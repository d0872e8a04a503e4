// A lasting overlay, open: what is staged lies in an overlay file and its image file
// (docs/overlay-format.md), over an image that stays as it is until a commit. All file operations go
// through a FileSpace, so that tests can replay them.

import type { FileSpace } from '../engine/disk/file-space'
import type { AddCowHeader, CommitMark } from '../engine/formats/add-cow/add-cow-header'
import type { OverlayDisk } from '../engine/layers/overlay'
import { identifyBase } from './base-identity'
import {
  type LayerOptions,
  type OpenedLayers,
  type OverlayLayer,
  openLayers,
} from './lasting-overlay-layers'

export class LastingOverlay {
  /** Absolute. */
  readonly path: string
  /** Top first; the others are frozen. */
  readonly layers: OpenedLayers['layers']
  readonly image: OpenedLayers['image']
  readonly #space: FileSpace

  constructor(space: FileSpace, path: string, opened: OpenedLayers) {
    this.#space = space
    this.path = path
    this.layers = opened.layers
    this.image = opened.image
  }

  /** The top: what is read, written, flushed and discarded. */
  get overlay(): OverlayDisk {
    return this.top.overlay
  }

  get top(): OverlayLayer {
    return this.layers[0]
  }

  /** Of version 2; `undefined` for version 1. */
  get header(): AddCowHeader | undefined {
    return this.top.file.header
  }

  /**
   * Stably says that staged blocks are being carried into the base: before the first of them is. Version
   * 1 has no place for that and does nothing. LIMIT for more ranges than there is room for.
   */
  async markCommitting(commit: CommitMark): Promise<void> {
    if (this.header !== undefined) await this.top.file.markCommitting(commit)
  }

  /** The base is flushed and what was carried is stably not staged: the base is known as it is now. */
  async markCommitted(): Promise<void> {
    const { header } = this
    if (header === undefined) return
    // A base that is a frozen overlay is known by its identity, and that has not changed.
    const isFrozen = this.layers.length > 1
    const { path, disk } = this.image
    const base = isFrozen ? header.base : await identifyBase(this.#space, path, disk)
    await this.top.file.markCommitted(base)
  }

  /** Flushes; rejects when that fails, and all files are closed nevertheless. */
  async close(): Promise<void> {
    let failure: unknown
    for (const close of [
      ...this.layers.map(
        ({ overlay }) =>
          () =>
            overlay.close(),
      ),
      () => this.image.disk.close(),
    ]) {
      await close().catch((error: unknown) => {
        failure ??= error
      })
    }
    if (failure !== undefined) throw failure
  }
}

/** Rejects with one of the codes of overlays that last (docs/errors.md), everything closed. */
export async function openLastingOverlay(
  space: FileSpace,
  path: string,
  options: LayerOptions,
): Promise<LastingOverlay> {
  return new LastingOverlay(space, path, await openLayers(space, path, options))
}
