// An App over a made-up host, for tests of actions.

import { type App, makeQueue, messageOf, requestThrough } from '../state/app'
import { createAppStore } from '../state/app-state'
import { followHost } from '../state/follow-host'
import { FakePeer, type FakePeerOptions } from './fake-peer'

export function makeTestApp() {
  const store = createAppStore()
  const notices: string[] = []
  const copied: string[] = []
  const focused: string[] = []
  const app: App = {
    store,
    notices: {
      problem: (title, error) => notices.push(`${title}: ${messageOf(error)}`),
      info: (title) => notices.push(title),
    },
    desktop: undefined,
    request: requestThrough(store),
    inTurn: makeQueue(),
    focus: (target) => focused.push(target),
    copyText: async (text) => {
      copied.push(text)
    },
    now: () => performance.now(),
    reconnect: () => {},
  }
  return { app, notices, copied, focused }
}

/** The same with a host connected and its one image in front. */
export async function openFakeImage(options: FakePeerOptions = {}) {
  const made = makeTestApp()
  const peer = new FakePeer({ size: 64 * 1024 * 1024, ...options })
  const { store } = made.app
  followHost(peer, store, { runAction: () => {}, problem: () => {} })
  store.getState().takeHello((await peer.request('host.hello', {})).value)
  store.getState().setPeer(peer)
  store.getState().setConnection({ kind: 'connected' })
  return { ...made, peer, session: peer.session }
}
