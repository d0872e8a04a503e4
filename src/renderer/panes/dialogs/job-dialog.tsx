import type { JobInfo, JobState } from '../../../bridge/model'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { JobView } from '../../widgets/job-view'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'

/** Titles by how the job stands. */
export type JobWords = Readonly<Record<JobState, string>>

interface JobDialogProps {
  readonly job: JobInfo
  readonly words: JobWords
  /** A sentence behind how it ended. */
  readonly after: Readonly<Record<Exclude<JobState, 'running'>, string>>
  readonly onClose: () => void
  /** A further button of a job that is done. */
  readonly use?: { readonly text: string; run(): Promise<void> } | undefined
}

/** A job that runs, or how it ended. Closing the dialog does not stop the job. */
export function JobDialog({ job, words, after, onClose, use }: JobDialogProps) {
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
              Cancel
            </Button>
          </>
        ) : (
          <>
            {use && job.state === 'done' && (
              <Button onClick={() => attempt.start(use.run)} disabled={attempt.pending}>
                {use.text}
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
      {job.state !== 'running' && (
        <Problem tone={TONES[job.state]}>
          {sentence(job.error?.message ?? job.summary ?? job.title)} {after[job.state]}
        </Problem>
      )}
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

const TONES = { done: 'good', cancelled: 'warning', failed: 'problem' } as const

const sentence = (text: string) => (text.endsWith('.') ? text : `${text}.`)
