// What a person has to know of an overlay that was not closed as it should have been, once, when its
// session comes into sight: a question where a commit was cut short, else a word that all is well.

import type { SessionId, SessionInfo } from '../../bridge/model'
import type { App } from '../state/app'

/** The returned function ends it. */
export function askToRecover(app: App): () => void {
  const told = new Set<SessionId>()
  const look = (sessions: readonly SessionInfo[]) => {
    for (const session of sessions) {
      if (session.recover === undefined || told.has(session.id)) continue
      const { dialog } = app.store.getState()
      if (session.recover.kind === 'committing') {
        // A dialog that is open goes first; the next change of anything looks again.
        if (dialog !== undefined) continue
        told.add(session.id)
        app.store.getState().activate(session.id)
        app.store.getState().openDialog({ kind: 'recover', session: session.id })
      } else {
        told.add(session.id)
        const name = session.lasting?.name ?? session.image.name
        const text = 'All that was saved is there; what was staged in the last second may not be.'
        app.notices.info(`${name} was not closed last time`, text)
      }
    }
  }
  look(app.store.getState().sessions)
  return app.store.subscribe(({ sessions }) => look(sessions))
}
