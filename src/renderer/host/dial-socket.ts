// The browser host: a WebSocket at the address that the page came from, with the token of its URL.

import { SocketChannel } from '../../bridge/socket-channel'
import { bridgeProtocols, bridgeUrl, tokenOfFragment } from '../../bridge/web-handshake'
import { MAX_BYTES_TO_PAGE } from '../../bridge/wire-message'
import { HopelessError, type Line } from './keep-connected'
import { lineOver } from './line-over'

const OPEN_TIMEOUT_MS = 10_000

export async function dialSocket(page: Window): Promise<Line> {
  const token = tokenOfFragment(page.location.hash)
  if (token === undefined) {
    throw new HopelessError('this address has no token; open the one that Platter printed')
  }
  const { host } = page.location
  try {
    const socket = await openSocket(new WebSocket(bridgeUrl(host), bridgeProtocols(token)), host)
    return lineOver(new SocketChannel(socket, MAX_BYTES_TO_PAGE))
  } catch (error) {
    if (!(await servesPages(page))) throw error
    throw new Error(
      `${host} does not take this page; if Platter was started anew, open the address that it printed`,
      { cause: error },
    )
  }
}

/** A socket does not tell why it was refused. Where pages are still served, it was most likely the token. */
async function servesPages(page: Window): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(OPEN_TIMEOUT_MS)
    return (await page.fetch('/', { method: 'HEAD', cache: 'no-store', signal })).ok
  } catch {
    return false // Nobody is there: the socket's own reason says it.
  }
}

function openSocket(socket: WebSocket, host: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${host} did not answer in ${OPEN_TIMEOUT_MS / 1000} s`))
      socket.close()
    }, OPEN_TIMEOUT_MS)
    socket.addEventListener('open', () => {
      clearTimeout(timer)
      resolve(socket)
    })
    socket.addEventListener('close', () => {
      clearTimeout(timer)
      reject(new Error(`${host} does not answer`))
    })
  })
}
