// Every message that a server receives, split in two at each place and ended at each place. The bytes
// that come and those that have to go out are both from the tests' own encoder. What a client leaves
// unfinished is not carried out, ends only that client, and never draws a wrong byte.

import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import type { Field } from './byte-script.test-helper'
import * as bs from './byte-script.test-helper'
import { RawPeer, settle } from './raw-peer.test-helper'
import type { Setup } from './served-raw.test-helper'
import { makeServer } from './served-raw.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

const SIZE = 4096
const [LIST, PEEK, STARTTLS, INFO, GO, SR, LIST_META, SET_META, EXT] = [3, 4, 5, 6, 7, 8, 9, 10, 11]
const FLAGS = 0x0d6d
const FLAGS_DF = 0x0ded

const hexOf = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex')

interface Conversation {
  /** Sent whole and answered before the part that is cut. */
  readonly before?: Uint8Array
  readonly bytes: Uint8Array
  /** All that the server says to `bytes`. */
  readonly answer: Uint8Array
  /** The server hangs up by itself. */
  readonly ends?: boolean
  readonly setup?: Setup
  /** What is in the disk when all of it has come; the same as before unless told. */
  readonly becomes?: (disk: Uint8Array) => void
}

const initial = (): Uint8Array => Uint8Array.from({ length: SIZE }, (_, i) => (i * 7) % 251)

async function begin({ before, setup = {} }: Conversation) {
  const disk = MemoryDisk.from(initial())
  const other = { name: 'x-other:all', extents: disk.extents.bind(disk) }
  const made = makeServer({
    disk,
    ...setup,
    entry: { description: 'the disk', contexts: [other], ...setup.entry },
  })
  const { peer } = made.connect()
  if (before !== undefined) {
    peer.send(before)
    await settle(3)
    peer.clear()
  }
  const content = async () => {
    const bytes = new Uint8Array(SIZE)
    await disk.read(bytes, 0)
    return Buffer.from(bytes).toString('hex')
  }
  return { ...made, peer, content }
}

async function holdToEveryCut(talk: Conversation): Promise<void> {
  const { bytes, answer } = talk
  const after = initial()
  talk.becomes?.(after)
  for (let at = 0; at < bytes.length; at++) {
    const { peer, content } = await begin(talk)
    peer.send(bytes.slice(0, at), bytes.slice(at))
    await settle(3)
    expect(peer.hex, `in two pieces, at ${at}`).toBe(hexOf(answer))
    expect(peer.isClosed).toBe(talk.ends === true)
    expect(await content()).toBe(Buffer.from(after).toString('hex'))
  }
}

async function holdToEveryEnd(talk: Conversation): Promise<void> {
  const { bytes, answer } = talk
  for (let at = 0; at < bytes.length; at++) {
    const { peer, content, connect, server } = await begin(talk)
    const other = connect().peer
    peer.send(bytes.slice(0, at))
    peer.transport.end()
    await settle(4)
    expect(peer.isClosed, `ended at ${at}`).toBe(true)
    expect(hexOf(answer).startsWith(peer.hex), `ended at ${at}: ${peer.hex}`).toBe(true)
    expect(server.clients).toEqual([])
    expect(other.isClosed).toBe(false)
    expect(await content()).toBe(Buffer.from(initial()).toString('hex'))
  }
}

const everyCut = (table: readonly (readonly [string, Conversation])[]) => {
  it.each(table)('%s, in two pieces cut anywhere', async (_, talk) => holdToEveryCut(talk))
  it.each(table)('%s, ended anywhere', async (_, talk) => holdToEveryEnd(talk))
}

const abort = bs.option(2)
const info = (option: number, name: string, ...kinds: number[]) =>
  bs.option(option, bs.sized(name), bs.u16(kinds.length), ...kinds.map(bs.u16))
const meta = (option: number, ...queries: string[]) =>
  bs.option(option, bs.sized('d'), bs.u32(queries.length), ...queries.map(bs.sized))
const sizes = (option: number, ...each: number[]) =>
  bs.optionReply(option, 3, bs.u16(3), ...each.map(bs.u32))
const anySize = (option: number) => sizes(option, 1, 4096, 1 << 25)

/** Options behind the client's flags, and an NBD_OPT_ABORT to end them. */
const options = (sent: readonly Uint8Array[], ...answers: readonly Uint8Array[]): Conversation => ({
  bytes: bs.script(bs.clientFlags(), ...sent, abort),
  answer: bs.script(bs.greeting(), ...answers, bs.ack(2)),
  ends: true,
})

describe('an option reaches the server', () => {
  everyCut([
    ['NBD_OPT_ABORT', options([])],
    [
      'NBD_OPT_LIST',
      options(
        [bs.option(LIST)],
        bs.optionReply(LIST, 2, bs.sized('d'), bs.text('the disk')),
        bs.ack(LIST),
      ),
    ],
    [
      'NBD_OPT_LIST with data',
      options([bs.option(LIST, 'aa')], bs.optionError(LIST, 3, 'data is not allowed')),
    ],
    [
      'the withdrawn NBD_OPT_PEEK_EXPORT',
      options([bs.option(PEEK, bs.text('d'))], bs.optionError(PEEK, 1, 'option 4 is not known')),
    ],
    [
      'an option from the future',
      options(
        [bs.option(0x7fffffff, '0102')],
        bs.optionError(0x7fffffff, 1, 'option 2147483647 is not known'),
      ),
    ],
    [
      'NBD_OPT_STARTTLS without TLS',
      options([bs.option(STARTTLS)], bs.optionError(STARTTLS, 1, 'this server has no TLS')),
    ],
    [
      'NBD_OPT_INFO for all there is to know',
      options(
        [info(INFO, 'd', 0, 1, 2, 3, 4711)],
        anySize(INFO),
        bs.infoExport(INFO, SIZE, FLAGS),
        bs.optionReply(INFO, 3, bs.u16(1), bs.text('d')),
        bs.optionReply(INFO, 3, bs.u16(2), bs.text('the disk')),
        bs.ack(INFO),
      ),
    ],
    [
      'NBD_OPT_INFO for nothing',
      options([info(INFO, 'e')], bs.optionError(INFO, 6, `no export 'e'`)),
    ],
    ['NBD_OPT_GO for nothing', options([info(GO, 'e')], bs.optionError(GO, 6, `no export 'e'`))],
    ['NBD_OPT_STRUCTURED_REPLY', options([bs.option(SR)], bs.ack(SR))],
    [
      'NBD_OPT_LIST_META_CONTEXT',
      options(
        [bs.option(SR), meta(LIST_META, 'base:')],
        bs.ack(SR),
        bs.optionReply(LIST_META, 4, bs.u32(0), bs.text('base:allocation')),
        bs.ack(LIST_META),
      ),
    ],
    [
      'NBD_OPT_SET_META_CONTEXT',
      options(
        [bs.option(SR), meta(SET_META, 'x-other:all', 'base:allocation')],
        bs.ack(SR),
        bs.optionReply(SET_META, 4, bs.u32(1), bs.text('base:allocation')),
        bs.optionReply(SET_META, 4, bs.u32(2), bs.text('x-other:all')),
        bs.ack(SET_META),
      ),
    ],
    [
      'NBD_OPT_EXTENDED_HEADERS, twice, and structured replies behind it',
      options(
        [bs.option(EXT), bs.option(EXT), bs.option(SR)],
        bs.ack(EXT),
        bs.optionError(EXT, 3, 'extended headers were agreed on already'),
        bs.optionError(SR, 10, 'extended headers were agreed on, which are structured'),
      ),
    ],
  ])
})

const blocks = { minimum: 512, preferred: 4096, maximum: 1 << 20 }
const oneByte = bs.request({ command: 0, cookie: 9, offset: 1, length: 1 })
const oneByteBack = bs.simpleReply(9, 0, '07')

describe('the choice of an export reaches the server', () => {
  everyCut([
    ...([3, 1, 0] as const).map(
      (flags) =>
        [
          `NBD_OPT_EXPORT_NAME behind client flags ${flags}, and a read`,
          {
            bytes: bs.script(bs.clientFlags(flags), bs.option(1, bs.text('d')), oneByte),
            answer: bs.script(
              bs.greeting(),
              bs.u64(SIZE),
              bs.u16(FLAGS),
              bs.zeros(flags === 3 ? 0 : 124),
              oneByteBack,
            ),
          },
        ] as const,
    ),
    [
      'NBD_OPT_GO, and a read',
      {
        bytes: bs.script(bs.clientFlags(), info(GO, 'd', 1), oneByte),
        answer: bs.script(
          bs.greeting(),
          anySize(GO),
          bs.infoExport(GO, SIZE, FLAGS),
          bs.optionReply(GO, 3, bs.u16(1), bs.text('d')),
          bs.ack(GO),
          oneByteBack,
        ),
      },
    ],
    [
      'NBD_OPT_GO that will not obey block sizes, and then does',
      {
        setup: { disk: new MemoryDisk(SIZE, { blockSize: blocks }) },
        bytes: bs.script(bs.clientFlags(), info(GO, 'd'), info(GO, 'd', 3)),
        answer: bs.script(
          bs.greeting(),
          sizes(GO, 512, 4096, 1 << 20),
          bs.optionError(GO, 8, 'blocks of 512 bytes have to be obeyed'),
          sizes(GO, 512, 4096, 1 << 20),
          bs.infoExport(GO, SIZE, FLAGS),
          bs.ack(GO),
        ),
      },
    ],
    [
      'NBD_OPT_EXPORT_NAME for nothing',
      {
        bytes: bs.script(bs.clientFlags(), bs.option(1, bs.text('e'))),
        answer: bs.greeting(),
        ends: true,
      },
    ],
  ])
})

type Style = 'simple' | 'structured' | 'extended'

const BEFORE: Readonly<Record<Style, Uint8Array>> = {
  simple: bs.script(bs.clientFlags(), bs.option(1, bs.text('d'))),
  structured: bs.script(
    bs.clientFlags(),
    bs.option(SR),
    meta(SET_META, 'base:allocation', 'x-other:all'),
    info(GO, 'd'),
  ),
  extended: bs.script(
    bs.clientFlags(),
    bs.option(EXT),
    meta(SET_META, 'base:allocation', 'x-other:all'),
    info(GO, 'd'),
  ),
}

/** Requests and replies in one kind of headers, all with one cookie. */
function framesOf(style: Style) {
  const cookie = 0x0102_0304_0506_0708n
  const request = (fields: bs.RequestFields) =>
    style === 'extended'
      ? bs.extendedRequest({
          ...fields,
          flags: (fields.flags ?? 0) | (fields.data ? 32 : 0),
          cookie,
        })
      : bs.request({ ...fields, cookie })
  const chunk = (type: number, done: boolean, offset: number, ...data: readonly Field[]) =>
    style === 'extended'
      ? bs.extendedChunk(cookie, type, done, offset, ...data)
      : bs.chunk(cookie, type, done, ...data)
  const done = (offset: number) =>
    style === 'simple' ? bs.simpleReply(cookie) : chunk(0, true, offset)
  const data = (offset: number, bytes: Uint8Array) =>
    style === 'simple'
      ? bs.simpleReply(cookie, 0, bytes)
      : chunk(1, true, offset, bs.u64(offset), bytes)
  const error = (offset: number, errno: number, text: string) =>
    style === 'simple'
      ? bs.simpleReply(cookie, errno)
      : chunk(0x8001, true, offset, bs.u32(errno), bs.u16(bs.byteLength(text)), bs.text(text))
  const status = (context: number, last: boolean, offset: number, length: number) =>
    style === 'extended'
      ? chunk(6, last, offset, bs.u32(context), bs.u32(1), bs.u64(length), bs.u64(0))
      : chunk(5, last, offset, bs.u32(context), bs.u32(length), bs.u32(0))
  return { request, chunk, done, data, error, status }
}

function commandsOf(style: Style): [string, Conversation][] {
  const { request, done, data, error, status } = framesOf(style)
  const before = BEFORE[style]
  const talk = (
    fields: bs.RequestFields,
    answer: Uint8Array,
    becomes?: Conversation['becomes'],
  ): Conversation => ({
    before,
    bytes: request(fields),
    answer,
    ...(becomes === undefined ? {} : { becomes }),
  })
  const seven = new Uint8Array(5).fill(7)
  const outside = `5 bytes at ${SIZE} are outside the export of ${SIZE} bytes`
  const every: [string, Conversation][] = [
    ['NBD_CMD_READ', talk({ command: 0, offset: 3, length: 5 }, data(3, initial().slice(3, 8)))],
    [
      'NBD_CMD_READ past the end',
      talk({ command: 0, offset: SIZE, length: 5 }, error(SIZE, 22, `NBD_CMD_READ: ${outside}`)),
    ],
    [
      'NBD_CMD_WRITE',
      talk({ command: 1, offset: 9, data: seven }, done(9), (disk) => disk.fill(7, 9, 14)),
    ],
    [
      'NBD_CMD_WRITE with FUA',
      talk({ command: 1, flags: 1, data: seven }, done(0), (disk) => disk.fill(7, 0, 5)),
    ],
    [
      'NBD_CMD_WRITE past the end',
      talk({ command: 1, offset: SIZE, data: seven }, error(SIZE, 28, `NBD_CMD_WRITE: ${outside}`)),
    ],
    ['NBD_CMD_FLUSH', talk({ command: 3 }, done(0))],
    [
      'NBD_CMD_TRIM',
      talk({ command: 4, offset: 512, length: 512 }, done(512), (disk) => disk.fill(0, 512, 1024)),
    ],
    ['NBD_CMD_CACHE', talk({ command: 5, offset: 1, length: 512 }, done(1))],
    [
      'NBD_CMD_WRITE_ZEROES',
      talk({ command: 6, flags: 1 | 2 | 16, offset: 5, length: 7 }, done(5), (disk) =>
        disk.fill(0, 5, 12),
      ),
    ],
    [
      'the experimental resize',
      talk({ command: 8, offset: 8192 }, error(8192, 22, 'command 8: unknown command')),
    ],
    [
      'NBD_CMD_DISC',
      { before, bytes: request({ command: 2 }), answer: new Uint8Array(0), ends: true },
    ],
  ]
  if (style === 'simple') {
    const why = 'NBD_CMD_BLOCK_STATUS: no context was selected'
    return [
      ...every,
      ['NBD_CMD_BLOCK_STATUS', talk({ command: 7, length: 512 }, error(0, 22, why))],
    ]
  }
  const both = (offset: number, length: number) =>
    bs.script(status(1, false, offset, length), status(2, true, offset, length))
  every.push(
    [
      'NBD_CMD_READ in one piece',
      talk({ command: 0, flags: 4, length: 2 }, data(0, initial().slice(0, 2))),
    ],
    ['NBD_CMD_BLOCK_STATUS', talk({ command: 7, offset: 512, length: 1024 }, both(512, 1024))],
    [
      'NBD_CMD_BLOCK_STATUS of one extent',
      talk({ command: 7, flags: 8, offset: 0, length: 512 }, both(0, 512)),
    ],
  )
  if (style === 'structured') return every
  const one = bs.script(bs.u64(1024), bs.u32(2))
  return [
    ...every,
    [
      'NBD_CMD_BLOCK_STATUS of a chosen context',
      talk({ command: 7, offset: 512, data: one }, status(2, true, 512, 1024)),
    ],
    [
      'NBD_CMD_READ with a payload that it cannot have',
      talk({ command: 0, data: seven }, error(0, 22, 'NBD_CMD_READ: flags 0x20 are not allowed')),
    ],
  ]
}

describe('with simple replies, a command reaches the server', () => {
  everyCut(commandsOf('simple'))
})

describe('with structured replies, a command reaches the server', () => {
  everyCut(commandsOf('structured'))
})

describe('with extended headers, a command reaches the server', () => {
  everyCut(commandsOf('extended'))
})

describe('NBD_OPT_STARTTLS reaches the server', () => {
  const conversation = bs.script(bs.clientFlags(), bs.option(STARTTLS))
  const inside = bs.script(bs.option(SR), info(GO, 'd'), bs.request({ command: 0, length: 1 }))
  const insideAnswer = bs.script(
    bs.ack(SR),
    anySize(GO),
    bs.infoExport(GO, SIZE, FLAGS_DF),
    bs.ack(GO),
    bs.chunk(1, 1, true, bs.u64(0), '00'),
  )
  const start = async (plain: readonly Uint8Array[]) => {
    const peers: RawPeer[] = []
    const secure = async () => {
      const [ours, theirs] = PairedTransport.pair()
      peers.push(new RawPeer(theirs))
      return ours
    }
    const made = await begin({
      bytes: conversation,
      answer: conversation,
      setup: { server: { tls: { mode: 'required', secure } } },
    })
    made.peer.send(...plain)
    await settle(3)
    return { ...made, inside: peers[0] }
  }

  it('cut anywhere, and so do the options behind it', async () => {
    for (let at = 0; at < conversation.length; at++) {
      const { peer, inside: secured } = await start([
        conversation.slice(0, at),
        conversation.slice(at),
      ])
      expect(peer.hex).toBe(hexOf(bs.greeting(), bs.ack(STARTTLS)))
      expect(secured).toBeDefined()
    }
    for (let at = 0; at < inside.length; at++) {
      const { inside: secured } = await start([conversation])
      secured?.send(inside.slice(0, at), inside.slice(at))
      await settle(3)
      expect(secured?.hex, `cut at ${at}`).toBe(hexOf(insideAnswer))
    }
  })

  it('ended anywhere, before it and behind it', async () => {
    for (let at = 0; at < conversation.length; at++) {
      const { peer, server } = await start([conversation.slice(0, at)])
      peer.transport.end()
      await settle(3)
      expect([peer.isClosed, server.clients.length]).toEqual([true, 0])
    }
    for (let at = 0; at < inside.length; at++) {
      const { inside: secured, server } = await start([conversation])
      secured?.send(inside.slice(0, at))
      secured?.transport.end()
      await settle(3)
      expect([secured?.isClosed, server.clients.length]).toEqual([true, 0])
      expect(hexOf(insideAnswer).startsWith(secured?.hex ?? '?')).toBe(true)
    }
  })
})
