// Committing a lasting overlay into the image below it, finishing a commit that was cut short, and undoing:
// an undo file is a lasting overlay too, and committing it writes back what was overwritten.

import { resolve } from 'node:path'
import { ensure } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import { type ByteRange, joinRanges } from '../engine/base/ranges'
import type { FileSpace } from '../engine/disk/file-space'
import type { AddCowHeader, BaseIdentity } from '../engine/formats/add-cow/add-cow-header'
import type { CommitResult } from '../engine/layers/commit'
import { copyUp } from '../engine/layers/copy-up'
import type { OverlayDisk } from '../engine/layers/overlay'
import { baseChanged, baseDifference, identifyBase } from './base-identity'
import { type CarryProgress, carryIntoBase, type UndoPlace } from './carry-into-base'
import { FileBase } from './commit-base'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import { nameFrom } from './lasting-overlay-create'
import { resolveName } from './lasting-overlay-layers'
import { openUndoFile } from './undo-file'

export interface CommitLastingOptions {
  /** All blocks that these touch; everything unless told, or what the commit that was cut short had. */
  readonly ranges?: readonly ByteRange[] | undefined
  /** A new file that keeps what is overwritten, absolute. */
  readonly undoPath?: string | undefined
  readonly verify: boolean
  /** Puts a range of the base by calling `put`, while nothing else happens there. */
  readonly around?: (range: ByteRange, put: () => Promise<void>) => Promise<void>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CarryProgress) => void) | undefined
}

export interface LastingCommit extends CommitResult {
  /** It finished one that had been cut short. */
  readonly finished: boolean
  /** Where what it overwrote is kept. */
  readonly undoPath?: string
  /** Of the base, before and after. */
  readonly sizes: readonly [before: number, after: number]
}

/** `lasting` is open for writing and stays open; also when a commit of it was cut short. */
export async function commitLasting(
  space: FileSpace,
  lasting: LastingOverlay,
  options: CommitLastingOptions,
): Promise<LastingCommit> {
  refuseCheckpoints(lasting)
  const { header, overlay } = lasting
  const work =
    header?.commit === undefined ? plainWork(space, options) : await restOf(space, lasting, options)
  if (isDone(lasting, options)) {
    const { size } = lasting.image.disk
    return { ranges: 0, bytes: 0, finished: false, sizes: [size, size] }
  }
  const base = await FileBase.open(space, lasting.image.path)
  try {
    const before = base.disk.size
    const cutTo = header?.undo === undefined ? undefined : header.size
    const result = await carryIntoBase({
      overlay,
      base,
      ranges: work.ranges,
      undo: work.undo,
      verify: options.verify,
      signal: options.signal,
      onProgress: options.onProgress,
      check: (now) => checkNow(space, lasting, work.undo, now),
      cutTo,
      ...(options.around === undefined ? {} : { around: options.around }),
      onResized: async () => {
        const { path, disk } = lasting.image
        await disk.replace(await space.open(path, { writable: false }))
      },
      ...(header === undefined ? {} : { marks: marksOf(lasting) }),
    })
    const undoPath = work.undo?.path
    const sizes = [before, base.disk.size] as const
    return { ...result, finished: work.finishes, sizes, ...(undoPath && { undoPath }) }
  } finally {
    await base.close()
  }
}

/** What a commit that was cut short would have kept for undoing it, where that is still there. */
export async function undoFileOf(
  space: FileSpace,
  { path, header }: LastingOverlay,
): Promise<string | undefined> {
  const name = header?.commit?.undoName
  if (name === undefined || name === '') return undefined
  const undoPath = resolveName(path, name)
  return (await space.facts(undoPath)) === undefined ? undefined : undoPath
}

/**
 * Undoes a commit of `lasting`, which is open for writing, that was cut short: the base is as it was before,
 * and what is still staged stays staged. NOT_FOUND when nothing was kept.
 */
export async function undoInterrupted(
  space: FileSpace,
  lasting: LastingOverlay,
  options: Pick<CommitLastingOptions, 'around' | 'signal' | 'onProgress'>,
): Promise<LastingCommit> {
  const undoPath = await undoFileOf(space, lasting)
  if (undoPath === undefined) {
    throw new PlatterError(
      'NOT_FOUND',
      `${lasting.path}: what its commit overwrote was not kept, so it cannot be undone, only finished; nothing was changed`,
    )
  }
  const undo = await openLastingOverlay(space, undoPath, { writable: true, interrupted: true })
  let result: LastingCommit
  try {
    await stageAgain(lasting, undo)
    result = await commitLasting(space, undo, { ...options, verify: false })
  } finally {
    await undo.close()
  }
  const { path, disk } = lasting.image
  await disk.replace(await space.open(path, { writable: false }))
  const now = await identifyBase(space, path, disk)
  await lasting.top.file.markCommitted(now)
  lasting.overlay.onChange({ offset: 0, length: lasting.overlay.size })
  return result
}

/**
 * A commit that was cut short at its very end has landed, and some or all of its blocks are not staged any
 * more. The base has their bytes: they are staged again before it loses them.
 */
async function stageAgain({ overlay }: LastingOverlay, undo: LastingOverlay): Promise<void> {
  const { header } = undo
  if (header?.undo !== 'done' || header.commit !== undefined) return
  const grown = { offset: header.size, length: Math.max(0, overlay.size - header.size) }
  for (const range of [...undo.overlay.stagedRuns(), grown]) await copyUp(overlay.blocks, range)
  await overlay.flush()
}

interface Work {
  readonly ranges: readonly ByteRange[] | undefined
  readonly undo: UndoPlace | undefined
  readonly finishes: boolean
}

const plainWork = (space: FileSpace, { ranges, undoPath }: CommitLastingOptions): Work => ({
  ranges,
  undo: undoPath === undefined ? undefined : { space, path: resolve(undoPath) },
  finishes: false,
})

/** The same ranges and undo file again may be named; others have to wait until this one is finished. */
async function restOf(
  space: FileSpace,
  lasting: LastingOverlay,
  { ranges, undoPath }: CommitLastingOptions,
): Promise<Work> {
  const commit = lasting.header?.commit
  const undoName = commit?.undoName ?? ''
  const known = undoName === '' ? undefined : resolveName(lasting.path, undoName)
  const sameRanges = ranges === undefined || sameBlocks(lasting, ranges, commit?.ranges)
  if (!sameRanges || (undoPath !== undefined && undoPath !== known)) {
    throw new PlatterError(
      'COMMIT_INTERRUPTED',
      `${lasting.path}: a commit of this overlay was cut short: finish it first, without other ranges or another undo file; nothing was changed`,
      { data: { path: lasting.path } },
    )
  }
  const path = await undoFileOf(space, lasting)
  const undo = path === undefined ? undefined : { space, path, isMade: true }
  return { ranges: commit?.ranges, undo, finishes: true }
}

function sameBlocks(
  { overlay }: LastingOverlay,
  asked: readonly ByteRange[],
  known: readonly ByteRange[] | undefined,
): boolean {
  const { grid } = overlay.blocks
  const blocks = joinRanges(overlay.spansOf(asked, 'commit').map((span) => grid.bytesOf(span)))
  const text = (list: readonly ByteRange[] = []) =>
    list.map(({ offset, length }) => `${offset}+${length}`).join()
  return text(blocks) === text(known)
}

function marksOf(lasting: LastingOverlay) {
  const { file } = lasting.top
  return {
    begin: async ({
      ranges,
      undoName,
    }: {
      ranges?: readonly ByteRange[] | undefined
      undoName: string
    }) => {
      const name = undoName === '' ? '' : nameFrom(lasting.path, undoName)
      await file.markCommitting({ ...(ranges && { ranges }), undoName: name })
    },
    end: (base: BaseIdentity) => file.markCommitted(base),
  }
}

/** Once more, as nobody can change it from here on. */
async function checkNow(
  space: FileSpace,
  { header, image, overlay }: LastingOverlay,
  undo: UndoPlace | undefined,
  now: BaseIdentity,
): Promise<void> {
  if (header === undefined) return
  const { path } = image
  if (header.undo === 'pending') return checkOldView(space, path, header, overlay)
  if (header.state !== 'committing') {
    const why = baseDifference(header.base, now)
    if (why !== undefined) throw baseChanged(path, why)
    return
  }
  const mayBeResized = header.undo !== undefined || header.size > header.base.size
  if (now.size !== header.base.size && !(mayBeResized && now.size === header.size)) {
    const had = `it had ${header.base.size} bytes before the commit that was cut short`
    throw baseChanged(path, `${had}, and has ${now.size}`)
  }
  if (undo?.isMade === true) await takeUpUndo(space, undo.path, image, now)
}

/**
 * The undo file of a commit that is being finished, which will change the base once more: it goes by what it
 * shows again, until that is over.
 */
async function takeUpUndo(
  space: FileSpace,
  undoPath: string,
  { path, disk }: LastingOverlay['image'],
  now: BaseIdentity,
): Promise<void> {
  const { file, overlay } = await openUndoFile(space, undoPath, disk)
  try {
    const header = ensure(file.header, 'header of an undo file')
    if (header.undo === 'pending') return await checkOldView(space, path, header, overlay)
    const why = baseDifference(header.base, now)
    if (why !== undefined) throw baseChanged(path, why)
    const base = await identifyBase(space, path, overlay)
    await file.update((known) => ({ ...known, base, undo: 'pending' }))
  } finally {
    await overlay.close()
  }
}

/** Through an undo file the base reads as before its commit at every moment of it. */
async function checkOldView(
  space: FileSpace,
  path: string,
  { base }: AddCowHeader,
  overlay: OverlayDisk,
): Promise<void> {
  const { size, sampleHash } = await identifyBase(space, path, overlay)
  const isSame = size === base.size && Buffer.compare(sampleHash, base.sampleHash) === 0
  if (!isSame) throw baseChanged(path, 'samples of what the commit left alone are different')
}

/** Nothing is staged, no commit was cut short, and the base is as long as it is to be. */
function isDone({ header, overlay, image }: LastingOverlay, { ranges }: CommitLastingOptions) {
  if (overlay.stagedRunCount() > 0 || header?.commit !== undefined) return false
  const isLong = header?.undo === undefined && image.disk.size > overlay.size
  return ranges !== undefined || isLong || image.disk.size === overlay.size
}

function refuseCheckpoints({ path, layers }: LastingOverlay): void {
  if (layers.length === 1) return
  throw new PlatterError(
    'NOT_SUPPORTED',
    `${path}: the overlay has checkpoints: take it into them first (platter overlay checkpoint --merge); nothing was changed`,
    { data: { path } },
  )
}
