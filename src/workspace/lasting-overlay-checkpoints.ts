// Checkpoints of a lasting overlay: freeze what is staged and stack a fresh overlay on it, go back to it,
// or merge what came after into it. docs/overlay-format.md has the files. Each ends in one rename over the
// overlay file; before it nothing that was there is changed, after it only files that nothing names are
// taken away. A merge before its rename is a commit into the frozen overlay.

import { basename, dirname, join } from 'node:path'
import { ensure } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import { alignUp } from '../engine/base/ranges'
import type { FileSpace } from '../engine/disk/file-space'
import { AddCowFile } from '../engine/formats/add-cow/add-cow-file'
import type { AddCowHeader } from '../engine/formats/add-cow/add-cow-header'
import { overlayFileSize } from '../engine/formats/add-cow/bitmap-page'
import { type CommitProgress, commitOverlay } from '../engine/layers/commit'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import { createFiles, type NewFile, newId } from './lasting-overlay-create'
import type { OverlayLayer } from './lasting-overlay-layers'

export interface CheckpointOptions {
  /** `checkpoint N` unless told. ALREADY_EXISTS when one below has it. */
  readonly name?: string | undefined
  readonly acceptBase?: boolean | undefined
}

/** Resolves with the name of the checkpoint. The overlay must not be open. */
export async function makeCheckpoint(
  space: FileSpace,
  path: string,
  { name: asked, acceptBase }: CheckpointOptions = {},
): Promise<string> {
  const lasting = await openLastingOverlay(space, path, { writable: true, acceptBase })
  try {
    const header = headerOf(lasting)
    const names = await freeNames(space, path, header.generation + 1)
    const name = asked ?? `checkpoint ${names.number}`
    refuseTaken(lasting, name)
    const { overlay } = lasting
    await overlay.flush()
    const frozen: AddCowHeader = { ...header, state: 'clean', checkpointName: name }
    const fresh: AddCowHeader = {
      ...header,
      state: 'clean',
      id: newId(),
      parentId: header.id,
      generation: header.generation + 1,
      base: { ...header.base, size: header.size, sampleHash: new Uint8Array(32) },
      baseFormat: 'add-cow',
      baseName: basename(names.frozen),
      imageName: basename(names.image),
    }
    await createFiles(space, [
      overlayFile(names.frozen, frozen, lasting.top),
      { path: names.image, size: alignUp(header.size, header.clusterSize) },
      overlayFile(names.fresh, fresh),
    ])
    await takePlace(space, names.fresh, path)
    return name
  } finally {
    await lasting.close()
  }
}

/** Forgets what was staged since the last checkpoint. Resolves with its name. BAD_REQUEST without one. */
export async function goBack(
  space: FileSpace,
  path: string,
  options: Pick<CheckpointOptions, 'acceptBase'> = {},
): Promise<string> {
  const lasting = await openLastingOverlay(space, path, { writable: true, ...options })
  return replaceByFrozen(space, lasting)
}

export interface MergeOptions extends Pick<CheckpointOptions, 'acceptBase'> {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CommitProgress) => void) | undefined
}

/**
 * Carries what was staged since the last checkpoint into it, and goes on from there; resolves with its
 * name. When it is cut short the overlay says so, reads as before, and merging again finishes it.
 */
export async function mergeDown(
  space: FileSpace,
  path: string,
  { acceptBase, signal, onProgress }: MergeOptions = {},
): Promise<string> {
  const options = { writable: true, interrupted: true, acceptBase }
  const lasting = await openLastingOverlay(space, path, options)
  try {
    const below = frozenBelow(lasting)
    const frozen = await openLastingOverlay(space, below.path, {
      writable: true,
      frozenToo: true,
      acceptBase,
    })
    try {
      checkSizes(path, lasting, frozen)
      await lasting.markCommitting({ undoName: '' })
      await commitOverlay({
        overlay: lasting.overlay,
        target: frozen.overlay,
        verify: false,
        signal,
        onProgress,
      })
    } finally {
      await frozen.close()
    }
  } finally {
    await lasting.close()
  }
  const merged = await openLastingOverlay(space, path, options)
  return replaceByFrozen(space, merged)
}

/** Closes it. The overlay file becomes what the checkpoint below is, and what lay above that is removed. */
async function replaceByFrozen(space: FileSpace, lasting: LastingOverlay): Promise<string> {
  const { path } = lasting
  let below: OverlayLayer
  let header: AddCowHeader
  try {
    below = frozenBelow(lasting)
    header = ensure(below.file.header, 'header of a frozen overlay')
    const { fresh } = await freeNames(space, path, header.generation + 1)
    const thawed: AddCowHeader = { ...header, state: 'clean', checkpointName: '' }
    await createFiles(space, [overlayFile(fresh, thawed, below)])
    await takePlace(space, fresh, path)
  } finally {
    await lasting.close()
  }
  await space.remove(below.path)
  await space.remove(lasting.top.imagePath)
  await space.syncNames(path)
  return header.checkpointName
}

/**
 * The step at which everything is as it was to be. The old file is still open, so that nobody else can
 * begin to write to it and lose that.
 */
async function takePlace(space: FileSpace, fresh: string, path: string): Promise<void> {
  await space.rename(fresh, path)
  await space.syncNames(path)
}

/** A new overlay file with the header, and with the states of a layer. */
function overlayFile(path: string, header: AddCowHeader, layer?: OverlayLayer): NewFile {
  const blocks = Math.ceil(header.size / header.clusterSize)
  return {
    path,
    size: overlayFileSize(blocks),
    write: (disk) => AddCowFile.fill(disk, header, layer?.overlay.blocks.states),
  }
}

/** More than anybody has; a search for free names ends here. */
const MAX_NUMBER = 10_000

/** Names for the files of checkpoint N, for the first N from `from` on with which none is taken. */
async function freeNames(space: FileSpace, path: string, from: number) {
  for (let number = from; number < from + MAX_NUMBER; number++) {
    const name = (kind: string) => join(dirname(path), `${basename(path)}.${kind}-${number}`)
    const names = { frozen: name('checkpoint'), image: name('image'), fresh: name('new') }
    const facts = await Promise.all(Object.values(names).map((each) => space.facts(each)))
    if (facts.every((found) => found === undefined)) return { number, ...names }
  }
  throw new PlatterError('LIMIT', `${path}: ${MAX_NUMBER} names for its checkpoints are taken`)
}

function headerOf({ path, header }: LastingOverlay): AddCowHeader {
  if (header !== undefined) return header
  throw new PlatterError(
    'NOT_SUPPORTED',
    `${path}: an overlay file of version 1 has no checkpoints; version 2 has`,
  )
}

function frozenBelow(lasting: LastingOverlay): OverlayLayer {
  const below = lasting.layers[1]
  if (below !== undefined) return below
  throw new PlatterError('BAD_REQUEST', `${lasting.path}: the overlay has no checkpoint`)
}

function refuseTaken({ path, layers }: LastingOverlay, name: string): void {
  if (name === '') throw new PlatterError('BAD_REQUEST', `${path}: a checkpoint needs a name`)
  if (layers.every(({ file }) => file.header?.checkpointName !== name)) return
  throw new PlatterError('ALREADY_EXISTS', `${path}: a checkpoint '${name}' is there already`)
}

function checkSizes(path: string, top: LastingOverlay, below: LastingOverlay): void {
  if (top.overlay.size === below.overlay.size) return
  throw new PlatterError(
    'BAD_SIZE',
    `${path}: it has ${top.overlay.size} bytes and its checkpoint ${below.overlay.size}: after a change of size there is only going back; nothing was changed`,
  )
}
