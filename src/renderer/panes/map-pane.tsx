import { Maximize, Minus, Plus } from 'lucide-react'
import { useMemo } from 'react'
import type { SessionId, SessionInfo } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import type { ByteRange } from '../../engine/base/ranges'
import { formatSize } from '../../engine/base/size-text'
import { mapViewOf } from '../actions/map-zoom'
import { MapView } from '../heatmap/map-view'
import { useApp, useView } from '../state/use-app'
import type { MapRoom } from '../state/views-slice'
import type { CursorState, MapViewState } from '../views'
import { ActionIcon } from './action-button'
import { ActionContextMenu } from './action-menu'

const MENU = [
  ['edit.copy-offset', 'go.offset'],
  ['edit.select-block', 'edit.zero-selection', 'edit.discard-selection'],
  ['view.zoom-in', 'view.zoom-out', 'view.zoom-fit'],
] as const

export function MapPane({ peer, session }: { readonly peer: Peer; readonly session: SessionInfo }) {
  const cursor = useView(session.id, (view) => view.cursor)
  const solo = useView(session.id, (view) => view.solo)
  const cellBytes = useView(session.id, (view) => mapViewOf(session, view).cellBytes)
  const top = useView(session.id, (view) => mapViewOf(session, view).top)
  const view = useMemo(() => ({ cellBytes, top }), [cellBytes, top])
  const handlers = useMapHandlers(session.id)
  return (
    <section className="pane" aria-label="Map" data-pane="map">
      <header className="pane-head">
        <h2>Map</h2>
        <span className="pane-fact">
          one cell <span className="mono">{formatSize(cellBytes)}</span>
        </span>
        <span className="pane-space" />
        <ActionIcon id="view.zoom-out" icon={Minus} small />
        <ActionIcon id="view.zoom-in" icon={Plus} small />
        <ActionIcon id="view.zoom-fit" icon={Maximize} small />
      </header>
      <ActionContextMenu groups={MENU}>
        <div className="pane-body">
          <MapView
            peer={peer}
            session={session}
            view={view}
            cursor={cursor}
            solo={solo}
            {...handlers}
          />
        </div>
      </ActionContextMenu>
    </section>
  )
}

/** The same functions for as long as the session is the same: the map listens with them. */
function useMapHandlers(id: SessionId) {
  const app = useApp()
  return useMemo(() => {
    const state = () => app.store.getState()
    return {
      onView: (map: MapViewState) => state().changeView(id, { map }),
      onRoom: (room: MapRoom) => state().changeView(id, { room }),
      onCursor: (cursor: CursorState) => state().travel(id, cursor, app.now()),
      onHover: (hover: ByteRange | undefined) => state().changeView(id, { hover }),
      onOpenBytes: (offset: number) => {
        state().travel(id, { offset }, app.now())
        app.focus('bytes')
      },
    }
  }, [app, id])
}
