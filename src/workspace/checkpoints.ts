// Checkpoints of a session that is kept in a file: the overlay is closed, changed, and opened again in the
// same session. Clients of an export would be left with an overlay that is closed, so there are none.

import type { JobInfo } from '../bridge/model'
import { PlatterError } from '../engine/base/errors'
import { formatSize } from '../engine/base/size-text'
import { findRecover } from './interrupted'
import type { Jobs } from './jobs'
import type { KeptOverlay } from './kept-overlay'
import { goBack, makeCheckpoint, mergeDown } from './lasting-overlay-checkpoints'
import type { Session } from './session'
import type { Busy } from './session-busy'

/** Resolves with the name of the checkpoint; BUSY while it is served, saved or committed. */
export async function makeSessionCheckpoint(
  session: Session,
  busy: Busy,
  name: string | undefined,
): Promise<string> {
  return whileClosed(session, busy, ({ space, lasting }) =>
    makeCheckpoint(space, lasting.path, { name }),
  )
}

/** Forgets what is staged since the last checkpoint; resolves with its name. */
export async function goBackInSession(session: Session, busy: Busy): Promise<string> {
  return whileClosed(session, busy, ({ space, lasting }) => goBack(space, lasting.path))
}

/** The job that carries what is staged since the last checkpoint into it. */
export function mergeInSession(session: Session, busy: Busy, jobs: Jobs): JobInfo {
  const kept = keptOf(session, busy)
  const { written, zeroed } = session.overlay.staged()
  const total = written + zeroed
  const into = kept.info().checkpoints[0]?.name
  if (into === undefined) {
    throw new PlatterError('BAD_REQUEST', `${kept.info().path}: the overlay has no checkpoint`)
  }
  return jobs.start({
    session: session.id,
    kind: 'merge',
    title: `Merging ${formatSize(total, 2)} into ${into}`,
    total,
    run: async (onProgress, signal) => {
      await whileClosed(session, busy, ({ space, lasting }) =>
        mergeDown(space, lasting.path, { signal, onProgress }),
      )
      return `${into}: ${formatSize(total, 2)} merged into it`
    },
  })
}

async function whileClosed<T>(
  session: Session,
  busy: Busy,
  act: (kept: KeptOverlay) => Promise<T>,
): Promise<T> {
  keptOf(session, busy)
  const results: T[] = []
  await session.exchangeOverlay(async () => {
    // What was starting when it was asked for has started by now.
    const kept = keptOf(session, busy)
    try {
      results.push(await kept.whileClosed(() => act(kept)))
    } finally {
      // A merge is a commit into the layer below, and can be cut short like one.
      session.recover = await findRecover(kept.space, kept.lasting)
    }
    return undefined
  })
  return results[0] as T
}

function keptOf({ image, kept, commitJob }: Session, busy: Busy): KeptOverlay {
  const because = (code: 'BUSY' | 'BAD_REQUEST', why: string) =>
    new PlatterError(code, `${image.info.name}: ${why}; nothing was changed`)
  if (kept === undefined) {
    throw because('BAD_REQUEST', 'checkpoints need the staged changes to be kept in a file')
  }
  if (commitJob !== undefined) throw because('BUSY', 'a commit is running')
  const reason = busy()
  if (reason !== undefined) throw because('BUSY', reason)
  return kept
}
