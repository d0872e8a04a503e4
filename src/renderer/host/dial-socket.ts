// The browser host: a WebSocket at the address that the page came from, with the token of its URL.

import { SocketChannel } from '../../bridge/socket-channel'
import { bridgeProtocols, bridgeUrl, tokenOfFragment } from '../../bridge/web-handshake'
import { MAX_BYTES_TO_PAGE } from '../../bridge/wire-message'
import type { Line } from './keep-connected'
import { lineOver } from './line-over'

const OPEN_TIMEOUT_MS = 10_000

export async function dialSocket(page: Window): Promise<Line> {
  const token = tokenOfFragment(page.location.hash)
  if (token === undefined) {
    throw new Error('the address of this page has no token; open the one that Platter printed')
  }
  const { host } = page.location
  const socket = await openSocket(new WebSocket(bridgeUrl(host), bridgeProtocols(token)), host)
  return lineOver(new SocketChannel(socket, MAX_BYTES_TO_PAGE))
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
      reject(new Error(`${host} does not answer, or is another run of Platter than this page's`))
    })
  })
}
