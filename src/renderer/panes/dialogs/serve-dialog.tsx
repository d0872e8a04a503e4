import type { SessionInfo } from '../../../bridge/model'
import { useApp } from '../../state/use-app'
import { DialogFrame } from '../../widgets/dialog-frame'
import { ServeForm } from '../serve-form'

interface ServeDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function ServeDialog({ session, onClose }: ServeDialogProps) {
  const app = useApp()
  const onStarted = () => {
    app.store.getState().showTab('serve')
    onClose()
  }
  return (
    <DialogFrame title={`Serve ${session.image.name} over NBD`} width="narrow" onClose={onClose}>
      <p className="dim">
        A virtual machine or a backup tool on this machine can use the image while it is open here.
        What it writes is staged with your own changes.
      </p>
      <ServeForm session={session} onStarted={onStarted} />
    </DialogFrame>
  )
}
