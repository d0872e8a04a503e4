// Moving the cursor of the session in front: every jump is kept in its history.

import type { ByteRange } from '../../engine/base/ranges'
import type { App } from '../state/app'
import { activeSession } from '../state/app-state'
import { goBack, goForward } from '../state/navigation'
import { viewOf } from '../state/views-slice'

/** Puts the cursor at `offset`, with a selection when a length is given. */
export function goTo(app: App, offset: number, length?: number): void {
  const state = app.store.getState()
  const session = activeSession(state)
  if (session === undefined) return
  const at = Math.max(0, Math.min(offset, session.image.size - 1))
  const selection: ByteRange | undefined = length === undefined ? undefined : { offset: at, length }
  state.travel(session.id, selection ? { offset: at, selection } : { offset: at }, app.now())
}

export function goInHistory(app: App, direction: 'back' | 'forward'): void {
  const state = app.store.getState()
  const session = activeSession(state)
  if (session === undefined) return
  const view = viewOf(state, session.id)
  const step = direction === 'back' ? goBack : goForward
  const next = step(view.history, view.cursor.offset)
  if (next === undefined) return
  state.changeView(session.id, { cursor: { offset: next.offset }, history: next.history })
}

/** The next boundary of an extent, or staged run, seen from the cursor; says so when there is none. */
export async function goToNext(
  app: App,
  what: 'extent' | 'staged',
  direction: 'next' | 'previous',
): Promise<void> {
  const state = app.store.getState()
  const session = activeSession(state)
  if (session === undefined) return
  const { offset } = viewOf(state, session.id).cursor
  const backwards = direction === 'previous'
  const { value } = await app.request('map.next', { session: session.id, offset, what, backwards })
  if (value.offset !== undefined) return goTo(app, value.offset)
  const name = what === 'extent' ? 'extent' : 'staged change'
  app.notices.info(`No ${direction} ${name}`)
}
