// The desktop: the preload is told that the page is ready, and posts a port to it. Each time that the
// page says so, there is a new port.

import { PAGE_READY, PORT_MESSAGE } from '../../bridge/desktop-page'
import { PortChannel } from '../../bridge/port-channel'
import { MAX_BYTES_TO_PAGE } from '../../bridge/wire-message'
import type { Line } from './keep-connected'
import { lineOver } from './line-over'

const PORT_TIMEOUT_MS = 10_000

export async function dialPort(page: Window): Promise<Line> {
  const port = await askForPort(page)
  return lineOver(PortChannel.overDomPort(port, MAX_BYTES_TO_PAGE))
}

function askForPort(page: Window): Promise<MessagePort> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      page.removeEventListener('message', onMessage)
    }
    const onMessage = (event: MessageEvent) => {
      const port = event.ports[0]
      if (event.source !== page || event.data !== PORT_MESSAGE || port === undefined) return
      stop()
      resolve(port)
    }
    const timer = setTimeout(() => {
      stop()
      reject(new Error(`the application did not answer in ${PORT_TIMEOUT_MS / 1000} s`))
    }, PORT_TIMEOUT_MS)
    page.addEventListener('message', onMessage)
    page.postMessage(PAGE_READY, page.location.origin)
  })
}
