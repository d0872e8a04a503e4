// A host and a page over each kind of channel, for the suites of both.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Channel, WireMessage } from './channel'
import { MemoryChannel } from './memory-channel'
import type { Settings } from './model'
import type { DomPort, MainPort } from './port-channel'
import { PortChannel } from './port-channel'
import { RpcClient } from './rpc-client'
import type { Handlers, RequestContext, StreamHandlers } from './rpc-host'
import { RpcHost } from './rpc-host'
import type { StreamSink } from './rpc-streams'
import { SocketChannel } from './socket-channel'
import { validateParams } from './validators'
import { MAX_BYTES_TO_HOST, MAX_BYTES_TO_PAGE } from './wire-message'

export interface Ends {
  readonly host: Channel
  readonly page: Channel
  dispose?(): void
}

/** Node's types leave the events of its DOM side without their fields. */
const asDomPort = (port: MessagePort) => port as unknown as DomPort

/** Node's port, in the shape of those of Electron's main process. */
function asMainPort(port: MessagePort): MainPort {
  return {
    postMessage: (message) => port.postMessage(message),
    start: () => port.start(),
    close: () => port.close(),
    on: (event: string, listener: (event: { data: unknown }) => void) =>
      port.on(event, (data: unknown) => listener({ data })),
  }
}

async function overSocket(): Promise<Ends> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection')
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  const [[hostSocket]] = await Promise.all([accepted, once(socket, 'open')])
  return {
    host: new SocketChannel(hostSocket as WebSocket, MAX_BYTES_TO_HOST),
    page: new SocketChannel(socket, MAX_BYTES_TO_PAGE),
    dispose: () => server.close(),
  }
}

export const KINDS: Readonly<Record<string, () => Ends | Promise<Ends>>> = {
  memory: () => {
    const [host, page] = MemoryChannel.pair()
    return { host, page }
  },
  'message ports': () => {
    const { port1, port2 } = new MessageChannel()
    return {
      host: PortChannel.overDomPort(asDomPort(port1), MAX_BYTES_TO_HOST),
      page: PortChannel.overDomPort(asDomPort(port2), MAX_BYTES_TO_PAGE),
    }
  },
  "a port of Electron's main process": () => {
    const { port1, port2 } = new MessageChannel()
    return {
      host: PortChannel.overMainPort(asMainPort(port1), MAX_BYTES_TO_HOST),
      page: PortChannel.overDomPort(asDomPort(port2), MAX_BYTES_TO_PAGE),
    }
  },
  WebSocket: overSocket,
}

export const SETTINGS: Settings = { theme: 'dark', blockSize: 65536, bytesPerRow: 16 }
export const READ = { session: 's1', offset: 0, length: 16 }
export const VIEW = { session: 's1', cellBytes: 4096, firstCell: 0, cellCount: 8 }
export const FRAME = { epoch: 1, cellBytes: 4096, firstCell: 0 }

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

type ReadHandler = (context: RequestContext) => Promise<{ value: { epoch: number } }>
export type CellsHandler = (sink: StreamSink<typeof FRAME>) => Promise<void>

export interface Setup {
  read?: ReadHandler
  cells?: CellsHandler
}

/** A host and a page, with what crossed noted, as the page received it. */
export async function connect(make: () => Ends | Promise<Ends>, setup: Setup = {}) {
  const ends = await make()
  const bugs: unknown[] = []
  const pageBugs: unknown[] = []
  const received: WireMessage[] = []
  let hostClosed: (reason: Error | undefined) => void = () => {}
  const hostIsClosed = new Promise<Error | undefined>((resolve) => {
    hostClosed = resolve
  })
  const handlers: Partial<Handlers> = {
    'settings.set': async (params) => ({ value: { ...SETTINGS, ...params.settings } }),
    'bytes.read': (_, context) => (setup.read ?? (async () => ({ value: { epoch: 1 } })))(context),
    'stage.write': async (_, { bytes = new Uint8Array() }) => ({ value: { epoch: 2 }, bytes }),
  }
  const streams: StreamHandlers = {
    'map.cells': (_, sink) => (setup.cells ?? (async () => {}))(sink),
    'export.requests': async () => {},
  }
  const host = new RpcHost({
    channel: ends.host,
    handlers: handlers as Handlers,
    streams,
    validate: validateParams,
    onBug: (error) => bugs.push(error),
    onClose: hostClosed,
  })
  const page = new RpcClient({ channel: ends.page, onBug: (error) => pageBugs.push(error) })
  const toClient = ends.page.onMessage
  ends.page.onMessage = (message, bytes) => {
    received.push(message)
    toClient(message, bytes)
  }
  cleanups.push(() => {
    page.close()
    ends.dispose?.()
  })
  /** After this, everything that the page sent was handled, and everything sent before the answer has arrived. */
  const roundTrip = () => page.request('settings.set', { settings: {} })
  const answersTo = (id: number) =>
    received.filter((m) => (m.kind === 'reply' || m.kind === 'error') && m.id === id)
  return { ...ends, rpc: host, client: page, bugs, pageBugs, hostIsClosed, roundTrip, answersTo }
}
