import type { ExportId, SessionInfo } from '../../../bridge/model'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import { stopExport } from './stop-export'

interface StopExportDialogProps {
  readonly session: SessionInfo
  readonly id: ExportId
  readonly onClose: () => void
}

/** Asked while somebody is connected. */
export function StopExportDialog({ session, id, onClose }: StopExportDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const info = useAppState((state) => state.exports.find((each) => each.id === id))
  const clients = info?.clients.length ?? 0
  const stop = () =>
    attempt.start(async () => {
      // Somebody else may have been quicker.
      if (info !== undefined) await stopExport(app, id)
      onClose()
    })
  return (
    <DialogFrame
      title={`Stop serving ${session.image.name}?`}
      width="narrow"
      onClose={onClose}
      footer={
        <>
          <Button look="danger" onClick={stop} disabled={attempt.pending}>
            Stop serving
          </Button>
          <Button look="primary" onClick={onClose}>
            Keep serving
          </Button>
        </>
      }
    >
      <p>
        {connected(clients)} Requests under way are finished first, for five seconds at most. What
        clients have written stays staged.
      </p>
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

/** The last one may leave while the question stands. */
function connected(clients: number): string {
  if (clients === 0) return 'No client is connected any more.'
  return `${countOf(clients, 'client')} ${clients === 1 ? 'is' : 'are'} connected and will lose the disk.`
}
