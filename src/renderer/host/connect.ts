// The only place that knows which host is behind the page.

import type { PlatterDesktop } from '../../bridge/desktop-page'
import { browserClock } from './browser-clock'
import { dialPort } from './dial-port'
import { dialSocket } from './dial-socket'
import { type Connection, type ConnectionEvents, keepConnected } from './keep-connected'

declare global {
  interface Window {
    /** Set by the desktop's preload. */
    readonly platterDesktop?: PlatterDesktop
  }
}

export function connectToHost(page: Window, events: ConnectionEvents): Connection {
  const dial = page.platterDesktop === undefined ? dialSocket : dialPort
  return keepConnected(() => dial(page), browserClock, events)
}
