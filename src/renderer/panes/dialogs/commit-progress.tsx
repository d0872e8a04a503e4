import type { JobInfo, SessionInfo } from '../../../bridge/model'
import { formatPercent, formatSize } from '../../../engine/base/size-text'
import { stagedBytes } from '../../state/app-state'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { ProgressBar } from '../../widgets/progress-bar'
import { useAttempt } from '../../widgets/use-attempt'

interface CommitProgressProps {
  readonly session: SessionInfo
  readonly job: JobInfo
  readonly onClose: () => void
}

/** A commit that runs, or how it ended. */
export function CommitProgress({ session, job, onClose }: CommitProgressProps) {
  const app = useApp()
  const attempt = useAttempt()
  const running = job.state === 'running'
  const cancel = () =>
    attempt.start(async () => {
      await app.request('job.cancel', { job: job.id })
    })
  return (
    <DialogFrame
      title={running ? 'Committing' : endTitle(job)}
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
      <div className="job-progress">
        <p>
          <span>{job.title}</span>
          <span className="dim">{running ? job.phase : ''}</span>
        </p>
        <ProgressBar label={job.title} done={running ? job.done : endDone(job)} total={job.total} />
        {running && (
          <p className="dim">
            <span className="mono">
              {formatSize(job.done, 2)} of {formatSize(job.total, 2)},{' '}
              {formatPercent(job.done, job.total)}
            </span>
            <span className="mono">{job.rate > 0 ? `${formatSize(job.rate)}/s` : ''}</span>
          </p>
        )}
      </div>
      {!running && <Ending session={session} job={job} />}
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

const endDone = (job: JobInfo) => (job.state === 'done' ? job.total : job.done)

const endTitle = ({ state }: JobInfo) =>
  state === 'done' ? 'Committed' : state === 'cancelled' ? 'Commit cancelled' : 'Commit failed'

function Ending({ session, job }: Pick<CommitProgressProps, 'session' | 'job'>) {
  if (job.state === 'done') return <Problem tone="good">{job.summary ?? job.title}</Problem>
  const staged = stagedBytes(session)
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
