// Another size for a lasting overlay, while nobody has it open. docs/overlay-format.md has the order: one
// header write is the moment at which the size changes, and what lies around it may be cut short.
//
// What is added reads as zeroes, also where the base is longer than the disk was: its bytes were cut off
// then, and are not to come to light.

import { ensure } from '../engine/base/assert'
import { BLOCK_CLEAN, BLOCK_ZEROED } from '../engine/base/block-leaf'
import { PlatterError } from '../engine/base/errors'
import { alignUp } from '../engine/base/ranges'
import type { FileSpace } from '../engine/disk/file-space'
import { AddCowFile } from '../engine/formats/add-cow/add-cow-file'
import { overlayFileSize } from '../engine/formats/add-cow/bitmap-page'
import { copyUp } from '../engine/layers/copy-up'
import { zeroSpan } from '../engine/layers/span-io'
import { openLastingOverlay } from './lasting-overlay'
import { wholeClusters } from './lasting-overlay-create'

/** NOT_SUPPORTED by version 1; BAD_SIZE. */
export async function resizeOverlay(
  space: FileSpace,
  path: string,
  size: number,
  options: { readonly acceptBase?: boolean | undefined } = {},
): Promise<void> {
  const lasting = await openLastingOverlay(space, path, { writable: true, ...options })
  const { imagePath } = lasting.top
  const old = lasting.overlay.size
  const cluster = lasting.overlay.overlayBlockSize
  let baseSize: number
  try {
    if (lasting.header === undefined) {
      throw new PlatterError(
        'NOT_SUPPORTED',
        `${path}: an overlay file of version 1 cannot note that its size is being changed; version 2 can`,
      )
    }
    wholeClusters(path, size, cluster)
    baseSize = lasting.overlay.base.size
    if (size > old) await completeLastBlock(lasting.overlay)
  } finally {
    await lasting.close()
  }
  if (size < old) return shrink(space, path, size)
  if (size === old) return
  await changeFile(space, path, (file) => file.update((header) => ({ ...header, state: 'dirty' })))
  await space.resize(path, overlayFileSize(Math.ceil(size / cluster)))
  await space.resize(imagePath, alignUp(size, cluster))
  await flushFile(space, imagePath)
  const first = Math.ceil(old / cluster)
  const end = Math.ceil(Math.min(size, Math.max(old, baseSize)) / cluster)
  const zeroed = { first, count: Math.max(0, end - first) }
  await changeFile(space, path, (file) => file.growTo(size, zeroed))
}

/** The block that the end of the disk cuts must not let anything through when the end moves on. */
async function completeLastBlock(
  overlay: Awaited<ReturnType<typeof openLastingOverlay>>['overlay'],
): Promise<void> {
  const { blocks, size, overlayBlockSize } = overlay
  if (size % overlayBlockSize === 0) return
  const last = blocks.grid.blockCount - 1
  const state = blocks.states.get(last)
  if (state === BLOCK_ZEROED || (state === BLOCK_CLEAN && blocks.base.size <= size)) return
  await overlay.runCall(async () => {
    await blocks.ledger?.begin()
    const end = alignUp(size, overlayBlockSize)
    await zeroSpan(blocks.store, { offset: size, length: end - size }, false)
    ensure(blocks.ledger, 'ledger').noteBytes()
    await copyUp(blocks, blocks.grid.bytesOfBlock(last))
  })
  await overlay.flush()
}

/** The header first; opening and closing it then cuts both files and clears the states past the end. */
async function shrink(space: FileSpace, path: string, size: number): Promise<void> {
  await changeFile(space, path, (file) =>
    file.update((header) => ({ ...header, size, state: 'dirty' })),
  )
  const lasting = await openLastingOverlay(space, path, { writable: true })
  await lasting.close()
}

async function changeFile(
  space: FileSpace,
  path: string,
  change: (file: AddCowFile) => Promise<void>,
): Promise<void> {
  const disk = await space.open(path, { writable: true, exclusive: true })
  try {
    await change(await AddCowFile.open(disk))
  } finally {
    await disk.close()
  }
}

async function flushFile(space: FileSpace, path: string): Promise<void> {
  const disk = await space.open(path, { writable: true, exclusive: true })
  try {
    await disk.flush()
  } finally {
    await disk.close()
  }
}
