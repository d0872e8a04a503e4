// Zoom of the map from outside of it: menu, palette and the toolbar above the map.

import type { SessionInfo } from '../../bridge/model'
import type { App } from '../state/app'
import { activeSession } from '../state/app-state'
import { viewOf } from '../state/views-slice'
import type { MapViewState } from '../views'

export const SMALLEST_CELL_BYTES = 512
/** About as many cells as a pane of the usual size shows at once. */
const CELLS_AT_ONCE = 1 << 13

/** The whole disk at once, or as near as cells of 4 KiB allow. */
export function fitView(size: number): MapViewState {
  const cellBytes = 2 ** Math.ceil(Math.log2(Math.max(1, size / CELLS_AT_ONCE)))
  return { cellBytes: Math.max(4096, cellBytes), top: 0 }
}

/** The zoom that the map stands at, chosen or not. */
export const mapViewOf = (session: SessionInfo, chosen: MapViewState | undefined): MapViewState =>
  chosen ?? fitView(session.image.size)

/** Cells of half (0.5) or double (2) the bytes, with the cursor kept in sight. */
export function zoomBy(app: App, id: string, factor: 0.5 | 2): void {
  const state = app.store.getState()
  const session = activeSession(state)
  if (session === undefined) return
  const { map, cursor } = viewOf(state, id)
  const { cellBytes, top } = mapViewOf(session, map)
  const next = cellBytes * factor
  if (next < SMALLEST_CELL_BYTES || cellBytes > session.image.size) return
  const distance = cursor.offset - top
  const moved = Math.max(0, Math.floor(cursor.offset - distance * factor))
  state.changeView(id, { map: { cellBytes: next, top: moved } })
}

export const zoomToFit = (app: App, id: string): void => {
  const state = app.store.getState()
  const session = activeSession(state)
  if (session !== undefined) state.changeView(id, { map: fitView(session.image.size) })
}
