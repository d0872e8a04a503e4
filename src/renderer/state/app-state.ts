import { createStore, type StoreApi } from 'zustand/vanilla'
import type { SessionInfo } from '../../bridge/model'
import { type DialogSlice, dialogSlice } from './dialog-slice'
import { type HostSlice, hostSlice } from './host-slice'
import { type SessionsSlice, sessionsSlice } from './sessions-slice'
import { type ViewsSlice, viewsSlice } from './views-slice'

export type AppState = HostSlice & SessionsSlice & ViewsSlice & DialogSlice
export type AppStore = StoreApi<AppState>

export const createAppStore = (): AppStore =>
  createStore<AppState>()((...api) => ({
    ...hostSlice(...api),
    ...sessionsSlice(...api),
    ...viewsSlice(...api),
    ...dialogSlice(...api),
  }))

export const activeSession = (
  state: Pick<AppState, 'sessions' | 'activeId'>,
): SessionInfo | undefined => state.sessions.find((each) => each.id === state.activeId)

/** Bytes that are staged and not committed. */
export const stagedBytes = ({ totals }: SessionInfo): number => totals.written + totals.zeroed
