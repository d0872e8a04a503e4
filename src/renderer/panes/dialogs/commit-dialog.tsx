// The review before a commit, its progress, and how it ended. Closing it does not stop a commit.

import { useState } from 'react'
import { MAX_RANGES_PER_REQUEST } from '../../../bridge/contract'
import type { CommitReview, JobId, SessionInfo } from '../../../bridge/model'
import { formatExact, formatSize, groupDigits } from '../../../engine/base/size-text'
import { messageOf } from '../../state/app'
import { EVERYTHING, rangesOf } from '../../state/range-choice'
import { useAnswer } from '../../state/use-answer'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { CheckField } from '../../widgets/check-field'
import { countOf } from '../../widgets/count-words'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import { CommitProgress } from './commit-progress'
import { RangeList } from './range-list'

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
  const [keep, setKeep] = useState(true)
  const [choice, setChoice] = useState(EVERYTHING)
  const attempt = useAttempt()
  const ranges = rangesOf(choice, session.image.size)
  const asked = { session: session.id, ...(ranges && { ranges }) }
  const tooMany = ranges !== undefined && ranges.length > MAX_RANGES_PER_REQUEST
  const isNone = ranges?.length === 0
  const answer = useAnswer('commit.review', tooMany || isNone ? undefined : asked, session.epoch)
  const review = isNone ? undefined : answer.got?.value
  const isNow = answer.fresh && review !== undefined && review.refusal === undefined
  const ready = isNow && review.ranges > 0

  const commit = () =>
    attempt.start(async () => {
      const { value } = await app.request('commit.start', {
        ...asked,
        verify,
        ...(keep && { undo: {} }),
      })
      onStarted(value.job)
    })
  const problem =
    attempt.problem ??
    (tooMany ? TOO_MANY : answer.error === undefined ? undefined : messageOf(answer.error))
  return (
    <DialogFrame
      title="Commit"
      width="wide"
      onClose={onClose}
      onSubmit={() => ready && commit()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={!ready || attempt.pending}>
            {buttonText(review, session)}
          </Button>
        </>
      }
    >
      <p>
        What is chosen is written into
        <code className="mono commit-target">{review?.target ?? session.image.locator}</code>
      </p>
      <Sums review={review} />
      <RangeList
        session={session}
        choice={choice}
        onChoice={setChoice}
        count={isNone ? 0 : review?.ranges}
      />
      <CheckField checked={verify} onChange={setVerify}>
        Read back and compare
      </CheckField>
      <CheckField checked={keep} onChange={setKeep}>
        Keep what is overwritten, so that the commit can be undone{' '}
        <span className="dim mono">
          ({review === undefined ? 'nothing' : `at most ${formatSize(review.undoBytes, 2)}`})
        </span>
      </CheckField>
      <p className="dim">{whatHappens(session, verify, keep, review)}</p>
      {review?.warnings.map((warning) => (
        <Problem tone="warning" key={warning}>
          {warning}
        </Problem>
      ))}
      {review?.refusal && <Problem>{review.refusal.message}</Problem>}
      {problem !== undefined && <Problem>{problem}</Problem>}
    </DialogFrame>
  )
}

const TOO_MANY = `More than ${groupDigits(MAX_RANGES_PER_REQUEST)} ranges are chosen one by one: choose all and leave some out, or commit in parts.`

function buttonText(review: CommitReview | undefined, { image }: SessionInfo): string {
  if (review === undefined) return `Write to ${image.name}`
  return `Write ${countOf(review.ranges, 'range')} (${formatSize(review.bytes)}) to ${image.name}`
}

function whatHappens(
  { image, stagedRuns }: SessionInfo,
  verify: boolean,
  keep: boolean,
  review: CommitReview | undefined,
): string {
  const written = `${keep ? 'First what they overwrite is kept; then they' : 'They'} are written to ${image.name}`
  const rest = review !== undefined && review.ranges < stagedRuns
  const grows = review?.growsBy ?? 0
  return [
    `${written}${verify ? ', read back and compared' : ''}, and no longer staged.`,
    ...(rest ? ['What is not chosen stays staged.'] : []),
    ...(grows > 0 ? [`${image.name} becomes longer by ${formatExact(grows)}.`] : []),
    ...(keep ? [] : ['Without what is overwritten the commit cannot be undone.']),
  ].join(' ')
}

function Sums({ review }: { readonly review: CommitReview | undefined }) {
  const { ranges = 0, bytes = 0, writtenBytes = 0, zeroedBytes = 0 } = review ?? {}
  const sums = [
    ['Ranges', groupDigits(ranges)],
    ['Bytes', formatSize(bytes, 2), formatExact(bytes)],
    ['Written', formatSize(writtenBytes, 2), formatExact(writtenBytes)],
    ['Zeroed', formatSize(zeroedBytes, 2), formatExact(zeroedBytes)],
  ] as const
  return (
    <dl className="commit-sums">
      {sums.map(([name, value, title]) => (
        <div key={name} title={title}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
