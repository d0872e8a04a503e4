// Zoom of the map from outside of it: menu, palette and the buttons above the map. What the map has
// room for is told by the map itself (onRoom).

import type { SessionInfo } from '../../bridge/model'
import type { App } from '../state/app'
import { type AppState, activeSession } from '../state/app-state'
import { type MapRoom, type SessionView, viewOf } from '../state/views-slice'
import type { MapViewState } from '../views'

export const SMALLEST_CELL_BYTES = 512
/** Until the map has told how much it has room for. */
const USUAL_ROOM: Omit<MapRoom, 'fitCellBytes'> = { columns: 64, visibleRows: 32 }

export type Zoom = 'in' | 'out'

function roomOf({ image }: SessionInfo, room: MapRoom | undefined): MapRoom {
  if (room !== undefined) return room
  const cells = USUAL_ROOM.columns * USUAL_ROOM.visibleRows
  const fit = 2 ** Math.ceil(Math.log2(Math.max(1, image.size / cells)))
  return { ...USUAL_ROOM, fitCellBytes: Math.max(SMALLEST_CELL_BYTES, fit) }
}

/** The zoom that the map stands at: the one chosen, or the whole disk. */
export function mapViewOf(session: SessionInfo, { map, room }: SessionView): MapViewState {
  const { fitCellBytes } = roomOf(session, room)
  if (map === undefined || map.cellBytes > fitCellBytes) return { cellBytes: fitCellBytes, top: 0 }
  return map
}

/** The view one step further in or out; undefined at the end of the range. */
export function zoomStep(
  session: SessionInfo,
  view: SessionView,
  zoom: Zoom,
): MapViewState | undefined {
  const { fitCellBytes, columns, visibleRows } = roomOf(session, view.room)
  const now = mapViewOf(session, view)
  const cellBytes = zoom === 'in' ? now.cellBytes / 2 : now.cellBytes * 2
  if (cellBytes < SMALLEST_CELL_BYTES || cellBytes > fitCellBytes) return undefined
  const rowOf = (offset: number, bytes: number) => Math.floor(offset / (bytes * columns))
  const { offset } = view.cursor
  const screenRow = rowOf(offset, now.cellBytes) - rowOf(now.top, now.cellBytes)
  // The cursor stays in its row; out of sight, it comes to the middle.
  const inSight = screenRow >= 0 && screenRow < visibleRows
  const row = rowOf(offset, cellBytes) - (inSight ? screenRow : visibleRows >> 1)
  return { cellBytes, top: Math.max(0, row) * cellBytes * columns }
}

export function canZoom(state: AppState, zoom: Zoom): boolean {
  const session = activeSession(state)
  return session !== undefined && zoomStep(session, viewOf(state, session.id), zoom) !== undefined
}

export function zoomMap(app: App, zoom: Zoom): void {
  const state = app.store.getState()
  const session = activeSession(state)
  if (session === undefined) return
  const map = zoomStep(session, viewOf(state, session.id), zoom)
  if (map !== undefined) state.changeView(session.id, { map })
}

/** The whole disk, also when the pane changes its size. */
export const zoomToFit = (app: App, id: string): void =>
  app.store.getState().changeView(id, { map: undefined })
