import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { expectCode } from '../testing/expect-disk'
import * as bs from './byte-script.test-helper'
import { NbdClient } from './client'
import type { ExportInfo } from './export-info'
import { MAX_CLIENT_BYTES, MAX_CLIENT_REQUESTS, MAX_OVERDUE } from './limits'
import { RawPeer, settle } from './raw-peer.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

const TIMEOUT = 1000

const INFO: ExportInfo = {
  exportName: 'd',
  size: 1 << 30,
  flags: 0x0ded,
  handshake: 'fixed newstyle',
  structured: true,
  extended: false,
  tls: false,
  contexts: [{ id: 7, name: 'base:allocation' }],
}

function connect(highWater?: number, info = INFO) {
  const options = highWater === undefined ? {} : { highWater }
  const [ours, theirs] = PairedTransport.pair(options)
  const clock = new ManualClock()
  const closed: (string | undefined)[] = []
  const client = new NbdClient({
    transport: ours,
    info,
    clock,
    requestTimeoutMs: TIMEOUT,
    onClosed: (error) => closed.push(error?.code),
  })
  ours.start(client.events)
  return { client, peer: new RawPeer(theirs), clock, closed }
}

/** The requests that the server got, by the fields of their headers; payload is passed over. */
function requestsOf(peer: RawPeer) {
  const bytes = Buffer.from(peer.received)
  const requests: {
    command: number
    flags: number
    cookie: number
    offset: number
    length: number
  }[] = []
  for (let at = 0; at < bytes.length; ) {
    expect(bytes.readUInt32BE(at)).toBe(0x25609513)
    const command = bytes.readUInt16BE(at + 6)
    const length = bytes.readUInt32BE(at + 24)
    const offset = Number(bytes.readBigUInt64BE(at + 16))
    const cookie = Number(bytes.readBigUInt64BE(at + 8))
    requests.push({ command, flags: bytes.readUInt16BE(at + 4), cookie, offset, length })
    at += 28 + (command === 1 ? length : 0)
  }
  return requests
}

const done = (cookie: number) => bs.chunk(cookie, 0, true)
const data = (cookie: number, offset: number, bytes: Uint8Array) =>
  bs.chunk(cookie, 1, true, bs.u64(offset), bytes)

/** How a call ended, asked without waiting for it. */
function watch(call: Promise<unknown>): { outcome: string } {
  const seen = { outcome: 'open' }
  call.then(
    () => {
      seen.outcome = 'done'
    },
    (error: unknown) => {
      seen.outcome = error instanceof PlatterError ? error.code : String(error)
    },
  )
  return seen
}

describe('the client’s requests', () => {
  it('go out as the specification draws them', async () => {
    const { client, peer } = connect()
    const calls = [
      client.read(new Uint8Array(512), 2 ** 40 + 512),
      client.write(bs.script('aabb'), 5, 1),
      client.act(6, 4096, 2 ** 31, 2 | 16),
      client.act(3, 0, 0, 0),
      client.statusOf('base:allocation', 0, 512, 8),
    ].map(watch)
    await settle()
    const expected = bs.script(
      bs.request({ command: 0, cookie: 1, offset: 2 ** 40 + 512, length: 512 }),
      bs.request({ command: 1, flags: 1, cookie: 2, offset: 5, data: bs.script('aabb') }),
      bs.request({ command: 6, flags: 18, cookie: 3, offset: 4096, length: 2 ** 31 }),
      bs.request({ command: 3, cookie: 4 }),
      bs.request({ command: 7, flags: 8, cookie: 5, length: 512 }),
    )
    expect(peer.hex).toBe(Buffer.from(expected).toString('hex'))
    peer.send(done(4), done(2), done(3))
    peer.send(bs.chunk(5, 5, true, bs.u32(7), bs.u32(512), bs.u32(3)))
    peer.send(data(1, 2 ** 40 + 512, new Uint8Array(512)))
    await settle()
    expect(calls.map((call) => call.outcome)).toEqual(Array(5).fill('done'))
  })

  it('wait in line beyond the limit, in order', async () => {
    const { client, peer } = connect()
    const count = MAX_CLIENT_REQUESTS + 10
    const calls = Array.from({ length: count }, (_, i) => client.act(5, i, 1, 0))
    await settle()
    expect(requestsOf(peer).length).toBe(MAX_CLIENT_REQUESTS)
    for (let cookie = 1; cookie <= 10; cookie++) peer.send(done(cookie))
    await settle()
    expect(requestsOf(peer).map((request) => request.offset)).toEqual(
      Array.from({ length: count }, (_, i) => i),
    )
    for (let cookie = 11; cookie <= count; cookie++) peer.send(done(cookie))
    await Promise.all(calls)
    expect(client.openRequests).toBe(0)
  })

  it('wait in line when their payload is above the limit together', async () => {
    const { client, peer } = connect()
    const quarter = new Uint8Array(MAX_CLIENT_BYTES / 2)
    const calls = [1, 2, 3].map(() => watch(client.read(quarter, 0)))
    await settle()
    expect(requestsOf(peer).length).toBe(2)
    peer.send(bs.errorChunk(1, 5))
    await settle()
    expect(requestsOf(peer).length).toBe(3)
    expect(calls.map((call) => call.outcome)).toEqual(['IO_ERROR', 'open', 'open'])
  })

  it('wait while the socket is full', async () => {
    const { client, peer } = connect(100)
    peer.transport.pause()
    void client.write(new Uint8Array(500), 0, 0).catch(() => undefined)
    void client.act(3, 0, 0, 0).catch(() => undefined)
    await settle()
    peer.transport.resume()
    await settle()
    expect(requestsOf(peer).map((request) => request.command)).toEqual([1, 3])
  })
})

describe('a server that does not answer', () => {
  it('at all costs the connection', async () => {
    const { client, clock, peer, closed } = connect()
    const calls = [client.read(new Uint8Array(1), 0), client.act(3, 0, 0, 0)].map(watch)
    await settle()
    clock.advance(TIMEOUT - 1)
    await settle()
    expect(calls.map((call) => call.outcome)).toEqual(['open', 'open'])
    clock.advance(1)
    await settle()
    expect(calls.map((call) => call.outcome)).toEqual(['TIMEOUT', 'TIMEOUT'])
    expect(closed).toEqual(['TIMEOUT'])
    expect(peer.isClosed).toBe(true)
    await expectCode(client.read(new Uint8Array(1), 0), 'TIMEOUT')
  })

  it('one read, while it answers others, costs that read alone', async () => {
    const { client, clock, peer, closed } = connect()
    const target = new Uint8Array(4).fill(9)
    const lost = watch(client.read(target, 0))
    await settle()
    clock.advance(600)
    const other = watch(client.act(5, 0, 1, 0))
    await settle()
    peer.send(done(2))
    await settle()
    clock.advance(400)
    await settle()
    expect([lost.outcome, other.outcome, closed]).toEqual(['TIMEOUT', 'done', []])
    // Its late answer is taken in, and its buffer left alone.
    peer.send(data(1, 0, new Uint8Array(4)))
    const next = client.act(5, 0, 1, 0)
    await settle()
    peer.send(done(3))
    await next
    expect([...target]).toEqual([9, 9, 9, 9])
    await client.disconnect()
  })

  it('a write costs the connection: it could still be carried out later', async () => {
    const { client, clock, peer, closed } = connect()
    const lost = watch(client.write(new Uint8Array(4), 0, 0))
    await settle()
    clock.advance(600)
    const other = watch(client.read(new Uint8Array(1), 0))
    await settle()
    peer.send(data(2, 0, new Uint8Array(1)))
    await settle()
    clock.advance(400)
    await settle()
    expect([lost.outcome, other.outcome, closed]).toEqual(['TIMEOUT', 'done', ['TIMEOUT']])
    expect(peer.isClosed).toBe(true)
  })

  it('gets more time while the bytes of the answer come', async () => {
    const { client, clock, peer } = connect()
    const read = watch(client.read(new Uint8Array(4), 0))
    await settle()
    const frame = data(1, 0, bs.script('01020304'))
    for (const [from, to] of [
      [0, 20],
      [20, 29],
      [29, 32],
    ]) {
      clock.advance(TIMEOUT - 1)
      peer.send(frame.slice(from, to))
      await settle()
    }
    expect(read.outcome).toBe('done')
  })

  it('too many reads is given up', async () => {
    const { client, clock, peer, closed } = connect()
    const calls: { outcome: string }[] = []
    for (let i = 0; i <= MAX_OVERDUE; i++) calls.push(watch(client.read(new Uint8Array(1), i)))
    await settle()
    clock.advance(500)
    const alive = watch(client.act(5, 0, 1, 0))
    await settle()
    peer.send(done(MAX_OVERDUE + 2))
    await settle()
    clock.advance(500)
    await settle()
    expect(calls.map((call) => call.outcome)).toEqual(calls.map(() => 'TIMEOUT'))
    expect([alive.outcome, closed]).toEqual(['done', ['TIMEOUT']])
  })

  it('does not keep what waits in line for ever', async () => {
    const { client, clock } = connect()
    const calls = Array.from({ length: MAX_CLIENT_REQUESTS + 1 }, () =>
      watch(client.act(5, 0, 1, 0)),
    )
    await settle()
    clock.advance(TIMEOUT)
    await settle()
    expect(new Set(calls.map((call) => call.outcome))).toEqual(new Set(['TIMEOUT']))
  })
})

describe('a call that is cancelled', () => {
  it('before it is sent is never sent', async () => {
    const { client, peer } = connect()
    const stop = new AbortController()
    stop.abort()
    await expectCode(client.act(3, 0, 0, 0, { signal: stop.signal }), 'ABORTED')
    await settle()
    expect(peer.hex).toBe('')
  })

  it('while it waits in line leaves the line', async () => {
    const { client, peer } = connect()
    const stop = new AbortController()
    for (let i = 0; i < MAX_CLIENT_REQUESTS; i++) void client.act(5, i, 1, 0).catch(() => undefined)
    const call = watch(client.write(new Uint8Array(1), 0, 0, { signal: stop.signal }))
    await settle()
    stop.abort()
    await settle()
    expect(call.outcome).toBe('ABORTED')
    peer.send(done(1))
    await settle()
    expect(requestsOf(peer).every((request) => request.command === 5)).toBe(true)
  })

  it('as a read gives its buffer back at once', async () => {
    const { client, peer } = connect()
    const stop = new AbortController()
    const target = new Uint8Array(2).fill(9)
    const call = watch(client.read(target, 0, { signal: stop.signal }))
    await settle()
    stop.abort()
    await settle()
    expect(call.outcome).toBe('ABORTED')
    peer.send(data(1, 0, bs.script('0102')))
    await settle()
    expect([...target]).toEqual([9, 9])
    expect(client.openRequests).toBe(0)
  })

  it('as a write that was sent is waited for: it cannot be called back', async () => {
    const { client, peer } = connect()
    const stop = new AbortController()
    const call = watch(client.write(new Uint8Array(2), 0, 0, { signal: stop.signal }))
    await settle()
    stop.abort()
    await settle()
    expect(call.outcome).toBe('open')
    peer.send(done(1))
    await settle()
    expect(call.outcome).toBe('done')
  })
})

describe('the end of a connection', () => {
  it('by the server fails what is open and all that follows', async () => {
    const { client, peer, closed } = connect()
    const call = watch(client.read(new Uint8Array(1), 0))
    await settle()
    peer.transport.destroy()
    await settle()
    expect([call.outcome, closed]).toEqual(['DISCONNECTED', ['DISCONNECTED']])
    await expectCode(client.act(3, 0, 0, 0), 'DISCONNECTED')
    await client.disconnect()
    expect(closed.length).toBe(1)
  })

  it('by a lie of the server names the lie', async () => {
    const { client, peer, closed } = connect()
    const calls = [client.read(new Uint8Array(1), 0), client.act(3, 0, 0, 0)]
    const outcomes = calls.map(watch)
    await settle()
    peer.send(data(1, 1, new Uint8Array(1)))
    await settle()
    expect(outcomes.map((call) => call.outcome)).toEqual(['PROTOCOL', 'PROTOCOL'])
    expect(closed).toEqual(['PROTOCOL'])
    expect(peer.isClosed).toBe(true)
    await expect(calls[0]).rejects.toThrow(/NBD pair:a: .*outside the request; connection closed/)
  })

  it('by us waits for what is open, says goodbye, and says nothing after it', async () => {
    const { client, peer, closed } = connect()
    const call = watch(client.write(new Uint8Array(1), 0, 0))
    const leaving = client.disconnect()
    await expectCode(client.act(3, 0, 0, 0), 'CLOSED')
    await settle()
    expect(requestsOf(peer).map((request) => request.command)).toEqual([1])
    peer.send(done(1))
    await leaving
    await settle()
    expect(call.outcome).toBe('done')
    expect(
      requestsOf(peer).map(({ command, offset, length }) => [command, offset, length]),
    ).toEqual([
      [1, 0, 1],
      [2, 0, 0],
    ])
    expect(closed).toEqual([undefined])
  })

  it('by us is not held up by a read that was given up, before or while we leave', async () => {
    for (const leaveFirst of [false, true]) {
      const { client, peer } = connect()
      const stop = new AbortController()
      const call = watch(client.read(new Uint8Array(1), 0, { signal: stop.signal }))
      await settle()
      if (!leaveFirst) stop.abort()
      const leaving = client.disconnect()
      stop.abort()
      await leaving
      await settle()
      expect(call.outcome).toBe('ABORTED')
      expect(requestsOf(peer).map(({ command }) => command)).toEqual([0, 2])
    }
  })

  it('by us is not held up by answers that are overdue', async () => {
    const { client, clock, peer } = connect()
    const lost = watch(client.read(new Uint8Array(1), 0))
    await settle()
    clock.advance(500)
    const other = client.act(5, 0, 1, 0)
    await settle()
    peer.send(done(2))
    await other
    clock.advance(500)
    await settle()
    expect(lost.outcome).toBe('TIMEOUT')
    await client.disconnect()
    await settle()
    expect(requestsOf(peer).at(-1)?.command).toBe(2)
  })

  it('by us is cut short when the server holds on', async () => {
    const { client, clock, peer } = connect()
    peer.transport.pause()
    await client.disconnect()
    await settle()
    expect(peer.isClosed).toBe(false)
    clock.advance(2000)
    await settle()
    peer.transport.resume()
    await settle()
    expect(peer.isClosed).toBe(true)
  })

  it('follows a server that is shutting down: nothing new is sent, what is open is waited for', async () => {
    const { client, peer, closed } = connect()
    const calls = [client.act(5, 0, 1, 0), client.write(new Uint8Array(1), 0, 0)].map(watch)
    await settle()
    peer.send(bs.errorChunk(1, 108, 'going down'))
    await settle()
    expect(calls.map((call) => call.outcome)).toEqual(['DISCONNECTED', 'open'])
    await expectCode(client.act(3, 0, 0, 0), 'DISCONNECTED')
    await expect(client.act(3, 0, 0, 0)).rejects.toThrow(/shutting down/)
    peer.send(done(2))
    await settle()
    expect(calls[1]?.outcome).toBe('done')
    expect(requestsOf(peer).at(-1)?.command).toBe(2)
    expect(closed).toEqual(['DISCONNECTED'])
  })
})

describe('a read in one piece', () => {
  it('is asked for with the flag, and only of a server that offers it', async () => {
    const { client, peer } = connect()
    void client.read(new Uint8Array(512), 0, {}, 4).catch(() => undefined)
    await settle()
    expect(requestsOf(peer)).toMatchObject([{ command: 0, flags: 4, length: 512 }])
    const plain = connect(undefined, { ...INFO, flags: INFO.flags & ~0x80 })
    await expect(plain.client.read(new Uint8Array(512), 0, {}, 4)).rejects.toThrow('one piece')
    await settle()
    expect(requestsOf(plain.peer)).toEqual([])
  })
})
