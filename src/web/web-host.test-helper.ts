// A browser host over a directory of its own, and callers that speak HTTP byte by byte.

import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Channel } from '../bridge/channel'
import { BRIDGE_PATH, bridgeProtocols } from '../bridge/web-handshake'
import { ManualClock } from '../engine/base/clock'
import type { HostServices } from '../workspace/host-services'
import { startWebHost, type WebHostOptions } from './web-host'

export const TOKEN = 'test-token-0123456789'
export const SCRIPT = '/assets/app-Ab3dEf9h.js'

/** The page's directory, with a secret beside it that nobody may read. */
async function makePage(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'platter-web-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const page = join(dir, 'page')
  await mkdir(join(page, 'assets'), { recursive: true })
  await writeFile(join(page, 'index.html'), '<!doctype html><title>Platter</title>')
  await writeFile(join(page, SCRIPT), 'export {}')
  await writeFile(join(page, 'empty.txt'), '')
  await writeFile(join(page, '.hidden'), 'secret')
  await writeFile(join(dir, 'secret.txt'), 'secret')
  await mkdir(join(dir, 'page-of-another'))
  await writeFile(join(dir, 'page-of-another', 'secret.txt'), 'secret')
  await symlink(join(dir, 'secret.txt'), join(page, 'link.txt'))
  await symlink(join(dir, 'page-of-another', 'secret.txt'), join(page, 'link-to-another.txt'))
  return page
}

export async function start(options: Partial<WebHostOptions> = {}) {
  const clock = new ManualClock()
  const attached: { channel: Channel; services: HostServices }[] = []
  const rendererDir = await makePage()
  const host = await startWebHost({
    clock,
    answer: (channel, services) => void attached.push({ channel, services }),
    rendererDir,
    token: TOKEN,
    ...options,
  })
  onTestFinished(() => host.close())
  const { host: authority, hostname, port } = new URL(host.url)
  const address = { host: hostname.replace(/[[\]]/g, ''), port: Number(port) }
  return { host, clock, attached, rendererDir, authority, address }
}

export type Started = Awaited<ReturnType<typeof start>>

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends exactly these lines and reads until the host closes. */
export async function raw({ address }: Started, lines: readonly string[]): Promise<RawAnswer> {
  const socket = connect(address)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write([...lines, '', ''].join('\r\n'))
  await once(socket, 'close')
  const [head = '', ...rest] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n')
  const [statusLine = '', ...fields] = head.split('\r\n')
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(':')
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
      }),
    ),
    body: rest.join('\r\n\r\n'),
  }
}

export const get = (started: Started, target: string, headers: readonly string[] = []) =>
  raw(started, [
    `GET ${target} HTTP/1.1`,
    `Host: ${started.authority}`,
    'Connection: close',
    ...headers,
  ])

/** The lines of an upgrade that is welcome; `undefined` leaves a header out. */
export function upgradeLines(
  { authority }: Started,
  changes: Readonly<Record<string, string | undefined>> = {},
  target = BRIDGE_PATH,
): string[] {
  const headers: Record<string, string | undefined> = {
    Host: authority,
    Origin: `http://${authority}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol': bridgeProtocols(TOKEN).join(', '),
    ...changes,
  }
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  return [`GET ${target} HTTP/1.1`, ...fields]
}

/** A WebSocket that is open at `ws`'s side, as a page's would be. */
export async function openPage({ authority }: Started, autoPong = true): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${authority}${BRIDGE_PATH}`, bridgeProtocols(TOKEN), {
    origin: `http://${authority}`,
    autoPong,
  })
  await once(socket, 'open')
  onTestFinished(() => socket.terminate())
  return socket
}

/** A connection whose upgrade was taken, and whose other end is only bytes. */
export async function openRaw(started: Started): Promise<Socket> {
  const socket = connect(started.address)
  onTestFinished(() => void socket.destroy())
  socket.write([...upgradeLines(started), '', ''].join('\r\n'))
  await once(socket, 'data')
  return socket
}
