import type { JobInfo } from '../bridge/model'
import { PlatterError } from '../engine/base/errors'
import type { CarryProgress } from './carry-into-base'
import { findRecover } from './interrupted'
import type { Jobs } from './jobs'
import type { Session } from './session'

export interface CommitWork {
  readonly title: string
  readonly total: number
  /** Resolves with the sentence that says how it ended. */
  run(progress: (now: CarryProgress) => void, signal: AbortSignal): Promise<string>
}

/** The job that writes to a session's image: one at a time, BUSY beside another. */
export function startCommitJob(session: Session, jobs: Jobs, work: CommitWork): JobInfo {
  // Who asked waited for the file system: from here to the mark below nothing is awaited.
  if (session.commitJob !== undefined) throw whyBusy(session)
  const job = jobs.start({
    session: session.id,
    kind: 'commit',
    title: work.title,
    total: work.total,
    run: async (progress, signal) => {
      try {
        return await work.run(progress, signal)
      } finally {
        session.commitJob = undefined
        const { kept } = session
        if (kept !== undefined) session.recover = await findRecover(kept.space, kept.lasting)
        await session.settled()
        session.announce()
      }
    },
  })
  session.commitJob = job.id
  session.announce()
  return job
}

export function whyBusy({ image, commitJob }: Session): PlatterError | undefined {
  if (commitJob === undefined) return undefined
  return new PlatterError('BUSY', `${image.info.name}: a commit is running already`)
}
