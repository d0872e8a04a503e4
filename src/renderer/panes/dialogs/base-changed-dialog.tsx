import { useRef } from 'react'
import { openLocator } from '../../actions/open-image'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'

interface BaseChangedDialogProps {
  readonly locator: string
  /** What is different, as the host says. */
  readonly why: string
  readonly onClose: () => void
}

/** The choice before an overlay is opened over a base that is not what it was. */
export function BaseChangedDialog({ locator, why, onClose }: BaseChangedDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const leave = useRef<HTMLButtonElement>(null)
  const open = () =>
    attempt.start(async () => {
      await openLocator(app, locator, { acceptBase: true })
      onClose()
    })
  return (
    <DialogFrame
      title="The image under this overlay has changed"
      onClose={onClose}
      initialFocus={leave}
      footer={
        <>
          <Button onClick={open} disabled={attempt.pending}>
            Open it over the image as it is now
          </Button>
          <Button look="primary" onClick={onClose} ref={leave}>
            Leave it
          </Button>
        </>
      }
    >
      <Problem tone="warning">{why}</Problem>
      <p>
        The staged blocks were made for the image as it was. Over another one they may be nonsense:
        a file system half of one state and half of another. If you know that the image is the right
        one, open it; what is staged stays as it is, and the image is taken as it is now.
      </p>
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}
