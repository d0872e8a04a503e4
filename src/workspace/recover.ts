// Commits that were cut short: how the overlay of a session was found, and the ways on.

import type { JobInfo } from '../bridge/model'
import { PlatterError } from '../engine/base/errors'
import { formatSize } from '../engine/base/size-text'
import { holdBlocks } from '../engine/layers/hold-blocks'
import type { CommitHost } from './commit-host'
import { startCommitJob } from './commit-job'
import { commitLasting, undoInterrupted } from './commit-lasting'
import type { Session } from './session'

/** NOT_FOUND when no commit was cut short. */
export function finishCommit(
  session: Session,
  { jobs }: CommitHost,
  options: { readonly verify: boolean },
): JobInfo {
  const { kept, recover } = interrupted(session)
  return startCommitJob(session, jobs, {
    title: `Finishing the commit to ${session.image.info.name}`,
    total: recover.bytes,
    run: async (onProgress, signal) => {
      try {
        const wish = { ...options, onProgress, signal }
        const { bytes, undoPath, sizes } = await commitLasting(kept.space, kept.lasting, wish)
        const shrinksBy = Math.max(0, sizes[1] - sizes[0])
        if (undoPath !== undefined) {
          session.undo = { path: undoPath, bytes, time: Date.now(), shrinksBy, isRedo: false }
        }
        return `${formatSize(bytes)}: written${options.verify ? ', read back and equal' : ''}`
      } finally {
        await session.image.accept()
      }
    },
  })
}

/** NOT_FOUND when no commit was cut short, or nothing was kept of what it overwrote. */
export function undoInterruptedCommit(session: Session, { jobs }: CommitHost): JobInfo {
  const { kept, recover } = interrupted(session)
  return startCommitJob(session, jobs, {
    title: `Undoing the commit to ${session.image.info.name}`,
    total: recover.bytes,
    run: async (onProgress, signal) => {
      try {
        const { bytes } = await undoInterrupted(kept.space, kept.lasting, {
          onProgress,
          signal,
          around: (range, put) => holdBlocks(kept.lasting.overlay, range, put),
        })
        return `${formatSize(bytes)}: written back`
      } finally {
        await session.image.accept()
      }
    },
  })
}

function interrupted({ kept, recover, image }: Session) {
  if (kept !== undefined && recover?.kind === 'committing') return { kept, recover }
  throw new PlatterError('NOT_FOUND', `${image.info.name}: no commit was cut short`)
}
