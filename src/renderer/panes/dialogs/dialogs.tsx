import { useApp, useAppState } from '../../state/use-app'
import { ServeDialog } from '../serve/serve-dialog'
import { StopExportDialog } from '../serve/stop-export-dialog'
import { AboutDialog } from './about-dialog'
import { BaseChangedDialog } from './base-changed-dialog'
import { CheckpointsDialog } from './checkpoints-dialog'
import { CloseStagedDialog } from './close-staged-dialog'
import { CommandPalette } from './command-palette'
import { CommitDialog } from './commit-dialog'

import { CompareDialog } from './compare-dialog'
import { DiscardAllDialog } from './discard-all-dialog'
import { DiscardRangeDialog } from './discard-range-dialog'
import { GotoDialog } from './goto-dialog'
import { KeepOverlayDialog } from './keep-overlay-dialog'
import { OpenImageDialog } from './open-image-dialog'
import { OpenNbdDialog } from './open-nbd-dialog'
import { RecoverDialog } from './recover-dialog'
import { SaveAsDialog } from './save-as-dialog'
import { SettingsDialog } from './settings-dialog'
import { ShortcutSheet } from './shortcut-sheet'
import { UndoCommitDialog } from './undo-commit-dialog'
import { ZeroRangeDialog } from './zero-range-dialog'
import './dialogs.css'

/** The dialog that is open, if any. */
export function Dialogs() {
  const app = useApp()
  const dialog = useAppState((state) => state.dialog)
  const sessions = useAppState((state) => state.sessions)
  const onClose = () => app.store.getState().closeDialog()
  if (dialog === undefined) return null
  switch (dialog.kind) {
    case 'palette':
      return <CommandPalette onClose={onClose} />
    case 'shortcuts':
      return <ShortcutSheet onClose={onClose} />
    case 'settings':
      return <SettingsDialog onClose={onClose} />
    case 'about':
      return <AboutDialog onClose={onClose} />
    case 'open-image':
      return <OpenImageDialog onClose={onClose} />
    case 'base-changed':
      return <BaseChangedDialog locator={dialog.locator} why={dialog.why} onClose={onClose} />
    case 'open-nbd':
      return <OpenNbdDialog firstUri={dialog.uri} onClose={onClose} />
  }
  const session = sessions.find((each) => each.id === dialog.session)
  if (session === undefined) return null
  switch (dialog.kind) {
    case 'goto':
      return <GotoDialog session={session} onClose={onClose} />
    case 'stop-export':
      return <StopExportDialog session={session} id={dialog.export} onClose={onClose} />
    case 'undo-commit':
      return <UndoCommitDialog session={session} onClose={onClose} />
    case 'keep-overlay':
      return <KeepOverlayDialog session={session} onClose={onClose} />
    case 'checkpoints':
      return <CheckpointsDialog session={session} onClose={onClose} />
    case 'compare':
      return <CompareDialog session={session} onClose={onClose} />
    case 'recover':
      return <RecoverDialog session={session} onClose={onClose} />
    case 'save-as':
      return <SaveAsDialog session={session} onClose={onClose} />
    case 'serve':
      return <ServeDialog session={session} onClose={onClose} />
    case 'commit':
      return <CommitDialog session={session} onClose={onClose} />
    case 'discard-all':
      return <DiscardAllDialog session={session} onClose={onClose} />
    case 'discard-range':
      return <DiscardRangeDialog session={session} range={dialog.range} onClose={onClose} />
    case 'zero-range':
      return <ZeroRangeDialog session={session} range={dialog.range} onClose={onClose} />
    case 'close-staged':
      return <CloseStagedDialog session={session} onClose={onClose} />
  }
}
