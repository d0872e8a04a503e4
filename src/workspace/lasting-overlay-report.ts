// What is told of a lasting overlay, for `platter overlay info`: from its files alone, changing nothing.

import type { FileSpace } from '../engine/disk/file-space'
import type { OverlayState } from '../engine/formats/add-cow/add-cow-header'
import { openLastingOverlay } from './lasting-overlay'
import type { OverlayLayer } from './lasting-overlay-layers'

export interface LayerReport {
  /** Empty for the one that is written to. */
  readonly checkpoint: string
  readonly file: string
  readonly image: string
  readonly written: number
  readonly zeroed: number
  readonly runs: number
}

export interface OverlayReport {
  readonly file: string
  readonly version: 1 | 2
  /** Version 1 does not say. */
  readonly state?: OverlayState
  readonly size: number
  readonly blockSize: number
  readonly base: string
  readonly baseFormat: string
  readonly baseSize: number
  /** Why the base is not what it was; absent when it is, or when nobody knows. */
  readonly baseChanged?: string
  /** Of a commit that was cut short. */
  readonly commit?: {
    readonly ranges?: readonly { readonly offset: number; readonly length: number }[]
    readonly undo?: string
  }
  /** Top first. */
  readonly layers: readonly LayerReport[]
}

export async function reportOverlay(space: FileSpace, path: string): Promise<OverlayReport> {
  const changed: string[] = []
  const lasting = await openLastingOverlay(space, path, {
    writable: false,
    interrupted: true,
    onBaseChanged: (why) => changed.push(why),
  })
  try {
    const { overlay, top, header, image, layers } = lasting
    const commit = header?.commit
    return {
      file: path,
      version: top.file.facts.version,
      ...(header && { state: header.state }),
      size: overlay.size,
      blockSize: overlay.overlayBlockSize,
      base: image.path,
      baseFormat: 'raw',
      baseSize: image.disk.size,
      ...(changed[0] !== undefined && { baseChanged: changed[0] }),
      ...(commit && {
        commit: {
          ...(commit.ranges && { ranges: commit.ranges }),
          ...(commit.undoName !== '' && { undo: commit.undoName }),
        },
      }),
      layers: layers.map(reportLayer),
    }
  } finally {
    await lasting.close()
  }
}

const reportLayer = ({ path, imagePath, file, overlay }: OverlayLayer): LayerReport => ({
  checkpoint: file.header?.checkpointName ?? '',
  file: path,
  image: imagePath,
  ...overlay.staged(),
  runs: overlay.stagedRunCount(),
})
