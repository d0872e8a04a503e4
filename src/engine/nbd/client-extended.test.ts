// Extended headers from the client's side: 32-byte requests and replies, lengths and extents of 64 bits.
// The server is played by bytes from the tests' own encoder; no peer that is installed speaks them.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { expectCode } from '../testing/expect-disk'
import type { Field } from './byte-script.test-helper'
import * as bs from './byte-script.test-helper'
import { openExport } from './client-handshake'
import { ScriptRunner } from './handshake-script'
import type { OpenNbdOptions } from './nbd-disk'
import { openNbdDisk } from './nbd-disk'
import type { RequestSpec, StatusByContext } from './pending-request'
import { PendingRequest } from './pending-request'
import { RawPeer, settle } from './raw-peer.test-helper'
import { ReplyParser } from './reply-parser'
import { PairedTransport } from './transport-pair.test-helper'

const [READ, WRITE, FLUSH, TRIM, ZEROES, STATUS] = [0, 1, 3, 4, 6, 7]
const SIZE = 2 ** 50
const GO = 7
const hexOf = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex')

const handshake = (contexts: readonly (readonly [number, string])[], flags: number) =>
  bs.script(
    bs.greeting(),
    bs.ack(11),
    ...contexts.map(([id, name]) => bs.optionReply(10, 4, bs.u32(id), bs.text(name))),
    bs.ack(10),
    bs.infoExport(GO, SIZE, flags),
    bs.ack(GO),
  )
const ALLOCATION = [3, 'base:allocation'] as const

async function open(
  contexts: readonly (readonly [number, string])[] = [ALLOCATION],
  flags = 0x0ded,
  options: Partial<OpenNbdOptions> = {},
) {
  const [ours, theirs] = PairedTransport.pair()
  const peer = new RawPeer(theirs)
  peer.send(handshake(contexts, flags))
  const dial = async () => ours
  const disk = await openNbdDisk({ dial, exportName: 'd', clock: new ManualClock(), ...options })
  peer.clear()
  return { disk, peer }
}

describe('a handshake with extended headers', () => {
  const goal = { exportName: 'd', contexts: ['base:allocation'] }
  const run = (server: Uint8Array) => {
    const sent: Uint8Array[] = []
    const runner = new ScriptRunner(openExport(goal), (bytes) => sent.push(bytes))
    runner.start()
    runner.receive(server)
    return { info: runner.result?.value, sent: hexOf(...sent) }
  }

  it('asks for nothing else when it gets them', () => {
    const { info, sent } = run(handshake([ALLOCATION], 0x1ded))
    expect(info).toMatchObject({ structured: true, extended: true, flags: 0x1ded })
    const expected = [
      bs.clientFlags(),
      bs.option(11),
      bs.option(10, bs.sized('d'), bs.u32(1), bs.sized('base:allocation')),
      bs.option(7, bs.sized('d'), bs.u16(3), bs.u16(1), bs.u16(2), bs.u16(3)),
    ]
    expect(sent).toBe(hexOf(...expected))
  })

  it('does not fall back to the name alone, which they exclude', () => {
    const server = bs.script(bs.greeting(), bs.ack(11), bs.ack(10), bs.optionError(GO, 1))
    expect(() => run(server)).toThrow(/extended headers but not NBD_OPT_GO/)
  })

  it('does not ask for them when told so', () => {
    const runner = new ScriptRunner(openExport({ ...goal, replies: 'structured' }), () => undefined)
    runner.start()
    runner.receive(bs.greeting())
    expect(runner.stage).toBe('the reply to NBD_OPT_STRUCTURED_REPLY')
  })
})

describe('requests with extended headers', () => {
  it('have 32 bytes, 64-bit lengths, and say that a write has a payload', async () => {
    const { disk, peer } = await open()
    const calls = [
      disk.read(new Uint8Array(512), 2 ** 49 + 512),
      disk.write(bs.script('aabb'), 5, { fua: true }),
      disk.trim(4096, 2 ** 45),
      disk.zero(0, 2 ** 49, { mayTrim: true }),
      disk.flush(),
      disk.extents(0, SIZE),
    ]
    await settle()
    const expected = bs.script(
      bs.extendedRequest({ command: READ, cookie: 1, offset: 2 ** 49 + 512, length: 512 }),
      bs.extendedRequest({
        command: WRITE,
        flags: 33,
        cookie: 2,
        offset: 5,
        data: bs.script('aabb'),
      }),
      bs.extendedRequest({ command: TRIM, cookie: 3, offset: 4096, length: 2 ** 45 }),
      bs.extendedRequest({ command: FLUSH, cookie: 4 }),
      bs.extendedRequest({ command: STATUS, cookie: 5, length: SIZE }),
      bs.extendedRequest({ command: ZEROES, cookie: 6, length: 2 ** 49 }),
    )
    expect(peer.hex).toBe(hexOf(expected))
    const none = (cookie: number, offset: number) => bs.extendedChunk(cookie, 0, true, offset)
    peer.send(none(2, 5), none(3, 4096), none(4, 0), none(6, 0))
    peer.send(bs.extendedChunk(1, 2, true, 2 ** 49 + 512, bs.u64(2 ** 49 + 512), bs.u32(512)))
    const all = [bs.u32(3), bs.u32(1), bs.u64(2 ** 52), bs.u64(3)]
    peer.send(bs.extendedChunk(5, 6, true, 0, ...all))
    await Promise.all(calls)
    expect((await (calls[5] as ReturnType<typeof disk.extents>)).toArray()).toEqual([
      { offset: 0, length: SIZE, flags: 3 },
    ])
  })

  it('become smaller for a server that takes no more than 32 bits', async () => {
    const { disk, peer } = await open()
    const trimming = disk.trim(0, 2 ** 33)
    await settle()
    peer.send(bs.extendedChunk(1, 0x8001, true, 0, bs.u32(75), bs.u16(0)))
    await settle()
    peer.clear()
    peer.send(bs.extendedChunk(2, 0, true, 0))
    await settle()
    const part = 2 ** 32 - 65536
    peer.send(bs.extendedChunk(3, 0, true, part))
    await settle()
    peer.send(bs.extendedChunk(4, 0, true, 2 * part))
    await trimming
    const rest = 2 ** 33 - 2 * part
    const expected = [
      bs.extendedRequest({ command: TRIM, cookie: 3, offset: part, length: part }),
      bs.extendedRequest({ command: TRIM, cookie: 4, offset: 2 * part, length: rest }),
    ]
    expect(peer.hex).toBe(hexOf(...expected))
  })

  it('do not break up a fast zero: it is refused', async () => {
    const { disk, peer } = await open()
    const zeroing = disk.zero(0, 2 ** 40, { fast: true })
    await settle()
    peer.send(bs.extendedChunk(1, 0x8001, true, 0, bs.u32(22), bs.u16(0)))
    await expectCode(zeroing, 'NOT_SUPPORTED')
  })

  it('name one context of several where the server lets them', async () => {
    const contexts = [ALLOCATION, [9, 'qemu:dirty-bitmap:b0']] as const
    const { disk, peer } = await open(contexts, 0x1ded, { contexts: ['qemu:dirty-bitmap:b0'] })
    const asked = disk.status('qemu:dirty-bitmap:b0', 4096, 2 ** 40)
    await settle()
    const payload = bs.script(bs.u64(2 ** 40), bs.u32(9))
    const expected = bs.extendedRequest({
      command: STATUS,
      flags: 32,
      offset: 4096,
      data: payload,
    })
    expect(peer.hex).toBe(hexOf(expected))
    const extents = [bs.u64(2 ** 39), bs.u64(1), bs.u64(2 ** 39), bs.u64(2 ** 50)]
    peer.send(bs.extendedChunk(1, 6, true, 4096, bs.u32(9), bs.u32(0), ...extents))
    expect((await asked).toArray()).toEqual([
      { offset: 4096, length: 2 ** 39, flags: 1 },
      { offset: 4096 + 2 ** 39, length: 2 ** 39, flags: 2 ** 50 },
    ])
  })

  it('fail for a status that a number cannot hold, and the connection goes on', async () => {
    const { disk, peer } = await open()
    const asked = disk.status('base:allocation', 0, 4096)
    await settle()
    const tooMuch = [bs.u32(3), bs.u32(1), bs.u64(4096), bs.u64(2n ** 63n)]
    peer.send(bs.extendedChunk(1, 6, true, 0, ...tooMuch))
    await expectCode(asked, 'LIMIT')
    await expect(asked).rejects.toThrow(/0x8000000000000000/)
    const flushing = disk.flush()
    await settle()
    peer.send(bs.extendedChunk(2, 0, true, 0))
    await flushing
  })
})

/** A parser that expects extended replies, and what became of the requests. */
function makeParser(specs: Readonly<Record<number, Partial<RequestSpec>>>) {
  const open = new Map<number, PendingRequest>()
  const ends = new Map<number, unknown>()
  const targets = new Map<number, Uint8Array>()
  for (const [cookie, spec] of Object.entries(specs)) {
    const key = Number(cookie)
    const full = { command: READ as number, flags: 0, offset: 0, length: 0, ...spec }
    const target = new Uint8Array(full.command === READ ? full.length : 0)
    targets.set(key, target)
    const reading = full.command === READ ? { target } : {}
    const done = (status: StatusByContext) => ends.set(key, status)
    open.set(key, new PendingRequest({ ...full, ...reading }, 0, done, (e) => ends.set(key, e)))
  }
  const parser = new ReplyParser({
    structured: true,
    extended: true,
    contextIds: [3, 9],
    find: (cookie) => open.get(cookie),
    onAnswered: (cookie) => open.delete(cookie),
  })
  return { parser, open, ends, targets }
}

describe('replies with extended headers', () => {
  it('of every kind arrive whole, whatever the cuts', () => {
    const at = 2 ** 49
    const chunk = bs.extendedChunk
    const stream = bs.script(
      chunk(1, 1, false, at, bs.u64(at + 2), '0203'),
      chunk(2, 0, true, 77),
      chunk(3, 6, false, at, bs.u32(9), bs.u32(2), bs.u64(4096), bs.u64(1), bs.u64(512), bs.u64(0)),
      chunk(1, 2, false, at, bs.u64(at + 4), bs.u32(4)),
      chunk(4, 0x8001, false, 0, bs.u32(28), bs.u16(4), bs.text('full')),
      chunk(1, 1, false, at, bs.u64(at), '0001'),
      chunk(3, 6, true, at, bs.u32(3), bs.u32(0), bs.u64(2 ** 60), bs.u64(2 ** 33)),
      chunk(5, 0x8002, true, 1, bs.u32(5), bs.u16(0), bs.u64(1)),
      chunk(4, 0, true, 0),
      chunk(1, 0, true, at),
    )
    bs.forEveryCut(stream, (pieces) => {
      const { parser, open, ends, targets } = makeParser({
        1: { offset: at, length: 8 },
        2: { command: WRITE, offset: 77, length: 1 },
        3: { command: STATUS, offset: at, length: 2 ** 40 },
        4: { command: WRITE, length: 1 },
        5: { offset: 1, length: 1 },
      })
      for (const piece of pieces) parser.receive(piece)
      expect([parser.state, open.size]).toEqual(['header', 0])
      expect([...(targets.get(1) ?? [])]).toEqual([0, 1, 2, 3, 0, 0, 0, 0])
      const status = ends.get(3) as StatusByContext
      expect(status.get(9)?.toArray()).toEqual([
        { offset: at, length: 4096, flags: 1 },
        { offset: at + 4096, length: 512, flags: 0 },
      ])
      expect(status.get(3)?.toArray()).toEqual([{ offset: at, length: 2 ** 40, flags: 2 ** 33 }])
      expect(ends.get(4)).toMatchObject({ code: 'NO_SPACE' })
      expect(ends.get(5)).toMatchObject({ code: 'IO_ERROR' })
    })
  })

  const status = (...rest: readonly Field[]) => bs.extendedChunk(2, 6, true, 0, ...rest)
  it.each<[string, Uint8Array, RegExp]>([
    ['a simple reply', bs.simpleReply(2), /without the extended header/],
    ['a structured reply', bs.chunk(2, 0, true), /without the extended header/],
    ['a reply for another offset', bs.extendedChunk(1, 0, true, 513), /for offset 513/],
    [
      'compact extents',
      bs.extendedChunk(2, 5, true, 0, bs.u32(3), bs.u32(8), bs.u32(0)),
      /STATUS of 12/,
    ],
    [
      'a wrong count of extents',
      status(bs.u32(3), bs.u32(2), bs.u64(8), bs.u64(0)),
      /2 extents in 16/,
    ],
    ['no extents', status(bs.u32(3), bs.u32(0)), /STATUS_EXT of 8/],
    ['half an extent', status(bs.u32(3), bs.u32(0), bs.u64(8)), /STATUS_EXT of 16/],
    ['an extent of nothing', status(bs.u32(3), bs.u32(1), bs.u64(0), bs.u64(0)), /extent of 0/],
    ['a context not agreed on', status(bs.u32(4), bs.u32(1), bs.u64(8), bs.u64(0)), /context 4/],
    [
      'a payload of 2^63 bytes',
      bs.script('6e8a278c', bs.u16(1), bs.u16(1), bs.u64(1), bs.u64(512), bs.u64(2n ** 63n)),
      /OFFSET_DATA of 9223372036854776000/,
    ],
    [
      'a payload for an answer without one',
      bs.extendedChunk(3, 0, true, 9, '00'),
      /TYPE_NONE of 1/,
    ],
  ])('that are %s are refused', (_, bytes, why) => {
    const { parser } = makeParser({
      1: { offset: 512, length: 8 },
      2: { command: STATUS, length: 4096 },
      3: { command: WRITE, offset: 9, length: 1 },
    })
    let error: unknown
    try {
      parser.receive(bytes)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code: 'PROTOCOL', message: expect.stringMatching(why) })
  })

  it('that come without having been agreed on are refused', () => {
    const request = new PendingRequest(
      { command: WRITE, flags: 0, offset: 0, length: 1 },
      0,
      () => undefined,
      () => undefined,
    )
    const parser = new ReplyParser({
      structured: true,
      extended: false,
      contextIds: [],
      find: () => request,
      onAnswered: () => undefined,
    })
    const feed = () => parser.receive(bs.extendedChunk(1, 0, true, 0))
    expect(feed).toThrow(/extended reply, which was not agreed on/)
  })
})
