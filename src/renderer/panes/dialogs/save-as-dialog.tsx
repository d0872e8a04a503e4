// Save as…: where to, what will be in it, the question before a file is replaced, progress, and the result.

import { useRef, useState } from 'react'
import type { JobId, SessionInfo } from '../../../bridge/model'
import { hasCode } from '../../../engine/base/errors'
import { formatExact, formatSize } from '../../../engine/base/size-text'
import { suggestPath } from '../../actions/suggest-path'
import { messageOf } from '../../state/app'
import { stagedBytes } from '../../state/app-state'
import { useAnswer } from '../../state/use-answer'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { FactList } from '../../widgets/fact-list'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import { type NewFile, NewFileField } from './new-file-field'
import { SaveProgress } from './save-progress'

interface SaveAsDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function SaveAsDialog({ session, onClose }: SaveAsDialogProps) {
  const jobs = useAppState((state) => state.jobs)
  const [started, setStarted] = useState<JobId | undefined>(
    () => jobs.find((job) => isSaving(job, session))?.id,
  )
  const job = jobs.find((each) => each.id === started)
  if (job !== undefined) return <SaveProgress job={job} onClose={onClose} />
  return <WhereTo session={session} onClose={onClose} onStarted={setStarted} />
}

const isSaving = (job: { kind: string; state: string; session: string }, { id }: SessionInfo) =>
  job.session === id && job.kind === 'copy' && job.state === 'running'

interface WhereToProps extends SaveAsDialogProps {
  readonly onStarted: (job: JobId) => void
}

function WhereTo({ session, onClose, onStarted }: WhereToProps) {
  const app = useApp()
  const attempt = useAttempt()
  const input = useRef<HTMLInputElement>(null)
  const { image } = session
  const home = useAnswer('files.list', image.kind === 'file' ? undefined : {}).got?.value.path
  const suggested =
    image.kind !== 'file' && home === undefined ? '' : suggestPath(image, home ?? '', '-copy')
  const [chosen, setChosen] = useState<NewFile>()
  const [failure, setFailure] = useState<{ readonly file: NewFile; readonly error: unknown }>()
  const file = chosen ?? { path: suggested, replace: false }
  const failed = failure?.file.path === file.path ? failure.error : undefined
  const taken = hasCode(failed, 'ALREADY_EXISTS')

  const save = () =>
    attempt.start(async () => {
      const { path } = file
      const replace = file.replace || taken
      try {
        const params = { session: session.id, path: path.trim(), ...(replace && { replace }) }
        onStarted((await app.request('save.start', params)).value.job)
      } catch (error) {
        setFailure({ file, error })
        if (!hasCode(error, 'ALREADY_EXISTS')) input.current?.focus()
      }
    })
  return (
    <DialogFrame
      title={`Save ${image.name} as`}
      onClose={onClose}
      onSubmit={() => file.path !== '' && !taken && save()}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          {taken ? (
            <Button look="danger" onClick={save} disabled={attempt.pending}>
              Replace the file
            </Button>
          ) : (
            <Button
              look="primary"
              type="submit"
              disabled={file.path.trim() === '' || attempt.pending}
            >
              Save
            </Button>
          )}
        </>
      }
    >
      <p>{whatIsSaved(session)}</p>
      <NewFileField
        label="New file"
        title={`Save ${image.name} as`}
        value={file.path}
        attempt={attempt}
        onChange={setChosen}
        problem={failed === undefined || taken ? attempt.problem : messageOf(failed)}
        inputRef={input}
      />
      {taken && (
        <Problem tone="warning">
          {messageOf(failed)}. It stays as it is until the copy is complete, and is gone then.
        </Problem>
      )}
      <div className="flush">
        <FactList facts={factsOf(session)} />
      </div>
    </DialogFrame>
  )
}

function whatIsSaved(session: SessionInfo): string {
  const { name } = session.image
  const staged = stagedBytes(session)
  const what =
    staged === 0
      ? `All bytes of ${name} go into a new raw file.`
      : `All bytes as this window shows them, ${name} with the ${formatSize(staged, 2)} staged over it, go into a new raw file.`
  return `${what} Nothing is committed: ${name} and what is staged stay as they are.`
}

function factsOf({ image, totals, surveyed }: SessionInfo) {
  const atMost = totals.data + totals.unknown
  return [
    { name: 'Size', value: formatSize(image.size, 2), title: formatExact(image.size) },
    {
      name: surveyed < 1 ? 'Takes at most' : 'Takes about',
      value: `${formatSize(atMost, 2)}: zeroes and holes are left out`,
      title: formatExact(atMost),
    },
  ]
}
