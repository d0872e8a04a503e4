// Keep staged changes in a file: where, what that means, progress, and the result.

import { useRef, useState } from 'react'
import type { JobId, SessionInfo } from '../../../bridge/model'
import { formatSize } from '../../../engine/base/size-text'
import { suggestPath } from '../../actions/suggest-path'
import { stagedBytes } from '../../state/app-state'
import { useAnswer } from '../../state/use-answer'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { useAttempt } from '../../widgets/use-attempt'
import { JobDialog } from './job-dialog'
import { NewFileField } from './new-file-field'

interface KeepOverlayDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function KeepOverlayDialog({ session, onClose }: KeepOverlayDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const input = useRef<HTMLInputElement>(null)
  const [started, setStarted] = useState<JobId>()
  const [typed, setTyped] = useState<string>()
  const job = useAppState((state) => state.jobs.find((each) => each.id === started))
  const { image } = session
  const home = useAnswer('files.list', image.kind === 'file' ? undefined : {}).got?.value.path ?? ''
  if (job !== undefined) {
    return <JobDialog job={job} words={WORDS} after={afterOf(image.name)} onClose={onClose} />
  }
  const path = (typed ?? suggestPath(image, home, '', '.overlay')).trim()
  const keep = () =>
    attempt.start(async () => {
      try {
        setStarted((await app.request('overlay.keep', { session: session.id, path })).value.job)
      } catch (error) {
        input.current?.focus()
        throw error
      }
    })
  const staged = stagedBytes(session)
  return (
    <DialogFrame
      title={`Keep what is staged for ${image.name}`}
      onClose={onClose}
      onSubmit={() => path !== '' && keep()}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={path === '' || attempt.pending}>
            Keep {staged === 0 ? 'in this file' : formatSize(staged)}
          </Button>
        </>
      }
    >
      <p>
        What is staged lives in a temporary file now and goes with this session. Kept in a file of
        its own it outlives the window, and a crash: open that file to go on. {image.name} stays as
        it is.
      </p>
      <NewFileField
        label="New overlay file"
        title={`Keep what is staged for ${image.name}`}
        value={typed ?? suggestPath(image, home, '', '.overlay')}
        attempt={attempt}
        onChange={(file) => {
          attempt.clear()
          setTyped(file.path)
        }}
        problem={attempt.problem}
        inputRef={input}
      />
      <p className="dim">
        Two files: this one says which blocks count, and one beside it with{' '}
        <code className="mono">.image</code> behind its name holds their bytes.
      </p>
    </DialogFrame>
  )
}

const WORDS = { running: 'Keeping', done: 'Kept', failed: 'Not kept', cancelled: 'Not kept' }

const afterOf = (name: string) => ({
  done: 'From now on everything that you stage is kept there, too.',
  failed: `No file is left of it. What is staged for ${name} is as it was.`,
  cancelled: `No file is left of it. What is staged for ${name} is as it was.`,
})
