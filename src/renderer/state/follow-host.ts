// Brings the host's events into the store. The returned function stops listening.

import type { Peer } from '../../bridge/peer'
import type { AppStore } from './app-state'

export interface HostEvents {
  /** An action chosen outside the page. */
  runAction(id: string): void
  problem(message: string): void
}

/** How long the end of a job is told in the status bar. */
export const ENDED_JOB_MS = 6000

export function followHost(peer: Peer, store: AppStore, events: HostEvents): () => void {
  const state = store.getState
  const offs = [
    peer.on('session.changed', (session) => {
      if (state().sessions.some((each) => each.id === session.id)) state().putSession(session)
    }),
    peer.on('session.opened', (session) => {
      state().putSession(session)
      state().activate(session.id)
    }),
    peer.on('session.closed', ({ session }) => state().dropSession(session)),
    peer.on('job.changed', (job) => {
      state().putJob(job)
      if (job.state !== 'running') setTimeout(() => state().hideJob(job.id), ENDED_JOB_MS)
    }),
    peer.on('export.changed', (info) => state().putExport(info)),
    peer.on('export.stopped', ({ export: id }) => state().dropExport(id)),
    peer.on('activity.tick', ({ session, tick }) => state().putTicks(session, [tick])),
    peer.on('settings.changed', (settings) => state().setSettings(settings)),
    peer.on('action.run', ({ action }) => events.runAction(action)),
    peer.on('host.problem', ({ message }) => events.problem(message)),
  ]
  return () => {
    for (const off of offs) off()
  }
}
