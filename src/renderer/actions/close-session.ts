import type { SessionId } from '../../bridge/model'
import { hasCode } from '../../engine/base/errors'
import type { App } from '../state/app'

/** Closes at once when nothing is staged; else the question is asked first. */
export async function closeSession(app: App, session: SessionId, discard = false): Promise<void> {
  try {
    await app.request('session.close', { session, ...(discard ? { discard } : {}) })
    app.store.getState().dropSession(session)
  } catch (error) {
    if (!hasCode(error, 'STAGED_CHANGES') || discard) throw error
    app.store.getState().openDialog({ kind: 'close-staged', session })
  }
}
