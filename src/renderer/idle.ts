// What the page is still busy with, for tests that drive it: they wait until the list is empty.

import type { BusyPeer } from './host/busy-peer'
import type { AppStore } from './state/app-state'

declare global {
  interface Window {
    platterIdle?: () => string[]
  }
}

export function exposeIdle(page: Window, store: AppStore, peer: () => BusyPeer | undefined): void {
  page.platterIdle = () => {
    const { connection, jobs, sessions } = store.getState()
    return [
      ...(connection.kind === 'connected' ? [] : [`connection ${connection.kind}`]),
      ...(peer()?.waitingFor ?? []),
      ...jobs.filter((job) => job.state === 'running').map((job) => `job ${job.title}`),
      ...sessions.filter((each) => each.surveyed < 1).map((each) => `survey of ${each.image.name}`),
    ]
  }
}
