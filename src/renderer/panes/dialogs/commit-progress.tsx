import type { JobInfo, SessionInfo } from '../../../bridge/model'
import { formatSize } from '../../../engine/base/size-text'
import { stagedBytes } from '../../state/app-state'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { JobView } from '../../widgets/job-view'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import type { JobWords } from './job-dialog'

interface CommitProgressProps {
  readonly session: SessionInfo
  readonly job: JobInfo
  /** Titles by how it stands, where it is no plain commit. */
  readonly words?: JobWords
  readonly onClose: () => void
}

/** A commit that runs, or how it ended. */
export function CommitProgress({ session, job, words = COMMITTING, onClose }: CommitProgressProps) {
  const app = useApp()
  const attempt = useAttempt()
  const running = job.state === 'running'
  const cancel = () =>
    attempt.start(async () => {
      await app.request('job.cancel', { job: job.id })
    })
  return (
    <DialogFrame
      title={words[job.state]}
      onClose={onClose}
      footer={
        running ? (
          <>
            <Button onClick={onClose}>Go on in the background</Button>
            <Button onClick={cancel} disabled={attempt.pending}>
              Cancel the commit
            </Button>
          </>
        ) : (
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        )
      }
    >
      <JobView job={job} />
      {running && (
        <p className="dim">
          A cancel stops after the blocks that are on their way; what is not carried stays staged.
        </p>
      )}
      {!running && <Ending session={session} job={job} />}
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

const COMMITTING: JobWords = {
  running: 'Committing',
  done: 'Committed',
  cancelled: 'Commit cancelled',
  failed: 'Commit failed',
}

function Ending({ session, job }: Pick<CommitProgressProps, 'session' | 'job'>) {
  const staged = stagedBytes(session)
  if (job.state === 'done') {
    return (
      <Problem tone="good">
        {job.summary ?? job.title}. {staged > 0 && `${formatSize(staged, 2)} still staged. `}
        {session.undo && 'Session, Undo commit… takes it back.'}
      </Problem>
    )
  }
  const rest =
    staged === 0
      ? ''
      : ` ${formatSize(staged, 2)} ${staged === 1 ? 'is' : 'are'} still staged; commit again to finish.`
  return (
    <Problem tone={job.state === 'cancelled' ? 'warning' : 'problem'}>
      {job.error?.message ?? job.summary ?? job.title}.{rest}
    </Problem>
  )
}
