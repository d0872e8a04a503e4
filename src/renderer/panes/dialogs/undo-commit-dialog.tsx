// Undo commit: what is written back and what goes with it, before anything is.

import { useState } from 'react'
import type { JobId, SessionInfo } from '../../../bridge/model'
import type { UndoReview } from '../../../bridge/undo-model'
import { formatExact, formatSize } from '../../../engine/base/size-text'
import { messageOf } from '../../state/app'
import { useAnswer } from '../../state/use-answer'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { FactList } from '../../widgets/fact-list'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import { dateText } from '../time-text'
import { CommitProgress } from './commit-progress'

interface UndoCommitDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function UndoCommitDialog({ session, onClose }: UndoCommitDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const [started, setStarted] = useState<JobId>()
  const job = useAppState((state) => state.jobs.find((each) => each.id === started))
  const asked = started === undefined ? { session: session.id } : undefined
  const answer = useAnswer('undo.review', asked, session.epoch)
  if (job !== undefined) {
    return <CommitProgress session={session} job={job} words={WORDS} onClose={onClose} />
  }
  const review = answer.got?.value
  const ready = review !== undefined && answer.fresh && review.refusal === undefined
  const undo = () =>
    attempt.start(async () => {
      setStarted((await app.request('undo.start', { session: session.id })).value.job)
    })
  const { name } = session.image
  const again = session.undo?.isRedo === true
  const problem =
    attempt.problem ?? (answer.error === undefined ? undefined : messageOf(answer.error))
  return (
    <DialogFrame
      title={again ? `Bring the commit to ${name} back?` : `Undo the last commit to ${name}?`}
      onClose={onClose}
      onSubmit={() => ready && undo()}
      footer={
        <>
          <Button onClick={onClose}>Leave it</Button>
          <Button look="danger" type="submit" disabled={!ready || attempt.pending}>
            {review === undefined ? 'Write back' : `Write back ${formatSize(review.bytes)}`}
          </Button>
        </>
      }
    >
      <p>{whatHappens(session, again)}</p>
      {review && (
        <div className="flush">
          <FactList facts={factsOf(review)} />
        </div>
      )}
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

const WORDS = {
  running: 'Undoing',
  done: 'Undone',
  cancelled: 'Undo cancelled',
  failed: 'Undo failed',
}

function whatHappens({ image }: SessionInfo, again: boolean): string {
  const what = again
    ? `The bytes that undoing took away are written to ${image.name} again.`
    : `The bytes that the commit overwrote are written back to ${image.name}.`
  return `${what} What is staged now stays staged. What this overwrites is kept, so that it can be undone in turn.`
}

function factsOf(review: UndoReview) {
  return [
    { name: 'Written to', value: review.target, title: review.target },
    { name: 'Committed', value: dateText(review.time) },
    { name: 'Bytes', value: formatSize(review.bytes, 2), title: formatExact(review.bytes) },
    ...(review.shrinksBy > 0
      ? [{ name: 'Becomes shorter by', value: formatExact(review.shrinksBy) }]
      : []),
    { name: 'Kept in', value: review.path, title: review.path },
  ]
}
