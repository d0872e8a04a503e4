import { X } from 'lucide-react'
import type { KeyboardEvent } from 'react'
import type { SessionInfo } from '../../bridge/model'
import { closeSession } from '../actions/close-session'
import { stagedBytes } from '../state/app-state'
import { useApp, useAppState } from '../state/use-app'
import { IconButton } from '../widgets/button'

const MIDDLE_BUTTON = 1

/** The open images. The one in front is marked; a dot says that something is staged in it. */
export function ImageTabs() {
  const app = useApp()
  const sessions = useAppState((state) => state.sessions)
  const activeId = useAppState((state) => state.activeId)
  const close = (session: SessionInfo) =>
    closeSession(app, session.id).catch((error: unknown) =>
      app.notices.problem(`${session.image.name} was not closed`, error),
    )
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const index = sessions.findIndex((each) => each.id === activeId)
    const next = step === undefined ? undefined : sessions.at((index + step) % sessions.length)
    if (next === undefined) return
    app.store.getState().activate(next.id)
    event.preventDefault()
  }
  if (sessions.length === 0) return null
  return (
    <nav className="image-tabs" aria-label="Open images" onKeyDown={onKeyDown}>
      {sessions.map((session) => (
        <ImageTab
          key={session.id}
          session={session}
          front={session.id === activeId}
          onShow={() => app.store.getState().activate(session.id)}
          onClose={() => close(session)}
        />
      ))}
    </nav>
  )
}

interface ImageTabProps {
  readonly session: SessionInfo
  readonly front: boolean
  readonly onShow: () => void
  readonly onClose: () => void
}

function ImageTab({ session, front, onShow, onClose }: ImageTabProps) {
  const { lasting, image } = session
  const name = lasting?.name ?? image.name
  const title = lasting === undefined ? image.locator : `${lasting.path}\nover ${image.locator}`
  return (
    <div
      className="image-tab"
      data-front={front || undefined}
      onAuxClick={(event) => event.button === MIDDLE_BUTTON && onClose()}
    >
      <button
        type="button"
        className="image-tab-name"
        aria-current={front ? 'page' : undefined}
        title={title}
        onClick={onShow}
      >
        {stagedBytes(session) > 0 && <i className="image-tab-dot" aria-hidden />}
        <span>{name}</span>
      </button>
      <span className="image-tab-close">
        <IconButton icon={X} label={`Close ${name}`} small onClick={onClose} />
      </span>
    </div>
  )
}
