// Where a person looks: for each session the map's zoom, the cursor, the history; and what is the same
// for all, the tab on the right and the base of offsets.

import type { StateCreator } from 'zustand'
import type { CellClass, ExportId, SessionId } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import type { CursorState, MapViewState } from '../views'
import type { AppState } from './app-state'
import { type Edit, type EditStack, NO_EDITS, pushEdit } from './edit-stack'
import { type NavigationHistory, NO_HISTORY, visit } from './navigation'

export const SIDE_TABS = ['inspector', 'staged', 'extents', 'serve', 'activity'] as const
export type SideTab = (typeof SIDE_TABS)[number]

/** What the tab of exports shows. */
export type ServePart = 'exports' | 'requests'

export interface MapRoom {
  /** Cells with which the whole disk is in view. */
  readonly fitCellBytes: number
  readonly columns: number
  readonly visibleRows: number
}

export interface SessionView {
  /** Absent until somebody zooms: the whole disk. */
  readonly map?: MapViewState | undefined
  /** What the map has room for; told by the map, not kept. */
  readonly room?: MapRoom | undefined
  readonly cursor: CursorState
  readonly history: NavigationHistory
  readonly edits: EditStack
  readonly solo?: CellClass | undefined
  readonly hover?: ByteRange | undefined
}

export const NEW_VIEW: SessionView = {
  cursor: { offset: 0 },
  history: NO_HISTORY,
  edits: NO_EDITS,
}

export interface ViewsSlice {
  readonly views: Readonly<Record<SessionId, SessionView>>
  readonly sideTab: SideTab
  readonly servePart: ServePart
  /** The export whose requests are shown, as long as there is one of that id. */
  readonly requestsOf: ExportId | undefined
  readonly radix: 16 | 10
  changeView(id: SessionId, change: Partial<SessionView>): void
  /** Moves the cursor and remembers where it was. */
  travel(id: SessionId, cursor: CursorState, nowMs: number): void
  recordEdit(id: SessionId, edit: Edit): void
  showTab(tab: SideTab): void
  /** The tab of exports, with this in it; the requests of another export when one is named. */
  showServe(part: ServePart, requestsOf?: ExportId): void
  setRadix(radix: 16 | 10): void
}

export const viewOf = (state: Pick<ViewsSlice, 'views'>, id: SessionId): SessionView =>
  state.views[id] ?? NEW_VIEW

export const viewsSlice: StateCreator<AppState, [], [], ViewsSlice> = (set) => ({
  views: {},
  sideTab: 'inspector',
  servePart: 'exports',
  requestsOf: undefined,
  radix: 16,
  changeView: (id, change) =>
    set((state) => {
      const view = viewOf(state, id)
      const changes = Object.entries(change).some(
        ([name, value]) => view[name as keyof SessionView] !== value,
      )
      return changes ? { views: { ...state.views, [id]: { ...view, ...change } } } : state
    }),
  travel: (id, cursor, nowMs) =>
    set((state) => {
      const view = viewOf(state, id)
      const history = visit(view.history, view.cursor.offset, cursor.offset, nowMs)
      return { views: { ...state.views, [id]: { ...view, cursor, history } } }
    }),
  recordEdit: (id, edit) =>
    set((state) => {
      const view = viewOf(state, id)
      return { views: { ...state.views, [id]: { ...view, edits: pushEdit(view.edits, edit) } } }
    }),
  showTab: (sideTab) => set({ sideTab }),
  showServe: (servePart, requestsOf) =>
    set({ sideTab: 'serve', servePart, ...(requestsOf && { requestsOf }) }),
  setRadix: (radix) => set({ radix }),
})
