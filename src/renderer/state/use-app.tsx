import { createContext, useContext } from 'react'
import { useStore } from 'zustand'
import type { SessionInfo } from '../../bridge/model'
import { ensure } from '../../engine/base/assert'
import type { App } from './app'
import type { AppState } from './app-state'
import { activeSession } from './app-state'
import { type SessionView, viewOf } from './views-slice'

const AppContext = createContext<App | undefined>(undefined)

export const AppProvider = AppContext.Provider

export const useApp = (): App => ensure(useContext(AppContext), 'an App above')

/** `select` gives something that is in the state as it is, not made anew at each call. */
export const useAppState = <T,>(select: (state: AppState) => T): T =>
  useStore(useApp().store, select)

/** The session in front. */
export const useActiveSession = (): SessionInfo | undefined => useAppState(activeSession)

/** A part of a session's view: asking for no more than is shown keeps the pointer's way cheap. */
export const useView = <T,>(session: string, select: (view: SessionView) => T): T =>
  useAppState((state) => select(viewOf(state, session)))
