// What was found of a commit that was cut short, in numbers, and the three ways on. Looking is the one that
// changes nothing, and has the focus.

import { useRef, useState } from 'react'
import type { JobId, SessionInfo } from '../../../bridge/model'
import type { RecoverInfo } from '../../../bridge/undo-model'
import { formatExact, formatSize } from '../../../engine/base/size-text'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { DialogFrame } from '../../widgets/dialog-frame'
import { FactList } from '../../widgets/fact-list'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import { CommitProgress } from './commit-progress'

interface RecoverDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function RecoverDialog({ session, onClose }: RecoverDialogProps) {
  const [started, setStarted] = useState<{ readonly job: JobId; readonly undoing: boolean }>()
  const job = useAppState((state) => state.jobs.find((each) => each.id === started?.job))
  if (job !== undefined) {
    const words = started?.undoing === true ? UNDOING : FINISHING
    return <CommitProgress session={session} job={job} words={words} onClose={onClose} />
  }
  if (session.recover?.kind !== 'committing') {
    return <NothingToRecover session={session} onClose={onClose} />
  }
  const { recover } = session
  return <WaysOn session={session} recover={recover} onClose={onClose} onStarted={setStarted} />
}

const FINISHING = {
  running: 'Finishing the commit',
  done: 'Committed',
  cancelled: 'Commit cancelled',
  failed: 'Commit failed',
}
const UNDOING = {
  running: 'Undoing the commit',
  done: 'Undone',
  cancelled: 'Undo cancelled',
  failed: 'Undo failed',
}

interface WaysOnProps extends RecoverDialogProps {
  readonly recover: RecoverInfo
  readonly onStarted: (started: { readonly job: JobId; readonly undoing: boolean }) => void
}

function WaysOn({ session, recover, onClose, onStarted }: WaysOnProps) {
  const app = useApp()
  const attempt = useAttempt()
  const look = useRef<HTMLButtonElement>(null)
  const { image, id } = session
  // A merge into a checkpoint is a commit that goes no further than that.
  const into = session.lasting?.checkpoints[0]?.name
  const finish = () =>
    attempt.start(async () => {
      const { value } =
        into === undefined
          ? await app.request('recover.finish', { session: id, verify: true })
          : await app.request('checkpoint.merge', { session: id })
      onStarted({ job: value.job, undoing: false })
    })
  const undo = () =>
    attempt.start(async () => {
      const { value } = await app.request('recover.undo', { session: id })
      onStarted({ job: value.job, undoing: true })
    })
  const canUndo = recover.undo !== undefined
  return (
    <DialogFrame
      title={`A ${into === undefined ? `commit to ${image.name}` : `merge into '${into}'`} was cut short`}
      onClose={onClose}
      initialFocus={look}
      footer={
        <>
          <div className="grow">
            <Button onClick={undo} disabled={!canUndo || attempt.pending} focusableWhenDisabled>
              Undo the commit
            </Button>
          </div>
          <Button onClick={finish} disabled={attempt.pending}>
            Finish the commit
          </Button>
          <Button look="primary" onClick={onClose} ref={look}>
            Look first
          </Button>
        </>
      }
    >
      <p>
        Platter, or the machine, ended in the middle of it. Some of these ranges may be in{' '}
        {image.name} already, others not. Nothing is lost: all of them are still staged, and reading
        here is right either way. Until you decide, nothing can be committed or discarded.
      </p>
      <div className="flush">
        <FactList facts={factsOf(session, recover)} />
      </div>
      <ul className="recover-ways">
        <li>
          <b>Finish</b> writes all of it again, reads it back, and ends as the commit would have.
        </li>
        <li>
          <b>Undo</b>{' '}
          {canUndo
            ? `writes back what was overwritten: ${image.name} is as it was before, and all stays staged.`
            : 'is not possible: what this commit overwrites was not kept.'}
        </li>
        <li>
          <b>Look</b> changes nothing. Session, Recover… brings this back.
        </li>
      </ul>
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

function factsOf({ image, lasting }: SessionInfo, { ranges, bytes, undo }: RecoverInfo) {
  return [
    {
      name: 'Was to be carried',
      value: ranges === undefined ? 'everything' : countOf(ranges.length, 'range'),
    },
    { name: 'Still staged of it', value: formatSize(bytes, 2), title: formatExact(bytes) },
    { name: 'Into', value: image.locator, title: image.locator },
    ...(lasting === undefined ? [] : [{ name: 'From', value: lasting.path, title: lasting.path }]),
    {
      name: 'Kept for undoing',
      value: undo ?? 'nothing',
      ...(undo !== undefined && { title: undo }),
    },
  ]
}

function NothingToRecover({ session, onClose }: RecoverDialogProps) {
  return (
    <DialogFrame
      title="Recover"
      width="narrow"
      onClose={onClose}
      footer={
        <Button look="primary" onClick={onClose}>
          Close
        </Button>
      }
    >
      <p>No commit of {session.image.name} is unfinished.</p>
    </DialogFrame>
  )
}
