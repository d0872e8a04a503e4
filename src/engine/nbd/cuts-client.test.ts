// Every message that a client receives, split in two at each place and ended at each place. The server is
// bytes from the tests' own encoder. A conversation that ends early is an error with a code, at once and
// without a clock: never a success, never a wait.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import type { ExtentList } from '../disk/extents'
import type { Field } from './byte-script.test-helper'
import * as bs from './byte-script.test-helper'
import type { ListNbdOptions } from './list-exports'
import { listNbdExports, reportNbdServer } from './list-exports'
import type { NbdDisk, OpenNbdOptions } from './nbd-disk'
import { openNbdDisk } from './nbd-disk'
import { RawPeer, settle } from './raw-peer.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

const SIZE = 4096
const [LIST, STARTTLS, INFO, GO, SR, LIST_META, SET, EXT] = [3, 5, 6, 7, 8, 9, 10, 11]
const FLAGS = 0x0ded

type Outcome = unknown

/** What a promise came to, or `waits`. */
async function outcomeOf(promise: Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome = 'waits'
  promise.then(
    (value) => {
      outcome = value
    },
    (error: unknown) => {
      outcome = error instanceof PlatterError ? error.code : error
    },
  )
  await settle(3)
  return outcome
}

interface Handshake {
  readonly server: Uint8Array
  /** What it comes to with every byte there. */
  readonly outcome: Outcome
  /** A client that does something else than to open the export. */
  readonly act?: (options: ListNbdOptions) => Promise<Outcome>
  readonly goal?: Partial<OpenNbdOptions>
  /** What a hang-up after so many bytes comes to; DISCONNECTED unless told. */
  readonly endedAt?: (at: number) => string
}

const summary = ({ info }: NbdDisk) => ({
  size: info.size,
  flags: info.flags,
  replies: info.extended ? 'extended' : info.structured ? 'structured' : 'simple',
  handshake: info.handshake,
  ...(info.tls ? { tls: true } : {}),
  ...(info.contexts.length > 0
    ? { contexts: info.contexts.map(({ id, name }) => `${id} ${name}`) }
    : {}),
  ...(info.blockSize === undefined ? {} : { blockSize: Object.values(info.blockSize) }),
  ...(info.canonicalName === undefined ? {} : { name: info.canonicalName }),
  ...(info.description === undefined ? {} : { description: info.description }),
  ...(info.offeredContexts === undefined ? {} : { offered: info.offeredContexts }),
})

function begin({ act, goal }: Handshake) {
  const [ours, theirs] = PairedTransport.pair()
  const peer = new RawPeer(theirs)
  const common = { dial: async () => ours, clock: new ManualClock() }
  const promise =
    act?.(common) ?? openNbdDisk({ ...common, exportName: 'd', ...goal }).then(summary)
  return { peer, outcome: outcomeOf(promise) }
}

const everyHandshake = (table: readonly (readonly [string, Handshake])[]) => {
  it.each(table)('%s, in two pieces cut anywhere', async (_, handshake) => {
    const { server } = handshake
    for (let at = 0; at < server.length; at++) {
      const { peer, outcome } = begin(handshake)
      peer.send(server.slice(0, at), server.slice(at))
      expect(await outcome, `cut at ${at}`).toEqual(handshake.outcome)
    }
  })
  it.each(table)('%s, ended anywhere', async (_, handshake) => {
    const { server, endedAt = () => 'DISCONNECTED' } = handshake
    for (let at = 0; at < server.length; at++) {
      const { peer, outcome } = begin(handshake)
      peer.send(server.slice(0, at))
      peer.transport.end()
      expect(await outcome, `ended at ${at}`).toBe(endedAt(at))
      expect(peer.isClosed).toBe(true)
    }
  })
}

const structured = bs.script(bs.optionError(EXT, 1), bs.ack(SR))
const context = (id: number, name: string) => bs.optionReply(SET, 4, bs.u32(id), bs.text(name))
const contexts = bs.script(context(7, 'base:allocation'), bs.ack(SET))
const go = bs.script(bs.infoExport(GO, SIZE, FLAGS), bs.ack(GO))
const plain = { size: SIZE, flags: FLAGS, replies: 'simple', handshake: 'fixed newstyle' } as const
const withContext = { ...plain, replies: 'structured', contexts: ['7 base:allocation'] } as const

/** A server whose conversation up to NBD_OPT_GO is sound and that says this about the export. */
const saying = (...replies: readonly Uint8Array[]) =>
  bs.script(bs.greeting(), structured, contexts, ...replies)
const refusal = (error: number, outcome: string): Handshake => ({
  server: saying(bs.optionError(GO, error, 'so it is')),
  outcome,
})

const byName = (fixed: boolean, flags: number): Handshake => {
  const before = fixed
    ? bs.script(
        bs.greeting(flags),
        bs.optionError(EXT, 1),
        bs.optionError(SR, 1),
        bs.optionError(GO, 1),
      )
    : bs.greeting(flags)
  const padding = (flags & 2) !== 0 ? 0 : 124
  const handshake = fixed ? 'fixed newstyle' : 'newstyle'
  return {
    server: bs.script(before, bs.u64(SIZE), bs.u16(3), bs.zeros(padding)),
    outcome: { size: SIZE, flags: 3, replies: 'simple', handshake },
    // The only way in which a server can say that there is no such export.
    endedAt: (at) =>
      at >= before.length && at < before.length + 10 ? 'EXPORT_UNKNOWN' : 'DISCONNECTED',
  }
}

describe('a greeting reaches the client', () => {
  const oldstyle = bs.script(
    bs.text('NBDMAGIC'),
    '0000420281861253',
    bs.u64(SIZE),
    bs.u32(3),
    bs.zeros(124),
  )
  everyHandshake([
    [
      'of the old style',
      {
        server: oldstyle,
        goal: { exportName: '' },
        outcome: { size: SIZE, flags: 3, replies: 'simple', handshake: 'oldstyle' },
      },
    ],
    ['of the new style, not fixed', byName(false, 0)],
    ['of the new style, not fixed and without zeroes', byName(false, 2)],
    ['of the fixed new style, without NBD_OPT_GO', byName(true, 1)],
    ['of the fixed new style, without NBD_OPT_GO and without zeroes', byName(true, 3)],
  ])
})

describe('replies to options reach the client', () => {
  everyHandshake([
    ['of structured replies', { server: saying(go), outcome: withContext }],
    [
      'of extended headers',
      {
        server: bs.script(bs.greeting(), bs.ack(EXT), contexts, go),
        outcome: { ...withContext, replies: 'extended' },
      },
    ],
    [
      'of simple replies, since all else is refused',
      {
        server: bs.script(bs.greeting(), bs.optionError(EXT, 1), bs.optionError(SR, 2, 'no'), go),
        outcome: plain,
      },
    ],
    [
      'about everything an export has',
      {
        server: saying(
          bs.optionReply(GO, 3, bs.u16(1), bs.text('e')),
          bs.optionReply(GO, 3, bs.u16(2), bs.text('of mine')),
          bs.optionReply(GO, 3, bs.u16(3), bs.u32(512), bs.u32(4096), bs.u32(0xffffffff)),
          bs.optionReply(GO, 3, bs.u16(4711), bs.text('?')),
          go,
        ),
        outcome: {
          ...withContext,
          name: 'e',
          description: 'of mine',
          blockSize: [512, 4096, 0xffffffff],
        },
      },
    ],
    [
      'about contexts',
      {
        server: bs.script(
          bs.greeting(),
          structured,
          bs.optionReply(LIST_META, 4, bs.u32(0), bs.text('base:allocation')),
          bs.optionReply(LIST_META, 4, bs.u32(0), bs.text('qemu:dirty-bitmap:b')),
          bs.ack(LIST_META),
          context(1, 'qemu:dirty-bitmap:b'),
          context(0, 'base:allocation'),
          bs.ack(SET),
          go,
        ),
        goal: { contexts: ['qemu:dirty-bitmap:b'], listContexts: true },
        outcome: {
          ...plain,
          replies: 'structured',
          contexts: ['1 qemu:dirty-bitmap:b', '0 base:allocation'],
          offered: ['base:allocation', 'qemu:dirty-bitmap:b'],
        },
      },
    ],
    [
      'that refuse contexts',
      {
        server: bs.script(bs.greeting(), structured, bs.optionError(SET, 9, 'too many'), go),
        outcome: { ...plain, replies: 'structured' },
      },
    ],
  ])
})

describe('a refusal of the export reaches the client', () => {
  everyHandshake([
    ['NBD_REP_ERR_POLICY', refusal(2, 'REFUSED')],
    ['NBD_REP_ERR_INVALID', refusal(3, 'REFUSED')],
    ['NBD_REP_ERR_PLATFORM', refusal(4, 'REFUSED')],
    ['NBD_REP_ERR_TLS_REQD', refusal(5, 'REFUSED')],
    ['NBD_REP_ERR_UNKNOWN', refusal(6, 'EXPORT_UNKNOWN')],
    ['NBD_REP_ERR_SHUTDOWN', refusal(7, 'DISCONNECTED')],
    ['NBD_REP_ERR_BLOCK_SIZE_REQD', refusal(8, 'REFUSED')],
    ['NBD_REP_ERR_TOO_BIG', refusal(9, 'REFUSED')],
    ['NBD_REP_ERR_EXT_HEADER_REQD', refusal(10, 'NOT_SUPPORTED')],
  ])
})

describe('a list reaches the client', () => {
  const listed = bs.script(
    bs.optionReply(LIST, 2, bs.sized('a'), bs.text('first')),
    bs.optionReply(LIST, 2, bs.sized('b')),
    bs.ack(LIST),
  )
  const infos = [
    bs.script(bs.infoExport(INFO, SIZE, 3), bs.ack(INFO)),
    bs.optionError(INFO, 2, 'no'),
  ]
  const names = bs.script(
    bs.optionReply(LIST_META, 4, bs.u32(0), bs.text('base:allocation')),
    bs.ack(LIST_META),
  )
  everyHandshake([
    [
      'with the details of each',
      {
        server: bs.script(bs.greeting(), listed, ...infos),
        act: listNbdExports,
        outcome: [
          { name: 'a', description: 'first', size: SIZE, readOnly: true },
          { name: 'b', description: '', error: expect.stringContaining('NBD_REP_ERR_POLICY') },
        ],
      },
    ],
    [
      'with the contexts of each',
      {
        server: bs.script(
          bs.greeting(),
          structured,
          listed,
          infos[0] as Uint8Array,
          names,
          infos[1] as Uint8Array,
          bs.optionError(LIST_META, 6),
        ),
        act: async (options) => {
          const { exports, structured: are } = await reportNbdServer(options)
          return { are, contexts: exports.map((entry) => entry.contexts) }
        },
        outcome: { are: true, contexts: [['base:allocation'], undefined] },
      },
    ],
    [
      'as a refusal',
      {
        server: bs.script(bs.greeting(), bs.optionError(LIST, 2, 'secret')),
        act: listNbdExports,
        outcome: 'REFUSED',
      },
    ],
  ])
})

describe('the reply to NBD_OPT_STARTTLS reaches the client', () => {
  const secure = async () => PairedTransport.pair()[0]
  everyHandshake([
    [
      'as a refusal, where TLS is only wished for',
      {
        server: bs.script(
          bs.greeting(),
          bs.optionError(STARTTLS, 1, 'none'),
          bs.optionError(EXT, 1),
          bs.optionError(SR, 1),
          go,
        ),
        goal: { tls: { wish: 'opportunistic', secure } },
        outcome: plain,
      },
    ],
    [
      'as a refusal, where TLS is demanded',
      {
        server: bs.script(bs.greeting(), bs.optionError(STARTTLS, 1, 'none')),
        goal: { tls: { wish: 'required', secure } },
        outcome: 'NOT_SUPPORTED',
      },
    ],
  ])

  it('as an agreement, cut and ended anywhere, and so does what is said inside', async () => {
    const outside = bs.script(bs.greeting(), bs.ack(STARTTLS))
    const inside = bs.script(structured, contexts, go)
    const talk = async (
      pieces: readonly Uint8Array[],
      within: readonly Uint8Array[],
      ends: boolean,
    ) => {
      const [ours, theirs] = PairedTransport.pair()
      const inner = new RawPeer(theirs)
      const { peer, outcome } = begin({
        server: outside,
        outcome: undefined,
        goal: { tls: { wish: 'required', secure: async () => ours } },
      })
      peer.send(...pieces)
      inner.send(...within)
      if (ends) (within.length > 0 ? inner : peer).transport.end()
      return outcome
    }
    const secured = { ...withContext, tls: true }
    for (let at = 0; at < outside.length; at++) {
      const [first, second] = [outside.slice(0, at), outside.slice(at)]
      expect(await talk([first, second], [inside], false), `cut at ${at}`).toEqual(secured)
      expect(await talk([first], [], true), `ended at ${at}`).toBe('DISCONNECTED')
    }
    for (let at = 0; at < inside.length; at++) {
      const [first, second] = [inside.slice(0, at), inside.slice(at)]
      expect(await talk([outside], [first, second], false), `cut at ${at}`).toEqual(secured)
      expect(await talk([outside], [first], true), `ended at ${at}`).toBe('DISCONNECTED')
    }
  })
})

type Style = 'simple' | 'structured' | 'extended'

interface Exchange {
  readonly ask: (disk: NbdDisk) => Promise<Outcome>
  readonly answer: Uint8Array
  readonly outcome: Outcome
}

const DIRTY = 'qemu:dirty-bitmap:b'
const BOTH = bs.script(context(7, 'base:allocation'), context(3, DIRTY), bs.ack(SET))
const OPENING: Readonly<Record<Style, Uint8Array>> = {
  simple: bs.script(bs.greeting(), bs.optionError(EXT, 1), bs.optionError(SR, 1), go),
  structured: bs.script(bs.greeting(), structured, BOTH, go),
  extended: bs.script(bs.greeting(), bs.ack(EXT), BOTH, go),
}

const everyAnswer = (style: Style, table: readonly (readonly [string, Exchange])[]) => {
  const start = async (ask: Exchange['ask']) => {
    const [ours, theirs] = PairedTransport.pair()
    const peer = new RawPeer(theirs)
    peer.send(OPENING[style])
    const options = { dial: async () => ours, exportName: 'd', clock: new ManualClock() }
    const disk = await openNbdDisk({ ...options, contexts: [DIRTY] })
    return { peer, outcome: outcomeOf(ask(disk)) }
  }
  it.each(table)(
    '%s, in two pieces cut anywhere',
    async (_, { ask, answer, outcome: expected }) => {
      for (let at = 0; at < answer.length; at++) {
        const { peer, outcome } = await start(ask)
        peer.send(answer.slice(0, at), answer.slice(at))
        expect(await outcome, `cut at ${at}`).toEqual(expected)
      }
    },
  )
  it.each(table)('%s, ended anywhere', async (_, { ask, answer }) => {
    for (let at = 0; at < answer.length; at++) {
      const { peer, outcome } = await start(ask)
      peer.send(answer.slice(0, at))
      peer.transport.end()
      expect(await outcome, `ended at ${at}`).toBe('DISCONNECTED')
    }
  })
}

const OFFSET = 512

/** Chunks in one kind of headers, for the first request, which is about what begins at OFFSET. */
function chunksOf(style: 'structured' | 'extended') {
  const chunk = (type: number, done: boolean, ...data: readonly Field[]) =>
    style === 'extended'
      ? bs.extendedChunk(1, type, done, OFFSET, ...data)
      : bs.chunk(1, type, done, ...data)
  return {
    chunk,
    none: () => chunk(0, true),
    data: (offset: number, bytes: string, done = false) => chunk(1, done, bs.u64(offset), bytes),
    hole: (offset: number, length: number, done = false) =>
      chunk(2, done, bs.u64(offset), bs.u32(length)),
    status: (id: number, done: boolean, ...pairs: [number, number][]) =>
      style === 'extended'
        ? chunk(6, done, bs.u32(id), bs.u32(pairs.length), ...pairs.flatMap((p) => p.map(bs.u64)))
        : chunk(5, done, bs.u32(id), ...pairs.flatMap((p) => p.map(bs.u32))),
    error: (done: boolean, errno: number, text: string) =>
      chunk(0x8001, done, bs.u32(errno), bs.u16(bs.byteLength(text)), bs.text(text)),
  }
}

const readEight = async (disk: NbdDisk) => {
  const bytes = new Uint8Array(8).fill(0xcc)
  await disk.read(bytes, OFFSET)
  return Buffer.from(bytes).toString('hex')
}
const write = async (disk: NbdDisk) => {
  await disk.write(new Uint8Array(4), OFFSET)
  return 'written'
}
const runs = (list: ExtentList) => list.toArray().map((e) => [e.offset, e.length, e.flags])

const shared = (style: 'structured' | 'extended'): [string, Exchange][] => {
  const { chunk, none, data, hole, status, error } = chunksOf(style)
  const two = [
    [OFFSET, 512, 3],
    [1024, 3072, 0],
  ]
  const allocation = (disk: NbdDisk) => disk.extents(OFFSET, SIZE - OFFSET).then(runs)
  const dirty = (disk: NbdDisk) => disk.status(DIRTY, OFFSET, SIZE - OFFSET).then(runs)
  const statuses = bs.script(
    status(3, false, [3584, 1]),
    status(7, true, [512, 3], [3072 + 4096, 0]),
  )
  return [
    [
      'a read in one chunk',
      {
        ask: readEight,
        answer: data(OFFSET, '0102030405060708', true),
        outcome: '0102030405060708',
      },
    ],
    [
      'a read in many, in any order',
      {
        ask: readEight,
        answer: bs.script(data(516, '0506'), hole(518, 2), data(OFFSET, '01020304'), none()),
        outcome: '0102030405060000',
      },
    ],
    [
      'a read of a hole',
      { ask: readEight, answer: hole(OFFSET, 8, true), outcome: '00'.repeat(8) },
    ],
    [
      'a read that is not covered',
      { ask: readEight, answer: bs.script(data(OFFSET, '01'), none()), outcome: 'PROTOCOL' },
    ],
    [
      'a read that fails',
      { ask: readEight, answer: error(true, 5, 'bad sector'), outcome: 'IO_ERROR' },
    ],
    [
      'a read that fails behind its data',
      {
        ask: readEight,
        answer: bs.script(
          data(OFFSET, '0102030405060708'),
          chunk(0x8002, false, bs.u32(5), bs.u16(2), bs.text('no'), bs.u64(515)),
          none(),
        ),
        outcome: 'IO_ERROR',
      },
    ],
    [
      'an error of an unknown kind',
      {
        ask: write,
        answer: chunk(0x8abc, true, bs.u32(28), bs.u16(1), '41', '0102'),
        outcome: 'NO_SPACE',
      },
    ],
    [
      'an error with a number that nobody knows',
      { ask: write, answer: error(true, 4711, ''), outcome: 'REFUSED' },
    ],
    ['a write', { ask: write, answer: none(), outcome: 'written' }],
    ['the status of one context', { ask: allocation, answer: statuses, outcome: two }],
    ['the status of another one', { ask: dirty, answer: statuses, outcome: [[OFFSET, 3584, 1]] }],
    ['a status that fails', { ask: dirty, answer: error(true, 22, 'no'), outcome: 'REFUSED' }],
  ]
}

describe('with structured replies, an answer reaches the client', () => {
  everyAnswer('structured', [
    ...shared('structured'),
    ['a simple reply to a write', { ask: write, answer: bs.simpleReply(1), outcome: 'written' }],
    ['a simple error', { ask: write, answer: bs.simpleReply(1, 28), outcome: 'NO_SPACE' }],
  ])
})

describe('with extended headers, an answer reaches the client', () => {
  everyAnswer('extended', shared('extended'))
})

describe('with simple replies, an answer reaches the client', () => {
  everyAnswer('simple', [
    [
      'a read',
      {
        ask: readEight,
        answer: bs.simpleReply(1, 0, '0102030405060708'),
        outcome: '0102030405060708',
      },
    ],
    ['a read that fails', { ask: readEight, answer: bs.simpleReply(1, 5), outcome: 'IO_ERROR' }],
    ['a write', { ask: write, answer: bs.simpleReply(1), outcome: 'written' }],
    ...([1, 5, 12, 22, 28, 75, 95, 4711] as const).map(
      (errno) =>
        [
          `error ${errno}`,
          {
            ask: write,
            answer: bs.simpleReply(1, errno),
            outcome: {
              1: 'NO_PERMISSION',
              5: 'IO_ERROR',
              12: 'LIMIT',
              22: 'REFUSED',
              28: 'NO_SPACE',
              75: 'LIMIT',
              95: 'NOT_SUPPORTED',
              4711: 'REFUSED',
            }[errno],
          },
        ] as const,
    ),
    ['a server that goes', { ask: write, answer: bs.simpleReply(1, 108), outcome: 'DISCONNECTED' }],
  ])
})
