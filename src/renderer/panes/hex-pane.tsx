import { X } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { SessionId, SessionInfo } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import { HexView } from '../hex/hex-view'
import type { Edit } from '../state/edit-stack'
import { useApp, useAppState, useView } from '../state/use-app'
import type { CursorState } from '../views'
import { IconButton } from '../widgets/button'
import { Problem } from '../widgets/problem'
import { Segments } from '../widgets/segments'
import { ActionContextMenu } from './action-menu'

const MENU = [
  ['edit.undo', 'edit.redo'],
  ['edit.copy-offset', 'go.offset'],
  ['edit.select-block', 'edit.zero-selection', 'edit.discard-selection'],
] as const

const RADIXES = [
  { value: '16', text: 'hex' },
  { value: '10', text: 'dec' },
] as const

export function HexPane({ peer, session }: { readonly peer: Peer; readonly session: SessionInfo }) {
  const app = useApp()
  const cursor = useView(session.id, (view) => view.cursor)
  const radix = useAppState((state) => state.radix)
  const bytesPerRow = useAppState((state) => state.settings.bytesPerRow)
  const [problem, setProblem] = useState<string>()
  const handlers = useHexHandlers(session.id, setProblem)
  return (
    <section className="pane" aria-label="Bytes" data-pane="bytes">
      <header className="pane-head">
        <h2>Bytes</h2>
        <span className="pane-space" />
        <Segments
          label="Offsets"
          value={radix === 16 ? '16' : '10'}
          options={RADIXES}
          onChange={(next) => app.store.getState().setRadix(next === '16' ? 16 : 10)}
        />
      </header>
      {problem !== undefined && (
        <div className="pane-problem">
          <Problem>{problem}</Problem>
          <IconButton icon={X} label="Dismiss" small onClick={() => setProblem(undefined)} />
        </div>
      )}
      <ActionContextMenu groups={MENU}>
        <div className="pane-body">
          <HexView
            peer={peer}
            session={session}
            cursor={cursor}
            bytesPerRow={bytesPerRow}
            radix={radix}
            {...handlers}
          />
        </div>
      </ActionContextMenu>
    </section>
  )
}

/** The same functions for as long as the session is the same. */
function useHexHandlers(id: SessionId, setProblem: (problem: string | undefined) => void) {
  const app = useApp()
  return useMemo(() => {
    const state = () => app.store.getState()
    return {
      onCursor: (cursor: CursorState) => state().travel(id, cursor, app.now()),
      onRadix: (radix: 16 | 10) => state().setRadix(radix),
      onProblem: (message: string) => setProblem(message),
      onEdit: (edit: Edit) => {
        setProblem(undefined)
        state().recordEdit(id, edit)
      },
    }
  }, [app, id, setProblem])
}
