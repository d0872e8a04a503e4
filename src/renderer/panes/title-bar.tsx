import { Lock, PencilLine, Share2 } from 'lucide-react'
import type { SessionInfo } from '../../bridge/model'
import { formatSize } from '../../engine/base/size-text'
import { stagedBytes } from '../state/app-state'
import { useActiveSession, useAppState } from '../state/use-app'
import { Tip } from '../widgets/tip'
import { ActionButton } from './action-button'
import { AppMenu } from './action-menu'
import { ImageTabs } from './image-tabs'
import { OpenButtons } from './open-buttons'
import './title-bar.css'

export function TitleBar() {
  const session = useActiveSession()
  const hasNativeMenu = useAppState((state) => state.host?.host === 'desktop')
  return (
    <header className="title-bar">
      {!hasNativeMenu && <AppMenu />}
      <ImageTabs />
      <OpenButtons />
      <span className="title-space" />
      {session && <SessionBar session={session} />}
    </header>
  )
}

/** Discard all and Commit stand apart, with what does no harm between them. */
function SessionBar({ session }: { readonly session: SessionInfo }) {
  return (
    <div className="session-bar" role="toolbar" aria-label="Session">
      <WriteState session={session} />
      <ActionButton id="session.discard-all" text="Discard all" look="quiet" />
      <span className="title-rule" />
      <ActionButton id="session.serve" icon={Share2} text="Serve" look="quiet" />
      <span className="title-rule" />
      <ActionButton id="session.commit" text="Commit…" look="primary" />
    </div>
  )
}

/** Whether the image is as it was, in a word. */
function WriteState({ session }: { readonly session: SessionInfo }) {
  const staged = stagedBytes(session)
  const { name, readOnlyReason } = session.image
  const cannot =
    readOnlyReason === undefined ? '' : ` A commit cannot write to it: ${readOnlyReason}.`
  if (staged === 0) {
    const text = `${name} is only read. What you change is staged beside it first.${cannot}`
    return (
      <Tip text={text}>
        <button type="button" className="write-state">
          <Lock size={12} aria-hidden />
          read-only
        </button>
      </Tip>
    )
  }
  const text = `${formatSize(staged)} staged; ${name} is untouched until you commit.${cannot}`
  return (
    <Tip text={text}>
      <button type="button" className="write-state staging">
        <PencilLine size={12} aria-hidden />
        staging <span className="mono">{formatSize(staged)}</span>
      </button>
    </Tip>
  )
}
