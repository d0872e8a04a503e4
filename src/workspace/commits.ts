// Carrying staged blocks into the image: what a person is shown before, and the job that does it.

import { resolve } from 'node:path'
import type { CommitReview, JobInfo } from '../bridge/model'
import type { UndoInfo } from '../bridge/undo-model'
import { PlatterError, toPlainError } from '../engine/base/errors'
import { type ByteRange, endOf, joinRanges } from '../engine/base/ranges'
import { formatSize, groupDigits } from '../engine/base/size-text'
import type { CommitResult } from '../engine/layers/commit'
import { type CarryProgress, carryIntoBase } from './carry-into-base'
import type { CommitHost } from './commit-host'
import { startCommitJob, whyBusy } from './commit-job'
import { commitLasting } from './commit-lasting'
import { whyInterrupted } from './interrupted'
import type { KeptOverlay } from './kept-overlay'
import type { Session } from './session'
import { openSessionBase } from './session-base'
import { stagedRows } from './staged-list'

const SAMPLE_ROWS = 200

export interface CommitWish {
  readonly ranges?: readonly ByteRange[] | undefined
  readonly verify: boolean
  /** Keep what is overwritten, in this new file or where the host keeps such files. */
  readonly undo?: { readonly path?: string } | undefined
}

export async function reviewCommit(
  session: Session,
  ranges: readonly ByteRange[] | undefined,
  clients: number,
): Promise<CommitReview> {
  const chosen = ranges === undefined ? undefined : joinRanges(ranges)
  const { total, rows, written, zeroed } = stagedRows(session, chosen, SAMPLE_ROWS)
  const warnings: string[] = []
  if (clients > 0) {
    const who = clients === 1 ? '1 NBD client is' : `${clients} NBD clients are`
    warnings.push(`${who} connected: what is written while the commit runs stays staged.`)
  }
  const refusal = await whyNot(session, total)
  return {
    target: session.image.info.locator,
    ranges: total,
    bytes: written + zeroed,
    writtenBytes: written,
    zeroedBytes: zeroed,
    sample: rows,
    growsBy: growsBy(session, chosen),
    undoBytes: written + zeroed,
    warnings,
    ...(refusal === undefined ? {} : { refusal: toPlainError(refusal) }),
  }
}

/** Bytes; a commit of ranges makes the image longer only where they reach behind its end. */
function growsBy({ kept, overlay }: Session, ranges: readonly ByteRange[] | undefined): number {
  const size = kept?.lasting.image.disk.size ?? overlay.size
  const reaches = ranges?.some((range) => overlay.stagedIn(size, endOf(range) - size).written > 0)
  return reaches === false ? 0 : Math.max(0, overlay.size - size)
}

async function whyNot(session: Session, runs: number): Promise<PlatterError | undefined> {
  const { info } = session.image
  const waits = whyBusy(session) ?? whyInterrupted(session)
  if (waits !== undefined) return waits
  if (runs === 0) return new PlatterError('BAD_REQUEST', `${info.name}: nothing is staged`)
  if ((session.kept?.lasting.layers.length ?? 1) > 1) {
    return new PlatterError(
      'NOT_SUPPORTED',
      `${info.name}: the overlay has checkpoints: merge them first; nothing was changed`,
    )
  }
  return whyNotWritable(session)
}

/** What speaks against writing to the image. */
export async function whyNotWritable({ image }: Session): Promise<PlatterError | undefined> {
  const { locator, readOnlyReason } = image.info
  if (readOnlyReason !== undefined) {
    return new PlatterError(
      'NO_PERMISSION',
      `${locator}: cannot be written: ${readOnlyReason}; nothing was changed`,
    )
  }
  const changed = await image.changedSince()
  if (changed === undefined) return undefined
  return new PlatterError('TARGET_CHANGED', `${locator}: ${changed}; nothing was changed`)
}

export async function startCommit(
  session: Session,
  host: CommitHost,
  wish: CommitWish,
): Promise<JobInfo> {
  const review = await reviewCommit(session, wish.ranges, 0)
  if (review.refusal !== undefined) {
    throw new PlatterError(review.refusal.code ?? 'BAD_REQUEST', review.refusal.message)
  }
  const { name } = session.image.info
  const count = `${groupDigits(review.ranges)} ${review.ranges === 1 ? 'range' : 'ranges'}`
  return startCommitJob(session, host.jobs, {
    title: `Writing ${count} to ${name}`,
    total: review.bytes,
    run: (progress, signal) => carry(session, host, wish, progress, signal),
  })
}

async function carry(
  session: Session,
  host: CommitHost,
  wish: CommitWish,
  onProgress: (now: CarryProgress) => void,
  signal: AbortSignal,
): Promise<string> {
  const undoPath = await undoPathOf(host, wish)
  let carried = 0
  const { kept } = session
  const sizeBefore = sizeOf(kept)
  const options = { ranges: wish.ranges, verify: wish.verify, signal, onProgress }
  session.undo = undefined
  try {
    const { ranges, bytes } =
      kept === undefined
        ? await carryTemporary(session, host, options, undoPath)
        : await carryKept(session, kept, { ...options, undoPath })
    carried = bytes
    const what = `${groupDigits(ranges)} ${ranges === 1 ? 'range' : 'ranges'}, ${formatSize(bytes)}`
    return `${what}: written${wish.verify ? ', read back and equal' : ''}`
  } catch (error) {
    if (error instanceof PlatterError) {
      carried = Number(error.data['carried'] ?? error.data['written'] ?? 0)
    }
    throw error
  } finally {
    if (undoPath !== undefined) {
      const shrinksBy = Math.max(0, sizeOf(kept) - sizeBefore)
      await noteUndo(session, host, { path: undoPath, bytes: carried, shrinksBy, isRedo: false })
    }
  }
}

/** ALREADY_EXISTS for a name that is taken. */
async function undoPathOf({ undos, space }: CommitHost, { undo }: CommitWish) {
  if (undo === undefined) return undefined
  if (undo.path === undefined) return undos.newPath()
  const path = resolve(undo.path)
  if ((await space.facts(path)) === undefined) return path
  throw new PlatterError('ALREADY_EXISTS', `${path}: it is there already; nothing was changed`)
}

/** Only below an overlay file does an image change its size. */
const sizeOf = (kept: KeptOverlay | undefined): number => kept?.lasting.image.disk.size ?? 0

/** Whatever came of the commit: where its undo file is complete, it can be undone. */
export async function noteUndo(
  session: Session,
  { space, undos }: CommitHost,
  undo: Omit<UndoInfo, 'time'>,
): Promise<void> {
  if ((await space.facts(undo.path)) === undefined) return
  session.undo = { ...undo, time: Date.now() }
  if (undos.owns(undo.path)) await undos.prune()
}

type CarryWish = Pick<
  Parameters<typeof carryIntoBase>[0],
  'ranges' | 'verify' | 'signal' | 'onProgress'
>

async function carryTemporary(
  session: Session,
  host: CommitHost,
  options: CarryWish,
  undoPath: string | undefined,
): Promise<CommitResult> {
  const { base, release } = await openSessionBase(session, host)
  try {
    const undo = undoPath === undefined ? undefined : { space: host.space, path: undoPath }
    return await carryIntoBase({ overlay: session.overlay, base, undo, ...options })
  } finally {
    await release()
  }
}

async function carryKept(
  { image }: Session,
  { space, lasting }: KeptOverlay,
  options: CarryWish & { readonly undoPath: string | undefined },
): Promise<CommitResult> {
  try {
    return await commitLasting(space, lasting, options)
  } finally {
    await image.accept()
  }
}
