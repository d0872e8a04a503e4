import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { GatedDisk } from './gated-disk.test-helper'
import { settle } from './raw-peer.test-helper'
import { formatRequestLine } from './request-line'
import { RequestLog } from './request-log'
import type { RequestHeader } from './request-parser'
import { FLUSH, READ, SIZE, serve, TRIM, WRITE, ZEROES } from './served-raw.test-helper'

const header = (change: Partial<RequestHeader> = {}): RequestHeader => ({
  command: READ,
  flags: 0,
  cookieHigh: 0,
  cookieLow: 0,
  offset: 0,
  length: 512,
  offsetHigh: 0,
  offsetLow: 0,
  payloadLength: 0,
  ...change,
})

describe('a request log', () => {
  it('gives back what was put in, exactly, up to 2^53', () => {
    const log = new RequestLog(2)
    const offset = Number.MAX_SAFE_INTEGER - 1
    const length = 2 ** 52
    log.add(7, header({ command: 6, flags: 0xffff, offset, length }), 95, 1000.25, 1000.75)
    expect(log.at(0)).toEqual({
      seq: 0,
      client: 7,
      command: 6,
      flags: 0xffff,
      offset,
      length,
      errno: 95,
      startedMs: 1000.25,
      durationMs: 0.5,
    })
  })

  it('keeps the newest, under numbers that go on', () => {
    const log = new RequestLog(3)
    expect(log.from(0)).toEqual([])
    for (let i = 0; i < 8; i++) log.add(1, header({ offset: i }), 0, 0, 0)
    expect([log.first, log.next]).toEqual([5, 8])
    expect(log.from(0).map(({ seq, offset }) => [seq, offset])).toEqual([
      [5, 5],
      [6, 6],
      [7, 7],
    ])
    expect(log.from(7).map(({ seq }) => seq)).toEqual([7])
    expect(log.from(8)).toEqual([])
    expect(() => log.at(4)).toThrow('record 4')
    expect(() => log.at(8)).toThrow('record 8')
  })

  it('forgets what it is told to forget and goes on counting', () => {
    const log = new RequestLog(3)
    for (let i = 0; i < 4; i++) log.add(1, header(), 0, 0, 0)
    log.clear()
    expect([log.first, log.next]).toEqual([4, 4])
    log.add(1, header({ offset: 9 }), 0, 0, 0)
    expect(log.from(0).map(({ seq, offset }) => [seq, offset])).toEqual([[4, 9]])
  })
})

describe('the log of a server', () => {
  it('has every request that was answered, refused ones too', async () => {
    const log = new RequestLog()
    const disk = new MemoryDisk(SIZE)
    disk.trim = () => Promise.reject(new PlatterError('IO_ERROR', 'scratched'))
    const { peer } = await serve({ disk, server: { log } })
    peer.send(
      bs.request({ command: WRITE, flags: 1, cookie: 1, offset: 4096, data: bs.script('aabb') }),
      bs.request({ command: READ, cookie: 2, offset: SIZE, length: 4 }),
      bs.request({ command: TRIM, cookie: 3, offset: 0, length: 65536 }),
      bs.request({ command: FLUSH, cookie: 4 }),
      bs.request({ command: 77, cookie: 5 }),
    )
    await settle()
    const said = log.from(0).map(({ client, command, flags, offset, length, errno }) => {
      return [client, command, flags, offset, length, errno].join(' ')
    })
    expect(said.sort()).toEqual([
      '1 0 0 1048576 4 22',
      '1 1 1 4096 2 0',
      '1 3 0 0 0 0',
      '1 4 0 0 65536 5',
      '1 77 0 0 0 22',
    ])
  })

  it('has the time from the whole request to its answer', async () => {
    const log = new RequestLog()
    const disk = new GatedDisk(SIZE)
    const { peer, clock, server } = await serve({ disk, server: { log } })
    clock.advance(100)
    disk.isOpen = false
    peer.send(bs.request({ command: READ, cookie: 1, length: 4 }))
    await settle()
    expect(log.next).toBe(0)
    expect(server.clients[0]?.inProgress).toBe(1)
    clock.advance(30)
    disk.release()
    await settle()
    expect(log.from(0)).toMatchObject([{ startedMs: 100, durationMs: 30 }])
    expect(server.clients[0]?.inProgress).toBe(0)
  })

  it('tells who listens after each request', async () => {
    const log = new RequestLog(1)
    let calls = 0
    log.onRecord = () => calls++
    const { peer } = await serve({ server: { log } })
    peer.send(bs.request({ command: FLUSH, cookie: 1 }), bs.request({ command: FLUSH, cookie: 2 }))
    await settle()
    expect(calls).toBe(2)
  })
})

it('a client’s zeroes and trims are counted apart', async () => {
  const { peer, server } = await serve()
  peer.send(
    bs.request({ command: ZEROES, cookie: 1, length: 4096 }),
    bs.request({ command: TRIM, cookie: 2, length: 512 }),
    bs.request({ command: TRIM, cookie: 3, length: 512 }),
  )
  await settle()
  const counts = { zeroes: 1, zeroedBytes: 4096, trims: 2, trimmedBytes: 1024 }
  expect(server.clients[0]).toMatchObject(counts)
})

describe('a line of the log', () => {
  const line = (change: Partial<RequestHeader>, errno = 0) => {
    const log = new RequestLog(1)
    log.add(3, header(change), errno, 10, 10.0424)
    return formatRequestLine(log.at(0), Date.UTC(2026, 0, 2, 3, 4, 5, 6))
  }

  it('has the names of the specification', () => {
    expect(line({ command: 6, flags: 1 | 2 | 16, offset: 65536, length: 4096 })).toBe(
      '2026-01-02T03:04:05.006Z client=3 command=WRITE_ZEROES offset=65536 length=4096 flags=FUA,NO_HOLE,FAST_ZERO result=ok ms=0.042',
    )
    expect(line({ command: 7, flags: 4 | 8 | 32 }, 22)).toMatch(
      / command=BLOCK_STATUS .* flags=DF,REQ_ONE,PAYLOAD_LEN result=EINVAL /,
    )
  })

  it('stays one line of words for what nobody has named', () => {
    expect(line({ command: 77, flags: 0x8000 }, 4242).split(' ')).toHaveLength(8)
    expect(line({ command: 77, flags: 0x8000 }, 4242)).toContain(
      'command=command-77 offset=0 length=512 flags=- result=error-4242',
    )
  })
})
