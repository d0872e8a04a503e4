// The browser host: the page's files over HTTP and the bridge over a WebSocket, on loopback only.
//
// A caller passes the gate (gate.ts) first. A file is then given to anybody; the WebSocket only to who
// shows the token, which is in the address that the host prints (bridge/web-handshake.ts). Each
// WebSocket is one page with a channel of its own; a page that comes back finds the workspace as it was.
//
// What a page has to do:
//   const token = tokenOfFragment(location.hash)           // keep it, e.g. in sessionStorage, for reloads
//   const socket = new WebSocket(bridgeUrl(location.host), bridgeProtocols(token))
//   when it opens: new RpcClient({ channel: new SocketChannel(socket, MAX_BYTES_TO_PAGE), … })
// A socket that closes before it opened: if `GET /` is answered, the token is of an earlier run; else the
// host is gone and trying again, ever more slowly, may help.

import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer, STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import type { Channel } from '../bridge/channel'
import { SocketChannel } from '../bridge/socket-channel'
import {
  BRIDGE_PATH,
  BRIDGE_PROTOCOL,
  isTokenShaped,
  pageUrl,
  tokenOfProtocols,
} from '../bridge/web-handshake'
import { maxWireLength } from '../bridge/wire-codec'
import { MAX_BYTES_TO_HOST } from '../bridge/wire-message'
import type { Clock } from '../engine/base/clock'
import { PlatterError } from '../engine/base/errors'
import type { HostServices } from '../workspace/host-services'
import type { Refusal } from './gate'
import { refuseCaller } from './gate'
import { keepAlive } from './heartbeat'
import { answerPlain, PageFiles } from './page-files'
import { isSameToken, makeToken } from './token'

export interface WebHostOptions {
  readonly clock: Clock
  /** Called with each page that connects; the channel closes with the page, or with the host. */
  readonly answer: (channel: Channel, services: HostServices) => void
  /** The built page. */
  readonly rendererDir: string
  /** `127.0.0.1` unless told otherwise; nothing but loopback is taken. */
  readonly host?: '127.0.0.1' | '::1'
  /** 0, and absent: any that is free. */
  readonly port?: number
  /** For tests; else a random one. */
  readonly token?: string
}

export interface WebHost {
  /** The address to open, with the token. */
  readonly url: string
  /** Stops listening and closes every page's connection; a second call waits for the first. */
  close(): Promise<void>
}

const LOOPBACK = ['127.0.0.1', '::1']
const MAX_PAGES = 32
const MAX_CONNECTIONS = 256
const REQUEST_TIMEOUT_MS = 10_000
/** What a page has to answer the close of its WebSocket. */
const CLOSE_GRACE_MS = 1000
const GOING_AWAY = 1001

/** Rejects with ADDRESS_IN_USE and the like when it cannot listen, NOT_FOUND without a built page. */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const { host = '127.0.0.1', port = 0, token = makeToken() } = options
  if (!LOOPBACK.includes(host)) {
    throw new PlatterError('BAD_REQUEST', `browser host: ${host} is not a loopback address`)
  }
  if (!isTokenShaped(token)) {
    throw new PlatterError(
      'BAD_REQUEST',
      'browser host: the token is not 16 to 128 base64url characters',
    )
  }
  const files = await PageFiles.in(options.rendererDir)
  const pages = new Pages(options, token)
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answerFile(files, request, response).catch(() => response.destroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  server.on('upgrade', (request, socket, head) => pages.welcome(request, socket, head))
  await listen(server, host, port)
  // An accept that failed later (no descriptors left) is the caller's loss; the others go on.
  server.on('error', (error) => console.error(`platter: browser host: ${error.message}`))
  const authority = `${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`
  const stop = async () => {
    const closed = once(server, 'close')
    server.close()
    await pages.close()
    server.closeAllConnections()
    await closed
  }
  let stopped: Promise<void> | undefined
  return {
    url: pageUrl(`http://${authority}`, token),
    close() {
      stopped ??= stop()
      return stopped
    },
  }
}

async function answerFile(files: PageFiles, request: IncomingMessage, response: ServerResponse) {
  const refusal = refuseCaller(request.headers, false)
  if (refusal !== undefined) answerPlain(response, refusal.status, refusal.reason)
  else await files.answer(request, response)
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    const where = `browser host: port ${port} of ${host}`
    switch ((error as NodeJS.ErrnoException).code) {
      case 'EADDRINUSE':
        throw new PlatterError('ADDRESS_IN_USE', `${where} is in use; choose another one`, {
          cause: error,
        })
      case 'EACCES':
        throw new PlatterError('NO_PERMISSION', `${where} may not be listened on`, { cause: error })
      default:
        throw new PlatterError('IO_ERROR', `${where} cannot be listened on`, { cause: error })
    }
  }
}

/** The open WebSockets. */
class Pages {
  readonly #options: WebHostOptions
  readonly #token: string
  readonly #sockets = new Set<WebSocket>()
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxWireLength(MAX_BYTES_TO_HOST),
    handleProtocols: () => BRIDGE_PROTOCOL,
  })
  #isClosing = false

  constructor(options: WebHostOptions, token: string) {
    this.#options = options
    this.#token = token
  }

  welcome(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refuse(request)
    if (refusal !== undefined) {
      refuseUpgrade(socket, refusal)
      return
    }
    this.#upgrader.handleUpgrade(request, socket, head, (page) => {
      this.#sockets.add(page)
      page.once('close', () => this.#sockets.delete(page))
      const channel = new SocketChannel(page, MAX_BYTES_TO_HOST)
      keepAlive(page, this.#options.clock)
      this.#options.answer(channel, { host: 'browser' })
    })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const sockets = [...this.#sockets]
    const closed = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.close(GOING_AWAY)
    const callOff = this.#options.clock.after(CLOSE_GRACE_MS, () => {
      for (const socket of sockets) socket.terminate()
    })
    await Promise.all(closed)
    callOff()
  }

  #refuse(request: IncomingMessage): Refusal | undefined {
    const refusal = refuseCaller(request.headers, true)
    if (refusal !== undefined) return refusal
    if (request.url !== BRIDGE_PATH)
      return { status: 404, reason: `only ${BRIDGE_PATH} is a WebSocket` }
    const offered = (request.headers['sec-websocket-protocol'] ?? '')
      .split(',')
      .map((p) => p.trim())
    const token = tokenOfProtocols(offered)
    if (token === undefined || !isSameToken(token, this.#token)) {
      return { status: 401, reason: 'the token is missing or not of this run' }
    }
    if (!offered.includes(BRIDGE_PROTOCOL)) {
      return { status: 400, reason: `this host speaks ${BRIDGE_PROTOCOL}` }
    }
    if (this.#isClosing) return { status: 503, reason: 'the host is stopping' }
    if (this.#sockets.size >= MAX_PAGES) {
      return { status: 503, reason: `${MAX_PAGES} pages are open, which is the most` }
    }
    return undefined
  }
}

function refuseUpgrade(socket: Duplex, { status, reason }: Refusal): void {
  socket.on('error', () => socket.destroy())
  const body = `${reason}\n`
  const answer =
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
    'Connection: close\r\n' +
    'Content-Type: text/plain; charset=utf-8\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  socket.end(answer, () => socket.destroy())
}
