import type { JobInfo } from '../../../bridge/model'
import { openLocator } from '../../actions/open-image'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { JobView } from '../../widgets/job-view'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'

interface SaveProgressProps {
  readonly job: JobInfo
  readonly onClose: () => void
}

const TITLES = { running: 'Saving', done: 'Saved', failed: 'Not saved', cancelled: 'Not saved' }

/** A copy that runs, or how it ended. Closing it does not stop the copy. */
export function SaveProgress({ job, onClose }: SaveProgressProps) {
  const app = useApp()
  const attempt = useAttempt()
  const running = job.state === 'running'
  const cancel = () =>
    attempt.start(async () => {
      await app.request('job.cancel', { job: job.id })
    })
  const open = () =>
    attempt.start(async () => {
      if (job.file === undefined) return
      await openLocator(app, job.file)
      onClose()
    })
  return (
    <DialogFrame
      title={TITLES[job.state]}
      onClose={onClose}
      footer={
        running ? (
          <>
            <Button onClick={onClose}>Go on in the background</Button>
            <Button onClick={cancel} disabled={attempt.pending}>
              Cancel the copy
            </Button>
          </>
        ) : (
          <>
            {job.state === 'done' && job.file !== undefined && (
              <Button onClick={open} disabled={attempt.pending}>
                Open it
              </Button>
            )}
            <Button look="primary" onClick={onClose}>
              Close
            </Button>
          </>
        )
      }
    >
      <JobView job={job} />
      {!running && <Ending job={job} />}
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

function Ending({ job }: { readonly job: JobInfo }) {
  if (job.state === 'done') return <Problem tone="good">{job.summary ?? job.title}</Problem>
  return (
    <Problem tone={job.state === 'cancelled' ? 'warning' : 'problem'}>
      {job.error?.message ?? job.title}. Nothing is left of the copy.
    </Problem>
  )
}
