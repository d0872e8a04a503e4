// Whether a commit of a session's lasting overlay was cut short, and what has to wait until somebody decides.

import type { RecoverInfo } from '../bridge/undo-model'
import { PlatterError } from '../engine/base/errors'
import type { FileSpace } from '../engine/disk/file-space'
import { undoFileOf } from './commit-lasting'
import type { KeptOverlay } from './kept-overlay'
import type { LastingOverlay } from './lasting-overlay'
import type { Session } from './session'

/** Asked again after each commit: one that fails is cut short as well. */
export async function findRecover(
  space: FileSpace,
  lasting: LastingOverlay,
): Promise<RecoverInfo | undefined> {
  const { header, overlay } = lasting
  if (header?.commit === undefined) return undefined
  const ranges = header.commit.ranges ?? [{ offset: 0, length: overlay.size }]
  let bytes = 0
  for (const { offset, length } of ranges) {
    const { written, zeroed } = overlay.stagedIn(offset, length)
    bytes += written + zeroed
  }
  const undo = await undoFileOf(space, lasting)
  return {
    kind: 'committing',
    bytes,
    ...(header.commit.ranges === undefined ? {} : { ranges: header.commit.ranges }),
    ...(undo === undefined ? {} : { undo }),
  }
}

/** As it was found when it was opened: that it was not closed is told as well, once. */
export async function foundAtOpening({
  space,
  lasting,
}: KeptOverlay): Promise<RecoverInfo | undefined> {
  const { written, zeroed } = lasting.overlay.staged()
  if (lasting.header?.state === 'dirty') return { kind: 'dirty', bytes: written + zeroed }
  return findRecover(space, lasting)
}

/** COMMIT_INTERRUPTED while somebody has to decide first. */
export function refuseInterrupted(session: Session): void {
  const refusal = whyInterrupted(session)
  if (refusal !== undefined) throw refusal
}

export function whyInterrupted({ image, recover }: Session): PlatterError | undefined {
  if (recover?.kind !== 'committing') return undefined
  return new PlatterError(
    'COMMIT_INTERRUPTED',
    `${image.info.name}: a commit was cut short: finish or undo it first; nothing was changed`,
  )
}
