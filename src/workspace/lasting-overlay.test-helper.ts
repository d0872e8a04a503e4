// Real files in a fresh directory with a base of random bytes, for tests of lasting overlays.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Prng } from '../engine/base/prng'
import type { FileSpace } from '../engine/disk/file-space'
import { NodeFileSpace } from '../engine/io/file-space'
import { HoleWorker } from '../engine/io/hole-worker'
import { OpenHandles } from '../engine/io/open-handles'
import { withTempDir } from '../engine/testing/peer-process'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import { type CreateOverlayOptions, createLastingOverlay } from './lasting-overlay-create'
import type { LayerOptions } from './lasting-overlay-layers'

export interface OverlayFiles {
  readonly dir: string
  readonly space: FileSpace
  readonly path: string
  readonly basePath: string
  readonly baseBytes: Uint8Array
  create(options?: Partial<CreateOverlayOptions>): Promise<void>
  open(options?: Partial<LayerOptions>): Promise<LastingOverlay>
}

/** Fails when anything is left open. */
export async function withOverlayFiles(
  baseSize: number,
  test: (files: OverlayFiles) => Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const handles = new OpenHandles()
    const holes = new HoleWorker({})
    const space = new NodeFileSpace({ handles, holes })
    const path = join(dir, 'staged.acow')
    const basePath = join(dir, 'base.img')
    const baseBytes = new Prng(1).fill(new Uint8Array(baseSize))
    await writeFile(basePath, baseBytes)
    try {
      await test({
        dir,
        space,
        path,
        basePath,
        baseBytes,
        create: (options = {}) =>
          createLastingOverlay(space, {
            path,
            basePath,
            version: 2,
            blockSize: 4096,
            format: 'raw',
            ...options,
          }),
        open: (options = {}) => openLastingOverlay(space, path, { writable: true, ...options }),
      })
      expect(handles.list()).toEqual([])
    } finally {
      await holes.close()
    }
  })
}
