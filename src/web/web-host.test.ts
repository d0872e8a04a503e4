import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { RpcClient } from '../bridge/rpc-client'
import type { Handlers } from '../bridge/rpc-host'
import { RpcHost } from '../bridge/rpc-host'
import { SocketChannel } from '../bridge/socket-channel'
import { validateParams } from '../bridge/validators'
import { BRIDGE_PROTOCOL, CLOSE_CODES } from '../bridge/web-handshake'
import { MAX_BYTES_TO_HOST, MAX_BYTES_TO_PAGE, MAX_JSON_LENGTH } from '../bridge/wire-message'
import { BEAT_MS } from './heartbeat'
import { startWebHost } from './web-host'
import {
  get,
  openPage,
  openRaw,
  raw,
  SCRIPT,
  start,
  TOKEN,
  upgradeLines,
} from './web-host.test-helper'

describe('files', () => {
  test('the page comes with its policy, and is asked for again each time', async () => {
    const started = await start()
    const answer = await get(started, '/')
    expect(answer.status).toBe(200)
    expect(answer.body).toContain('<title>Platter</title>')
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    const csp = answer.headers['content-security-policy']
    expect(csp).toContain("script-src 'self';")
    expect(csp).toContain(`connect-src 'self' ws://${started.authority};`)
  })

  test('files with a hash in their name may be kept', async () => {
    const answer = await get(await start(), `${SCRIPT}?v=1`)
    expect(answer).toMatchObject({ status: 200, body: 'export {}' })
    expect(answer.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'private, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    })
  })

  test('HEAD gives the headers alone, and an empty file is a file', async () => {
    const started = await start()
    const lines = [`HEAD ${SCRIPT} HTTP/1.1`, `Host: ${started.authority}`, 'Connection: close']
    const head = await raw(started, lines)
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers['content-length']).toBe('9')
    expect(await get(started, '/empty.txt')).toMatchObject({ status: 200, body: '' })
  })

  test.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/../page-of-another/secret.txt',
    '//secret.txt',
    '/./index.html',
    '/link.txt',
    '/link-to-another.txt',
    '/.hidden',
    '/assets',
    '/assets/',
    '/index.html%00.js',
    '/index.html/',
    '/%',
    '/missing.js',
    '/bridge',
    'secret.txt',
    '*',
    'http://127.0.0.1/../secret.txt',
  ])('%s is no file of the page', async (target) => {
    const answer = await get(await start(), target)
    expect([400, 404]).toContain(answer.status)
    expect(answer.body).not.toContain('<title>')
    expect(answer.body.toLowerCase()).not.toContain('secret')
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('%s is refused', async (method) => {
    const started = await start()
    const lines = [`${method} / HTTP/1.1`, `Host: ${started.authority}`, 'Connection: close']
    const answer = await raw(started, lines)
    expect(answer.status).toBe(405)
    expect(answer.headers['allow']).toBe('GET, HEAD')
  })
})

describe('the gate', () => {
  test.each(['localhost', 'LOCALHOST:8123', '127.0.0.1:1', '[::1]:65535'])(
    'Host %s is this machine, whatever the port',
    async (host) => {
      const lines = ['GET / HTTP/1.1', `Host: ${host}`, 'Connection: close']
      const own = [...lines, `Origin: http://${host.toLowerCase()}`]
      const started = await start()
      expect((await raw(started, lines)).status).toBe(200)
      expect((await raw(started, own)).status).toBe(200)
    },
  )

  test.each([
    'evil.example',
    'evil.example:8123',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.localhost',
    'localhost:80:80',
    'localhost:',
    'localhost/',
    '127.0.0.2',
    '0.0.0.0',
    '[::]',
    'user@localhost',
    '',
  ])('Host %j is refused, for files and for the WebSocket', async (host) => {
    const started = await start()
    const lines = ['GET / HTTP/1.1', `Host: ${host}`, 'Connection: close']
    expect((await raw(started, lines)).status).toBe(403)
    const upgrade = upgradeLines(started, { Host: host, Origin: `http://${host}` })
    expect((await raw(started, upgrade)).status).toBe(403)
    expect(started.attached).toEqual([])
  })

  test('a request without Host is refused', async () => {
    const started = await start()
    expect((await raw(started, ['GET / HTTP/1.0'])).status).toBe(403)
    expect((await raw(started, ['GET / HTTP/1.1'])).status).toBe(400)
  })

  test.each([
    'http://evil.example',
    'null',
    'https://AUTHORITY',
    'http://AUTHORITY.evil.example',
    'http://localhost',
    'http://127.0.0.1:1',
    'file://',
  ])('Origin %s is refused, for files and for the WebSocket', async (pattern) => {
    const started = await start()
    const origin = pattern.replace('AUTHORITY', started.authority)
    expect((await get(started, '/', [`Origin: ${origin}`])).status).toBe(403)
    const answer = await raw(started, upgradeLines(started, { Origin: origin }))
    expect(answer.status).toBe(403)
    expect(started.attached).toEqual([])
  })
})

describe('the WebSocket', () => {
  const withToken = (token: string) => `${BRIDGE_PROTOCOL}, platter.token.${token}`

  test.each<[string, number, Record<string, string | undefined>]>([
    ['no Origin', 403, { Origin: undefined }],
    ['no subprotocol', 401, { 'Sec-WebSocket-Protocol': undefined }],
    ['no token', 401, { 'Sec-WebSocket-Protocol': BRIDGE_PROTOCOL }],
    ['an empty token', 401, { 'Sec-WebSocket-Protocol': withToken('') }],
    ['another token', 401, { 'Sec-WebSocket-Protocol': withToken('x'.repeat(TOKEN.length)) }],
    ['half of the token', 401, { 'Sec-WebSocket-Protocol': withToken(TOKEN.slice(0, 10)) }],
    ['more than the token', 401, { 'Sec-WebSocket-Protocol': withToken(`${TOKEN}x`) }],
    ['another version', 400, { 'Sec-WebSocket-Protocol': `platter.0, platter.token.${TOKEN}` }],
    ['another upgrade', 400, { Upgrade: 'h2c' }],
    ['no key', 400, { 'Sec-WebSocket-Key': undefined }],
  ])('with %s is refused with %d before a channel exists', async (_, status, changes) => {
    const started = await start()
    expect((await raw(started, upgradeLines(started, changes))).status).toBe(status)
    expect(started.attached).toEqual([])
  })

  test('is at one path only, and the token does not belong into an address', async () => {
    const started = await start()
    for (const path of ['/', '/bridge/', `/bridge?token=${TOKEN}`]) {
      expect((await raw(started, upgradeLines(started, {}, path))).status).toBe(404)
    }
  })

  test('with all that is right becomes a channel, and the answer does not repeat the token', async () => {
    const started = await start()
    const socket = await openPage(started)
    expect(socket.protocol).toBe(BRIDGE_PROTOCOL)
    expect(started.attached).toHaveLength(1)
    expect(started.attached[0]!.services).toEqual({ host: 'browser' })
  })

  test('several pages are served at once, and each ends alone', async () => {
    const started = await start()
    const pages = await Promise.all([1, 2].map(() => connectPage(started)))
    const answers = await Promise.all(pages.map(({ client }) => client.request('host.hello', {})))
    expect(answers.map(({ value }) => value)).toEqual([{ page: 0 }, { page: 1 }])
    pages[0]!.client.close()
    await pages[0]!.closed
    expect((await pages[1]!.client.request('host.hello', {})).value).toEqual({ page: 1 })
  })

  test('a message that is too long ends the connection, and the host lives on', async () => {
    const started = await start()
    const socket = await openPage(started)
    const closed = once(socket, 'close')
    socket.send(new Uint8Array(MAX_BYTES_TO_HOST + MAX_JSON_LENGTH + 5))
    expect((await closed)[0]).toBe(1009)
    await openPage(started)
    expect(started.attached).toHaveLength(2)
  })

  test('a message that is none ends the connection with the code for it', async () => {
    const started = await start()
    const socket = await openPage(started)
    const closed = once(socket, 'close')
    socket.send('not a message')
    expect((await closed)[0]).toBe(CLOSE_CODES.PROTOCOL)
  })

  test('bytes that are no WebSocket frame end the connection, and the host lives on', async () => {
    const started = await start()
    const socket = await openRaw(started)
    const closed = new Promise((resolve) => {
      started.attached[0]!.channel.onClose = resolve
    })
    socket.write(Buffer.alloc(64, 0xff))
    expect(await closed).toMatchObject({ code: 'DISCONNECTED' })
    expect((await get(started, '/')).status).toBe(200)
  })

  test('a page that answers no ping for a beat is cut off', async () => {
    const started = await start()
    const socket = await openPage(started, false)
    const closed = new Promise((resolve) => {
      started.attached[0]!.channel.onClose = resolve
    })
    const pinged = once(socket, 'ping')
    started.clock.advance(BEAT_MS)
    await pinged
    started.clock.advance(BEAT_MS)
    expect(await closed).toMatchObject({ code: 'DISCONNECTED' })
  })

  test('a page that answers pings stays', async () => {
    const started = await start()
    const socket = await openPage(started, false)
    for (let beat = 0; beat < 5; beat++) {
      const pinged = once(socket, 'ping')
      started.clock.advance(BEAT_MS)
      await pinged
      socket.pong()
      // The host has read the pong when it has read what was sent after it.
      const heard = new Promise<void>((resolve) => {
        started.attached[0]!.channel.onMessage = () => resolve()
      })
      socket.send('{"kind":"cancel","id":1}')
      await heard
    }
    expect(socket.readyState).toBe(socket.OPEN)
  })
})

/** A page with a client, over a host that answers with the number of the page. */
async function connectPage(started: Awaited<ReturnType<typeof start>>) {
  const socket = await openPage(started)
  const page = started.attached.length - 1
  const handlers: Partial<Handlers> = {
    'host.hello': async () => ({ value: { page } as never }),
  }
  const closed = new Promise<void>((resolve) => {
    new RpcHost({
      channel: started.attached[page]!.channel,
      handlers: handlers as Handlers,
      streams: { 'map.cells': async () => {}, 'export.requests': async () => {} },
      validate: validateParams,
      onClose: () => resolve(),
    })
  })
  return {
    client: new RpcClient({ channel: new SocketChannel(socket, MAX_BYTES_TO_PAGE) }),
    closed,
  }
}

describe('starting', () => {
  test('tokens are random and long, and in the fragment only', async () => {
    const [one, two] = [await start({ token: undefined as never }), await start({})]
    const url = new URL(one.host.url)
    expect(url.hash).toMatch(/^#token=[A-Za-z0-9_-]{43}$/)
    expect(url.pathname + url.search).toBe('/')
    expect(one.host.url).not.toBe(two.host.url)
  })

  test('an address that is not loopback is refused', async () => {
    await expect(start({ host: '0.0.0.0' as '127.0.0.1' })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'browser host: 0.0.0.0 is not a loopback address',
    })
  })

  test('a weak token is refused', async () => {
    await expect(start({ token: 'short' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  test('a port that is taken is named', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    await expect(start({ port })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: `browser host: port ${port} of 127.0.0.1 is in use; choose another one`,
    })
  })

  test('a page that was not built is named', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'platter-web-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    const clock = { now: () => 0, after: () => () => {} }
    const started = startWebHost({ clock, answer: () => {}, rendererDir: dir })
    await expect(started).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `${dir}: no index.html; the page was not built`,
    })
  })
})

describe('stopping', () => {
  test('tells the pages that the host goes away, and frees the port', async () => {
    const started = await start()
    const socket = await openPage(started)
    const closed = once(socket, 'close')
    const hostSide = new Promise((resolve) => {
      started.attached[0]!.channel.onClose = resolve
    })
    await started.host.close()
    expect((await closed)[0]).toBe(1001)
    expect(await hostSide).toBeUndefined()
    const again = await start({ port: started.address.port })
    expect(again.address.port).toBe(started.address.port)
  })

  test('does not wait for a page that does not answer', async () => {
    const started = await start()
    const socket = await openRaw(started)
    const told = once(socket, 'data')
    const ended = started.host.close()
    await told
    started.clock.advance(1000)
    await ended
  })
})
