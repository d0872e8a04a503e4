// Checkpoints of a lasting overlay: the layers from what is staged now down to the image, and the three
// things that can be done with them. What would be lost is said before it is.

import { useRef, useState } from 'react'
import type { JobId, LastingInfo, SessionInfo } from '../../../bridge/model'
import { formatExact, formatSize } from '../../../engine/base/size-text'
import { stagedBytes } from '../../state/app-state'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { TextField } from '../../widgets/text-field'
import { useAttempt } from '../../widgets/use-attempt'
import { JobDialog } from './job-dialog'
import { LayerTable } from './layer-table'

interface CheckpointsDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function CheckpointsDialog({ session, onClose }: CheckpointsDialogProps) {
  const { lasting } = session
  if (lasting === undefined) return <NotKept session={session} onClose={onClose} />
  return <Checkpoints session={session} lasting={lasting} onClose={onClose} />
}

function NotKept({ session, onClose }: CheckpointsDialogProps) {
  const app = useApp()
  const keep = () => app.store.getState().openDialog({ kind: 'keep-overlay', session: session.id })
  return (
    <DialogFrame
      title="Checkpoints"
      onClose={onClose}
      onSubmit={keep}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" type="submit">
            Keep in a file…
          </Button>
        </>
      }
    >
      <p>
        A checkpoint freezes what is staged, so that you can try something and come back. What is
        staged for {session.image.name} lives in a temporary file now; keep it in a file of its own
        first.
      </p>
    </DialogFrame>
  )
}

interface KeptProps extends CheckpointsDialogProps {
  readonly lasting: LastingInfo
}

function Checkpoints({ session, lasting, onClose }: KeptProps) {
  const app = useApp()
  const attempt = useAttempt()
  const [asking, setAsking] = useState(false)
  const [merging, setMerging] = useState<JobId>()
  const job = useAppState((state) => state.jobs.find((each) => each.id === merging))
  if (job !== undefined) {
    return (
      <JobDialog
        job={job}
        words={MERGE_WORDS}
        after={MERGE_AFTER}
        onClose={() => setMerging(undefined)}
      />
    )
  }
  const newest = lasting.checkpoints[0]
  const id = session.id
  const goBack = () =>
    attempt.start(async () => {
      await app.request('checkpoint.back', { session: id })
      setAsking(false)
    })
  const merge = () =>
    attempt.start(async () => {
      setMerging((await app.request('checkpoint.merge', { session: id })).value.job)
    })
  if (asking && newest !== undefined) {
    return (
      <GoBackQuestion
        session={session}
        name={newest.name}
        problem={attempt.problem}
        pending={attempt.pending}
        onKeep={() => setAsking(false)}
        onGoBack={goBack}
      />
    )
  }
  const depth = lasting.checkpoints.length
  return (
    <DialogFrame
      title={`Checkpoints of ${lasting.name}`}
      onClose={onClose}
      footer={
        <>
          {newest !== undefined && (
            <div className="grow checkpoint-acts">
              <Button onClick={() => setAsking(true)} disabled={attempt.pending}>
                Go back to '{newest.name}'…
              </Button>
              <Button onClick={merge} disabled={attempt.pending}>
                Merge into '{newest.name}'
              </Button>
            </div>
          )}
          <Button look={newest === undefined ? 'plain' : 'primary'} onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <p className="dim">
        {depth === 0
          ? `No checkpoint lies between what is staged and ${session.image.name}.`
          : `${countOf(depth, 'checkpoint')} between what is staged and ${session.image.name}, the newest first. Merge them to commit what is in them.`}
      </p>
      <LayerTable session={session} lasting={lasting} />
      <MakeCheckpoint session={session} lasting={lasting} />
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

const MERGE_WORDS = {
  running: 'Merging',
  done: 'Merged',
  failed: 'Not merged',
  cancelled: 'Not merged',
}
const CUT_SHORT = 'Everything reads as before; merge again to finish.'
const MERGE_AFTER = { done: '', failed: CUT_SHORT, cancelled: CUT_SHORT }

function MakeCheckpoint({ session, lasting }: Omit<KeptProps, 'onClose'>) {
  const app = useApp()
  const attempt = useAttempt()
  const input = useRef<HTMLInputElement>(null)
  const [name, setName] = useState('')
  const make = () =>
    attempt.start(async () => {
      const named = name.trim()
      const params = { session: session.id, ...(named !== '' && { name: named }) }
      await app.request('checkpoint.make', params)
      setName('')
    })
  return (
    <div className="path-row">
      <TextField
        label="Freeze what is staged as"
        value={name}
        placeholder={`checkpoint ${lasting.checkpoints.length + 1}`}
        onChange={(next) => {
          attempt.clear()
          setName(next)
        }}
        problem={attempt.problem}
        inputRef={input}
        onEnter={make}
      />
      <Button onClick={make} disabled={attempt.pending}>
        Make checkpoint
      </Button>
    </div>
  )
}

interface GoBackQuestionProps {
  readonly session: SessionInfo
  readonly name: string
  readonly problem: string | undefined
  readonly pending: boolean
  readonly onKeep: () => void
  readonly onGoBack: () => void
}

function GoBackQuestion(props: GoBackQuestionProps) {
  const { session, name, problem, pending, onKeep, onGoBack } = props
  const { totals, image } = session
  const bytes = stagedBytes(session)
  return (
    <DialogFrame
      title={`Go back to '${name}'?`}
      onClose={onKeep}
      onSubmit={onGoBack}
      footer={
        <>
          <Button onClick={onKeep}>Keep</Button>
          <Button look="danger" type="submit" disabled={pending}>
            {bytes === 0 ? 'Go back' : `Go back, discard ${formatSize(bytes)}`}
          </Button>
        </>
      }
    >
      <p>
        {formatExact(totals.written)} that were written and {formatExact(totals.zeroed)} that were
        zeroed since '{name}' are lost, whoever staged them. This cannot be undone. What was staged
        before stays staged, '{name}' is no checkpoint any more then, and {image.name} itself stays
        as it is.
      </p>
      {problem !== undefined && <Problem>{problem}</Problem>}
    </DialogFrame>
  )
}
