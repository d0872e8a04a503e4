// Puts the page together: state, theme, the connection to the host, and what an App is.

import { askToRecover } from './actions/ask-to-recover'
import { runActionById } from './actions/run-action'
import { BusyPeer } from './host/busy-peer'
import { connectToHost } from './host/connect'
import { exposeIdle } from './idle'
import { type App, type FocusTarget, makeQueue, requestThrough } from './state/app'
import { createAppStore } from './state/app-state'
import { followHost } from './state/follow-host'
import { persistView } from './state/persisted-view'
import { Theme } from './theme/theme'
import { noticesInto, type ToastManager } from './widgets/toasts'

export function startApp(page: Window, toasts: ToastManager): App {
  const store = createAppStore()
  const notices = noticesInto(toasts)
  const theme = new Theme(page)
  persistView(store, page.sessionStorage, page)
  store.subscribe(({ settings }, before) => {
    if (settings.theme !== before.settings.theme) theme.choose(settings.theme)
  })
  exposeTitle(page, store)

  let peer: BusyPeer | undefined
  let stopFollowing = () => {}
  const connection = connectToHost(page, {
    onState: (state) => store.getState().setConnection(state),
    onHello: (opened, hello) => {
      stopFollowing()
      peer = new BusyPeer(opened)
      stopFollowing = followHost(peer, store, {
        runAction: (id) => runActionById(app, id),
        problem: (message) => notices.problem('Something went wrong at the host', message),
      })
      store.getState().takeHello(hello)
      store.getState().setPeer(peer)
      theme.choose(hello.settings.theme)
    },
  })
  exposeIdle(page, store, () => peer)

  const app: App = {
    store,
    notices,
    desktop: page.platterDesktop,
    request: requestThrough(store),
    inTurn: makeQueue(),
    focus: (target) => focusPane(page, target),
    copyText: (text) => page.navigator.clipboard.writeText(text),
    now: () => page.performance.now(),
    reconnect: () => connection.retry(),
  }
  askToRecover(app)
  return app
}

/** After what has the focus now has given it back: a dialog returns it when it is gone. */
function focusPane(page: Window, target: FocusTarget): void {
  const find = () => {
    const pane = page.document.querySelector(`[data-pane='${target}'] .pane-body`)
    pane?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()
  }
  page.requestAnimationFrame(() => page.requestAnimationFrame(find))
}

function exposeTitle(page: Window, store: App['store']): void {
  store.subscribe(({ sessions, activeId }) => {
    const session = sessions.find((each) => each.id === activeId)
    const name = session?.lasting?.name ?? session?.image.name
    const title = name === undefined ? 'Platter' : `${name} – Platter`
    if (page.document.title !== title) page.document.title = title
  })
}
