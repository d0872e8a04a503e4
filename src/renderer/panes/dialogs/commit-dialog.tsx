// The review before a commit, its progress, and how it ended. Closing it does not stop a commit.

import { useState } from 'react'
import type { CommitReview, JobId, SessionInfo } from '../../../bridge/model'
import { formatExact, formatSize, groupDigits } from '../../../engine/base/size-text'
import { messageOf } from '../../state/app'
import { useAnswer } from '../../state/use-answer'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { CheckField } from '../../widgets/check-field'
import { countOf } from '../../widgets/count-words'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import { CommitProgress } from './commit-progress'
import { StagedSample } from './staged-sample'

interface CommitDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function CommitDialog({ session, onClose }: CommitDialogProps) {
  const [started, setStarted] = useState<JobId | undefined>(session.commitJob)
  const job = useAppState((state) => state.jobs.find((each) => each.id === started))
  if (job !== undefined) return <CommitProgress session={session} job={job} onClose={onClose} />
  return <ReviewDialog session={session} onClose={onClose} onStarted={setStarted} />
}

interface ReviewDialogProps extends CommitDialogProps {
  readonly onStarted: (job: JobId) => void
}

function ReviewDialog({ session, onClose, onStarted }: ReviewDialogProps) {
  const app = useApp()
  const [verify, setVerify] = useState(true)
  const attempt = useAttempt()
  const answer = useAnswer('commit.review', { session: session.id }, session.epoch)
  const review = answer.got?.value
  const ready = review !== undefined && review.refusal === undefined && review.ranges > 0

  const commit = () =>
    attempt.start(async () => {
      const { value } = await app.request('commit.start', { session: session.id, verify })
      onStarted(value.job)
    })
  const problem =
    attempt.problem ?? (answer.error === undefined ? undefined : messageOf(answer.error))
  return (
    <DialogFrame
      title="Commit"
      width="wide"
      onClose={onClose}
      onSubmit={() => ready && commit()}
      footer={
        <>
          <div className="grow">
            <CheckField checked={verify} onChange={setVerify}>
              Read back and compare
            </CheckField>
          </div>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={!ready || attempt.pending}>
            {buttonText(review, session)}
          </Button>
        </>
      }
    >
      {review && <ReviewBody review={review} />}
      {problem !== undefined && <Problem>{problem}</Problem>}
    </DialogFrame>
  )
}

const buttonText = (review: CommitReview | undefined, { image }: SessionInfo) =>
  review === undefined
    ? `Write to ${image.name}`
    : `Write ${countOf(review.ranges, 'range')} (${formatSize(review.bytes)}) to ${image.name}`

function ReviewBody({ review }: { readonly review: CommitReview }) {
  const sums = [
    ['Ranges', groupDigits(review.ranges)],
    ['Bytes', formatSize(review.bytes, 2), formatExact(review.bytes)],
    ['Written', formatSize(review.writtenBytes, 2), formatExact(review.writtenBytes)],
    ['Zeroed', formatSize(review.zeroedBytes, 2), formatExact(review.zeroedBytes)],
  ] as const
  return (
    <>
      <p>
        What is staged is written into
        <code className="mono commit-target">{review.target}</code>
      </p>
      <dl className="commit-sums">
        {sums.map(([name, value, title]) => (
          <div key={name} title={title}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <StagedSample rows={review.sample} total={review.ranges} />
      {review.warnings.map((warning) => (
        <Problem tone="warning" key={warning}>
          {warning}
        </Problem>
      ))}
      {review.refusal && <Problem>{review.refusal.message}</Problem>}
    </>
  )
}
