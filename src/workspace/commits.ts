// Carrying staged blocks into the image: what a person is shown before, and the job that does it.

import type { CommitReview, JobInfo } from '../bridge/model'
import { PlatterError, toPlainError } from '../engine/base/errors'
import { type ByteRange, joinRanges } from '../engine/base/ranges'
import { formatSize, groupDigits } from '../engine/base/size-text'
import { commitOverlay } from '../engine/layers/commit'
import type { Jobs } from './jobs'
import type { Session } from './session'
import { stagedRows } from './staged-list'

const SAMPLE_ROWS = 200

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
    growsBy: 0,
    undoBytes: written + zeroed,
    warnings,
    ...(refusal === undefined ? {} : { refusal: toPlainError(refusal) }),
  }
}

async function whyNot(session: Session, runs: number): Promise<PlatterError | undefined> {
  const { info } = session.image
  if (session.commitJob !== undefined) {
    return new PlatterError('BUSY', `${info.name}: a commit is running already`)
  }
  if (runs === 0) return new PlatterError('BAD_REQUEST', `${info.name}: nothing is staged`)
  if (info.readOnlyReason !== undefined) {
    return new PlatterError(
      'NO_PERMISSION',
      `${info.locator}: cannot be written: ${info.readOnlyReason}; nothing was changed`,
    )
  }
  const changed = await session.image.changedSince()
  if (changed === undefined) return undefined
  return new PlatterError('TARGET_CHANGED', `${info.locator}: ${changed}; nothing was changed`)
}

export async function startCommit(
  session: Session,
  jobs: Jobs,
  options: { readonly ranges?: readonly ByteRange[] | undefined; readonly verify: boolean },
): Promise<JobInfo> {
  const review = await reviewCommit(session, options.ranges, 0)
  if (review.refusal !== undefined) {
    throw new PlatterError(review.refusal.code ?? 'BAD_REQUEST', review.refusal.message)
  }
  // The review waited for the file system: from here to the mark below nothing is awaited.
  if (session.commitJob !== undefined) {
    throw new PlatterError('BUSY', `${session.image.info.name}: a commit is running already`)
  }
  const count = `${groupDigits(review.ranges)} ${review.ranges === 1 ? 'range' : 'ranges'}`
  const job = jobs.start({
    session: session.id,
    kind: 'commit',
    title: `Writing ${count} to ${session.image.info.name}`,
    total: review.bytes,
    run: async (progress, signal) => {
      try {
        return await carry(session, options, progress, signal)
      } finally {
        session.commitJob = undefined
        await session.settled()
        session.announce()
      }
    },
  })
  session.commitJob = job.id
  session.announce()
  return job
}

async function carry(
  session: Session,
  options: { readonly ranges?: readonly ByteRange[] | undefined; readonly verify: boolean },
  onProgress: (now: { phase: string; done: number; total: number }) => void,
  signal: AbortSignal,
): Promise<string> {
  const target = await session.image.openTarget()
  try {
    const { ranges, bytes } = await commitOverlay({
      overlay: session.overlay,
      target: target.disk,
      ...(options.ranges === undefined ? {} : { ranges: options.ranges }),
      verify: options.verify,
      signal,
      onProgress,
    })
    const what = `${groupDigits(ranges)} ${ranges === 1 ? 'range' : 'ranges'}, ${formatSize(bytes)}`
    return `${what}: written${options.verify ? ', read back and equal' : ''}`
  } finally {
    await target.release()
  }
}
