import { FolderOpen, HardDrive, Network } from 'lucide-react'
import type { ActionId } from '../../bridge/actions'
import { openOrTell } from '../actions/open-image'
import { useApp, useAppState } from '../state/use-app'
import { KeyCaps } from '../widgets/key-caps'
import { dateText } from './time-text'
import { useAction } from './use-action'
import './welcome.css'

/** What there is to do when nothing is open. */
export function Welcome() {
  const canDrop = useApp().desktop !== undefined
  return (
    <main className="welcome">
      <div className="welcome-column">
        <header>
          <h1 className="welcome-title">Platter</h1>
          <p className="welcome-line">
            See what is inside a disk image, block by block. Nothing is written before you commit
            it.
          </p>
        </header>
        <div className="welcome-starts">
          <Start id="file.open-image" icon={FolderOpen} text="Raw, qcow2 and other disk images" />
          <Start id="file.open-nbd" icon={Network} text="An export of an NBD server" />
          <Start
            id="file.open-sample"
            icon={HardDrive}
            text="A made-up disk of 256 MiB, to look around in"
          />
        </div>
        {canDrop && <p className="welcome-drop">or drop a disk image anywhere in this window</p>}
        <Recent />
      </div>
    </main>
  )
}

interface StartProps {
  readonly id: ActionId
  readonly icon: typeof FolderOpen
  readonly text: string
}

function Start({ id, icon: Icon, text }: StartProps) {
  const action = useAction(id)
  return (
    <button type="button" className="welcome-start" onClick={action.run}>
      <Icon size={18} strokeWidth={1.75} aria-hidden />
      <span className="welcome-start-title">{action.title}</span>
      <KeyCaps caps={action.caps} />
      <span className="welcome-start-text">{text}</span>
    </button>
  )
}

function Recent() {
  const app = useApp()
  const recent = useAppState((state) => state.recent)
  if (recent.length === 0) return null
  return (
    <section aria-labelledby="recent">
      <h2 id="recent" className="welcome-heading">
        Recent
      </h2>
      <ul>
        {recent.map((image) => (
          <li key={image.locator}>
            <button
              type="button"
              className="recent-row"
              title={image.locator}
              onClick={() => openOrTell(app, image.locator)}
            >
              <span className="recent-name">{image.name}</span>
              <span className="recent-place mono">{image.locator}</span>
              <span className="mono dim">{dateText(image.time)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
