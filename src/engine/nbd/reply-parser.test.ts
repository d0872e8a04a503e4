import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import type { Field } from './byte-script.test-helper'
import * as bs from './byte-script.test-helper'
import * as nbd from './constants'
import type { RequestSpec, StatusByContext } from './pending-request'
import { PendingRequest } from './pending-request'
import { ReplyParser } from './reply-parser'

const CONTEXTS = [5, 9]

/** A parser with requests open, and what became of each. */
function makeParser(
  specs: Readonly<Record<number, Partial<RequestSpec>>>,
  structured = true,
  extended = false,
) {
  const open = new Map<number, PendingRequest>()
  const ends = new Map<number, unknown>()
  const statuses = new Map<number, StatusByContext>()
  const targets = new Map<number, Uint8Array>()
  for (const [cookie, spec] of Object.entries(specs)) {
    const key = Number(cookie)
    const full = { command: nbd.NBD_CMD_READ, flags: 0, offset: 0, length: 0, ...spec }
    const target = new Uint8Array(full.length).fill(0xcc)
    targets.set(key, target)
    const reading = full.command === nbd.NBD_CMD_READ ? { target } : {}
    const done = (status: StatusByContext) => {
      ends.set(key, 'done')
      statuses.set(key, status)
    }
    open.set(key, new PendingRequest({ ...full, ...reading }, 0, done, (e) => ends.set(key, e)))
  }
  const parser = new ReplyParser({
    structured,
    extended,
    contextIds: CONTEXTS,
    find: (cookie) => open.get(cookie),
    onAnswered: (cookie) => open.delete(cookie),
  })
  const feed = (...fields: readonly Field[]) => parser.receive(bs.script(...fields))
  return { parser, open, ends, targets, statuses, feed }
}

function violationOf(act: () => void): string {
  try {
    act()
  } catch (error) {
    if (error instanceof PlatterError && error.code === 'PROTOCOL') return error.message
    throw error
  }
  throw new TypeError('it was accepted')
}

const read = (offset: number, length: number) => ({ offset, length })
const status = (offset: number, length: number, flags = 0) => ({
  command: nbd.NBD_CMD_BLOCK_STATUS,
  offset,
  length,
  flags,
})
const write = (length: number) => ({ command: nbd.NBD_CMD_WRITE, length })

const data = (cookie: number, offset: number, bytes: string, done = false) =>
  bs.chunk(cookie, 1, done, bs.u64(offset), bytes)
const hole = (cookie: number, offset: number, length: number, done = false) =>
  bs.chunk(cookie, 2, done, bs.u64(offset), bs.u32(length))
const none = (cookie: number) => bs.chunk(cookie, 0, true)
const extents = (cookie: number, context: number, done: boolean, ...pairs: [number, number][]) =>
  bs.chunk(cookie, 5, done, bs.u32(context), ...pairs.flatMap((pair) => pair.map(bs.u32)))

describe('the answers to requests', () => {
  it('of every kind arrive whole, whatever the cuts', () => {
    const stream = bs.script(
      data(1, 12, '0c0d', false),
      bs.simpleReply(3),
      extents(4, 9, false, [4096, 0], [4096, 7]),
      hole(1, 14, 3),
      data(2, 0, 'ff'),
      data(1, 10, '0a0b'),
      none(1),
      bs.errorChunk(2, 5, 'bad sector'),
      extents(4, 5, true, [512, 3], [1024, 0], [1 << 30, 2]),
      bs.chunk(5, 0x8002, true, bs.u32(28), bs.u16(4), bs.text('full'), bs.u64(2)),
      bs.chunk(6, 0x8777, false, bs.u32(22), bs.u16(2), bs.text('hm'), '0102030405'),
      none(6),
      bs.simpleReply(7, 1),
      data(8, 100, '64', true),
      hole(9, 0, 2, true),
    )
    bs.forEveryCut(stream, (pieces) => {
      const { parser, open, ends, targets, statuses } = makeParser({
        1: read(10, 7),
        2: read(0, 4),
        3: write(1),
        4: status(8192, 1 << 20),
        5: write(8),
        6: write(8),
        7: { command: nbd.NBD_CMD_TRIM, length: 1 },
        8: read(100, 1),
        9: read(0, 2),
      })
      for (const piece of pieces) parser.receive(piece)
      expect(parser.state).toBe('header')
      expect(open.size).toBe(0)
      expect(Buffer.from(targets.get(1) ?? []).toString('hex')).toBe('0a0b0c0d000000')
      expect(Buffer.from(targets.get(8) ?? []).toString('hex')).toBe('64')
      expect(Buffer.from(targets.get(9) ?? []).toString('hex')).toBe('0000')
      for (const cookie of [1, 3, 4, 8, 9]) expect(ends.get(cookie)).toBe('done')
      expect(ends.get(2)).toMatchObject({ code: 'IO_ERROR' })
      expect(String(ends.get(2))).toContain('bad sector')
      expect(ends.get(5)).toMatchObject({ code: 'NO_SPACE' })
      expect(ends.get(6)).toMatchObject({ code: 'REFUSED', data: { errno: 22 } })
      expect(ends.get(7)).toMatchObject({ code: 'NO_PERMISSION' })
      const lists = statuses.get(4)
      expect(lists?.get(9)?.toArray()).toEqual([
        { offset: 8192, length: 4096, flags: 0 },
        { offset: 12288, length: 4096, flags: 7 },
      ])
      // The last extent reached beyond the request: it is clipped.
      expect(lists?.get(5)?.end).toBe(8192 + (1 << 20))
    })
  })

  it('without structured replies are simple ones with their data, whatever the cuts', () => {
    const stream = bs.script(
      bs.simpleReply(2, 5),
      bs.simpleReply(1, 0, '01020304'),
      bs.simpleReply(3),
    )
    bs.forEveryCut(stream, (pieces) => {
      const { parser, ends, targets } = makeParser(
        { 1: read(0, 4), 2: read(9, 9), 3: write(1) },
        false,
      )
      for (const piece of pieces) parser.receive(piece)
      expect([...(targets.get(1) ?? [])]).toEqual([1, 2, 3, 4])
      expect(ends.get(1)).toBe('done')
      expect(ends.get(3)).toBe('done')
      expect(ends.get(2)).toMatchObject({ code: 'IO_ERROR' })
      expect(targets.get(2)?.every((byte) => byte === 0xcc)).toBe(true)
    })
  })

  it.each([1, 2, 3])('may come in pieces of any order and size (seed %i)', (seed) => {
    const prng = new Prng(seed)
    const bytes = prng.fill(new Uint8Array(2000))
    const cuts = new Set([0, 2000])
    for (let i = 0; i < 20; i++) cuts.add(prng.below(2000))
    const edges = [...cuts].sort((a, b) => a - b)
    const pieces = edges.slice(1).map((to, i) => ({ from: edges[i] as number, to }))
    pieces.sort(() => prng.below(3) - 1)
    const stream = bs.script(
      ...pieces.map(({ from, to }) =>
        bs.chunk(1, 1, false, bs.u64(500 + from), bytes.slice(from, to)),
      ),
      none(1),
    )
    const { parser, ends, targets } = makeParser({ 1: read(500, 2000) })
    for (let at = 0; at < stream.length; ) {
      const step = 1 + prng.below(90)
      parser.receive(stream.subarray(at, at + step))
      at += step
    }
    expect(ends.get(1)).toBe('done')
    expect(Buffer.compare(targets.get(1) ?? Buffer.alloc(0), bytes)).toBe(0)
  })

  it('that nobody waits for any more are taken in and thrown away', () => {
    const { open, ends, targets, feed } = makeParser({ 1: read(0, 4), 2: write(1) })
    open.get(1)?.settle(new TypeError('given up'))
    feed(data(1, 0, '01020304', false), none(1), none(2))
    expect(targets.get(1)?.every((byte) => byte === 0xcc)).toBe(true)
    expect(ends.get(2)).toBe('done')
    expect(open.size).toBe(0)
  })

  it('stop going to a buffer in the middle of its data when it is given up', () => {
    const { open, targets, feed } = makeParser({ 1: read(0, 4) })
    const whole = data(1, 0, '01020304', true)
    feed(whole.subarray(0, whole.length - 2))
    open.get(1)?.settle(new TypeError('given up'))
    feed(whole.subarray(whole.length - 2))
    expect([...(targets.get(1) ?? [])]).toEqual([1, 2, 0xcc, 0xcc])
    expect(open.size).toBe(0)
  })
})

describe('an answer that spoils its request only', () => {
  it.each<[string, Field[]]>([
    ['ends with bytes missing', [data(1, 0, '010203'), none(1)]],
    ['ends with nothing at all', [none(1)]],
    ['ends with a hole in the middle', [data(1, 0, '01'), data(1, 2, '0304', true)]],
  ])('%s', (_, fields) => {
    const { ends, feed } = makeParser({ 1: read(0, 4), 2: write(1) })
    feed(...fields, none(2))
    expect(ends.get(1)).toMatchObject({ code: 'PROTOCOL' })
    expect(String(ends.get(1))).toContain('missing')
    expect(ends.get(2)).toBe('done')
  })

  it.each<[string, Field[]]>([
    ['has status for one of two contexts', [extents(1, 5, true, [512, 0])]],
    ['has no status at all', [none(1)]],
    ['is a simple success', [bs.simpleReply(1)]],
  ])('%s', (_, fields) => {
    const { ends, feed } = makeParser({ 1: status(0, 512), 2: write(1) })
    feed(...fields, none(2))
    expect(ends.get(1)).toMatchObject({ code: 'PROTOCOL' })
    expect(String(ends.get(1))).toMatch(/of 2 contexts/)
    expect(ends.get(2)).toBe('done')
  })

  it('is an error even when all the data came', () => {
    const { ends, feed } = makeParser({ 1: read(0, 2) })
    feed(bs.errorChunk(1, 5, '', false), data(1, 0, '0102', true))
    expect(ends.get(1)).toMatchObject({ code: 'IO_ERROR' })
  })
})

describe('a server that lies in its answers', () => {
  const huge = (type: number, length: number) =>
    bs.script('668e33ef', bs.u16(1), bs.u16(type), bs.u64(1), bs.u32(length))

  it.each<[string, RegExp, Partial<RequestSpec>, Field[]]>([
    ['begins with another magic', /begins with 0x12560953/, read(0, 4), ['12560953', bs.zeros(16)]],
    ['answers what is not open', /request 2, which is not open/, read(0, 4), [none(2)]],
    ['answers a cookie above 2^53', /not open/, read(0, 4), [bs.simpleReply(2n ** 63n + 1n)]],
    ['answers twice', /request 1, which is not open/, write(1), [none(1), none(1)]],
    [
      'sends a simple reply to a read',
      /structured replies were agreed/,
      read(0, 4),
      [bs.simpleReply(1, 0, '01020304')],
    ],
    [
      'sends a simple error to a read',
      /structured replies were agreed/,
      read(0, 4),
      [bs.simpleReply(1, 5)],
    ],
    ['sends data before the request', /outside the request/, read(4, 4), [data(1, 3, '0102')]],
    ['sends data beyond the request', /outside the request/, read(4, 4), [data(1, 7, '0102')]],
    [
      'sends more data than asked for',
      /OFFSET_DATA of 13 bytes/,
      read(4, 4),
      [data(1, 4, '0102030405')],
    ],
    ['sends data twice', /twice/, read(0, 4), [data(1, 0, '0102'), data(1, 1, '02')]],
    ['sends a hole over data', /twice/, read(0, 4), [data(1, 0, '0102'), hole(1, 0, 4)]],
    ['sends data of no bytes', /OFFSET_DATA of 8 bytes/, read(0, 4), [data(1, 0, '')]],
    ['sends a hole of no bytes', /hole of 0 bytes/, read(0, 4), [hole(1, 0, 0)]],
    ['sends a hole beyond the request', /outside the request/, read(0, 4), [hole(1, 0, 5)]],
    [
      'sends a hole of the wrong length',
      /OFFSET_HOLE of 13/,
      read(0, 4),
      [bs.chunk(1, 2, true, bs.zeros(13))],
    ],
    [
      'sends data at an offset above 2^53',
      /outside the request/,
      read(0, 4),
      [bs.chunk(1, 1, true, bs.u64(2n ** 63n), '01')],
    ],
    ['sends data to a write', /OFFSET_DATA/, write(4), [data(1, 0, '0102')]],
    ['sends a hole to a write', /OFFSET_HOLE/, write(4), [hole(1, 0, 1)]],
    ['sends status to a read', /BLOCK_STATUS/, read(0, 4), [extents(1, 5, true, [4, 0])]],
    [
      'sends status of an unknown context',
      /context 6, which/,
      status(0, 4),
      [extents(1, 6, true, [4, 0])],
    ],
    [
      'sends status of a context twice',
      /context 5 twice/,
      status(0, 4),
      [extents(1, 5, false, [4, 0]), extents(1, 5, true, [4, 0])],
    ],
    [
      'sends status without an extent',
      /BLOCK_STATUS of 4/,
      status(0, 4),
      [bs.chunk(1, 5, true, bs.u32(5))],
    ],
    [
      'sends status with half an extent',
      /BLOCK_STATUS of 16/,
      status(0, 4),
      [bs.chunk(1, 5, true, bs.zeros(16))],
    ],
    [
      'sends an extent of no bytes',
      /extent of 0 bytes/,
      status(0, 4),
      [extents(1, 5, true, [2, 0], [0, 1])],
    ],
    [
      'sends two extents where one was asked for',
      /BLOCK_STATUS of 20/,
      status(0, 4, 8),
      [extents(1, 5, true, [2, 0], [2, 1])],
    ],
    [
      'sends more extents than there may be',
      /BLOCK_STATUS of 8388620/,
      status(0, 4),
      [huge(5, 4 + 8 * (2 ** 20 + 1))],
    ],
    ['sends NONE with a payload', /TYPE_NONE of 1/, write(4), [bs.chunk(1, 0, true, '00')]],
    ['sends NONE that is not the last', /TYPE_NONE/, write(4), [bs.chunk(1, 0, false)]],
    ['sends an unknown chunk', /reply type 77/, read(0, 4), [bs.chunk(1, 77, true)]],
    ['sends an error without a number', /without an error/, read(0, 4), [bs.errorChunk(1, 0)]],
    [
      'sends an error of five bytes',
      /TYPE_ERROR of 5/,
      read(0, 4),
      [bs.chunk(1, 0x8001, true, bs.zeros(5))],
    ],
    [
      'sends an error text longer than its chunk',
      /error text of 9/,
      read(0, 4),
      [bs.chunk(1, 0x8001, true, bs.u32(5), bs.u16(9), bs.zeros(8))],
    ],
    [
      'sends an error text without room for the offset',
      /error text/,
      read(0, 4),
      [bs.chunk(1, 0x8002, true, bs.u32(5), bs.u16(4), bs.zeros(8))],
    ],
    [
      'sends an error text above the limit',
      /error text of 4097/,
      read(0, 4),
      [bs.chunk(1, 0x8001, true, bs.u32(5), bs.u16(4097), bs.zeros(4097))],
    ],
    [
      'sends an endless unknown error',
      /reply type 34000 of 4294967295/,
      read(0, 4),
      [huge(34000, 0xffffffff)],
    ],
  ])('it %s: the connection is refused', (_, why, spec, fields) => {
    const stream = bs.script(...fields)
    for (const size of [stream.length, 1]) {
      const { parser, ends } = makeParser({ 1: spec })
      const act = () => {
        for (let at = 0; at < stream.length; at += size)
          parser.receive(stream.subarray(at, at + size))
      }
      expect(violationOf(act)).toMatch(why)
      expect(parser.state).toBe('broken')
      // What was wrong with one answer may have been told after a good one; never as a success.
      if (!why.source.includes('request 1')) expect(ends.get(1)).not.toBe('done')
    }
  })

  it('by sending a structured reply that was not agreed on is refused', () => {
    const { feed } = makeParser({ 1: read(0, 4) }, false)
    expect(violationOf(() => feed(none(1)))).toMatch(/not agreed on/)
  })

  it('is not listened to any more', () => {
    const { feed, targets } = makeParser({ 1: read(0, 4) })
    violationOf(() => feed('00000000', bs.zeros(16)))
    feed(data(1, 0, '01020304', true))
    expect(targets.get(1)?.every((byte) => byte === 0xcc)).toBe(true)
  })
})

describe('data that is pulled from the socket', () => {
  /** A parser that may take `arrived` by itself, at most `most` bytes at a time. */
  function makePulling(arrived: Uint8Array, most: number) {
    const target = new Uint8Array(100_000).fill(0xcc)
    const ends: unknown[] = []
    const request = new PendingRequest(
      { command: nbd.NBD_CMD_READ, flags: 0, offset: 0, length: target.length, target },
      0,
      () => ends.push('done'),
      (error) => ends.push(error),
    )
    let at = 0
    const parser = new ReplyParser({
      structured: true,
      extended: false,
      contextIds: [],
      find: () => request,
      onAnswered: () => undefined,
      pull: (into) => {
        const count = Math.min(into.length, most, arrived.length - at)
        into.set(arrived.subarray(at, at + count))
        at += count
        return count
      },
    })
    const rest = () => {
      const from = at
      at = arrived.length
      return arrived.subarray(from)
    }
    return { parser, request, target, ends, rest }
  }
  const data = new Prng(1).fill(new Uint8Array(100_000))
  const reply = bs.chunk(7, 1, true, bs.u64(0), data)

  it.each([[1], [4096], [30_000], [1 << 20]])('is whole, %i bytes at a time', (most) => {
    const { parser, target, ends, rest } = makePulling(reply.subarray(28), most)
    parser.receive(reply.subarray(0, 28))
    // A rest too short to pull comes in the ordinary way.
    parser.receive(rest())
    expect(target).toEqual(data)
    expect(ends).toEqual(['done'])
  })

  it('goes on with the next header, and with what came before it', () => {
    const second = bs.script(bs.chunk(7, 1, false, bs.u64(0), data), bs.chunk(7, 0, true))
    const { parser, target, ends, rest } = makePulling(second.subarray(5000), 1 << 20)
    parser.receive(second.subarray(0, 5000))
    expect(target).toEqual(data)
    expect(rest()).toHaveLength(0)
    expect(ends).toEqual(['done'])
  })

  it('leaves the buffer of a read alone that was given up', () => {
    const { parser, request, target, rest } = makePulling(reply.subarray(40_000), 1 << 20)
    request.settle(new PlatterError('ABORTED', 'given up'))
    parser.receive(reply.subarray(0, 40_000))
    expect(target.every((byte) => byte === 0xcc)).toBe(true)
    expect(rest()).toHaveLength(reply.length - 40_000)
  })
})

describe('a read that asked for one piece', () => {
  const whole = { offset: 512, length: 1024, flags: nbd.NBD_CMD_FLAG_DF }

  it('takes one, data or a hole', () => {
    const { ends, targets, feed } = makeParser({ 1: whole, 2: whole })
    feed(bs.chunk(1, 1, true, bs.u64(512), new Uint8Array(1024).fill(7)))
    feed(bs.chunk(2, 2, true, bs.u64(512), bs.u32(1024)))
    expect([...ends]).toEqual([
      [1, 'done'],
      [2, 'done'],
    ])
    expect(targets.get(1)).toEqual(new Uint8Array(1024).fill(7))
    expect(targets.get(2)).toEqual(new Uint8Array(1024))
  })

  it('takes no part of one', () => {
    const { feed } = makeParser({ 1: whole })
    expect(
      violationOf(() => feed(bs.chunk(1, 1, false, bs.u64(512), new Uint8Array(512)))),
    ).toContain('a piece of 512 bytes, where one piece was asked for')
  })
})
