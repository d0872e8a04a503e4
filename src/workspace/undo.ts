// Undoing the last commit of a session: the bytes that it overwrote are written back, while what is staged
// stays staged. What that takes away is kept in turn, so that it can be taken back.

import type { JobInfo } from '../bridge/model'
import type { UndoInfo, UndoReview } from '../bridge/undo-model'
import { PlatterError, toPlainError } from '../engine/base/errors'
import { formatSize } from '../engine/base/size-text'
import { holdBlocks } from '../engine/layers/hold-blocks'
import { type CarryProgress, carryIntoBase } from './carry-into-base'
import type { CommitBase } from './commit-base'
import type { CommitHost } from './commit-host'
import { startCommitJob, whyBusy } from './commit-job'
import { noteUndo, whyNotWritable } from './commits'
import { whyInterrupted } from './interrupted'
import type { Session } from './session'
import { openSessionBase } from './session-base'
import { openUndoFile } from './undo-file'

export async function reviewUndo(
  session: Session,
  { space }: CommitHost,
  clients: number,
): Promise<UndoReview> {
  const undo = lastOf(session)
  const { info } = session.image
  const refusal = await whyNot(session, undo, space)
  const warnings: string[] = []
  if (clients > 0) {
    const who = clients === 1 ? '1 NBD client is' : `${clients} NBD clients are`
    warnings.push(`${who} connected, and will find other bytes where nothing is staged.`)
  }
  if (info.kind === 'nbd') {
    warnings.push('Nobody can tell whether others wrote to the server since: that would be lost.')
  }
  return {
    ...undo,
    target: info.locator,
    warnings,
    ...(refusal === undefined ? {} : { refusal: toPlainError(refusal) }),
  }
}

/** Rejects as its review says, before anything is touched. */
export async function startUndo(session: Session, host: CommitHost): Promise<JobInfo> {
  const undo = lastOf(session)
  const refusal = await whyNot(session, undo, host.space)
  if (refusal !== undefined) throw refusal
  return startCommitJob(session, host.jobs, {
    title: `${undo.isRedo ? 'Bringing back' : 'Undoing'} the commit to ${session.image.info.name}`,
    total: undo.bytes,
    run: (progress, signal) => writeBack(session, host, undo, { onProgress: progress, signal }),
  })
}

async function writeBack(
  session: Session,
  host: CommitHost,
  undo: UndoInfo,
  how: { readonly onProgress: (now: CarryProgress) => void; readonly signal: AbortSignal },
): Promise<string> {
  const redo = await host.undos.newPath()
  const { base, release } = await openSessionBase(session, host)
  const before = base.disk.size
  try {
    const bytes = await carryOld(session, host, base, { undoPath: undo.path, redo, ...how })
    const shrinksBy = Math.max(0, base.disk.size - before)
    await noteUndo(session, host, { path: redo, bytes, isRedo: !undo.isRedo, shrinksBy })
    return `${formatSize(bytes)}: written back, read back and equal`
  } finally {
    await release()
    if (session.undo !== undo && host.undos.owns(undo.path)) await host.undos.remove(undo.path)
  }
}

async function carryOld(
  session: Session,
  { space }: CommitHost,
  base: CommitBase,
  {
    undoPath,
    redo,
    ...how
  }: {
    readonly undoPath: string
    readonly redo: string
    readonly onProgress: (now: CarryProgress) => void
    readonly signal: AbortSignal
  },
): Promise<number> {
  const { file, overlay } = await openUndoFile(space, undoPath, base.disk)
  try {
    const { bytes } = await carryIntoBase({
      overlay,
      base,
      verify: true,
      undo: { space, path: redo },
      marks: {
        begin: () => file.markCommitting({ undoName: '' }),
        end: (now) => file.markCommitted(now),
      },
      cutTo: file.header?.size,
      around: (range, put) => holdBlocks(session.overlay, range, put),
      onResized: async () => {
        const image = session.kept?.lasting.image
        await image?.disk.replace(await space.open(image.path, { writable: false }))
      },
      ...how,
    })
    return bytes
  } finally {
    await overlay.close()
    await noteBase(session, base)
  }
}

/** The overlay file knows the base as it is now, whatever came of it: this session changed it, nobody else. */
async function noteBase({ kept }: Session, base: CommitBase): Promise<void> {
  const file = kept?.lasting.top.file
  if (file?.header === undefined) return
  const now = await base.identify()
  await file.update((header) => ({ ...header, base: now }))
}

async function whyNot(
  session: Session,
  undo: UndoInfo,
  space: CommitHost['space'],
): Promise<PlatterError | undefined> {
  const refusal = whyBusy(session) ?? whyInterrupted(session)
  if (refusal !== undefined) return refusal
  if ((await space.facts(undo.path)) === undefined) {
    return new PlatterError(
      'NOT_FOUND',
      `${undo.path}: what the commit overwrote is not there any more; nothing was changed`,
    )
  }
  return whyNotWritable(session)
}

function lastOf({ undo, image }: Session): UndoInfo {
  if (undo !== undefined) return undo
  throw new PlatterError('NOT_FOUND', `${image.info.name}: there is no commit to undo`)
}
