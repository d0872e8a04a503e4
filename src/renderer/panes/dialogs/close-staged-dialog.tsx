import type { SessionInfo } from '../../../bridge/model'
import { formatSize } from '../../../engine/base/size-text'
import { closeSession } from '../../actions/close-session'
import { stagedBytes } from '../../state/app-state'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'

interface CloseStagedDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function CloseStagedDialog({ session, onClose }: CloseStagedDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const { id, image, stagedRuns } = session
  const what = `${countOf(stagedRuns, 'range')} (${formatSize(stagedBytes(session))})`
  const commitFirst = () => {
    const state = app.store.getState()
    state.activate(id)
    state.openDialog({ kind: 'commit', session: id })
  }
  const keepInFile = () => {
    const state = app.store.getState()
    state.activate(id)
    state.openDialog({ kind: 'keep-overlay', session: id })
  }
  const discard = () =>
    attempt.start(async () => {
      await closeSession(app, id, true)
      onClose()
    })
  return (
    <DialogFrame
      title={`Close ${image.name} with staged changes?`}
      onClose={onClose}
      onSubmit={onClose}
      width="wide"
      footer={
        <>
          <div className="grow">
            <Button look="danger" onClick={discard} disabled={attempt.pending}>
              Discard {what} and close
            </Button>
          </div>
          {image.kind !== 'nbd' && <Button onClick={keepInFile}>Keep in a file…</Button>}
          <Button onClick={commitFirst}>Commit…</Button>
          <Button look="primary" type="submit">
            Keep it open
          </Button>
        </>
      }
    >
      <p>
        {what} {stagedRuns === 1 ? 'is' : 'are'} staged and not committed, and kept only as long as
        the image is open. {image.name} itself is unchanged.
      </p>
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}
