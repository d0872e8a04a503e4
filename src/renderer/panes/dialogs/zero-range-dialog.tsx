import type { SessionInfo } from '../../../bridge/model'
import type { ByteRange } from '../../../engine/base/ranges'
import { formatExact, formatHex, formatSize } from '../../../engine/base/size-text'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'

interface ZeroRangeDialogProps {
  readonly session: SessionInfo
  readonly range: ByteRange
  readonly onClose: () => void
}

export function ZeroRangeDialog({ session, range, onClose }: ZeroRangeDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const { offset, length } = range
  const zero = () =>
    attempt.start(async () => {
      await app.request('stage.zero', { session: session.id, offset, length })
      onClose()
    })
  return (
    <DialogFrame
      title="Stage zeroes over the selection?"
      onClose={onClose}
      onSubmit={zero}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={attempt.pending}>
            Stage {formatSize(length)} of zeroes
          </Button>
        </>
      }
    >
      <p>
        {formatExact(length)} from <span className="mono">{formatHex(offset)}</span> read as zeroes
        from then on. {session.image.name} is not touched before you commit, and you can discard it
        until then.
      </p>
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}
