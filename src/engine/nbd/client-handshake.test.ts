import { describe, expect, it } from 'vitest'
import type { PlatterError } from '../base/errors'
import * as bs from './byte-script.test-helper'
import { openExport } from './client-handshake'
import type { Script } from './handshake-script'
import { ScriptRunner } from './handshake-script'
import { reportScript } from './list-exports'

// The server's side of each conversation is written down as bytes (byte-script.ts); so is what the
// client has to say. Server bytes may all arrive at once or one by one: the outcome is the same.

interface Outcome<T> {
  readonly value: T | undefined
  readonly rest: number
  readonly sent: string
  readonly error: PlatterError | undefined
  readonly stage: string
}

function converse<T>(script: Script<T>, pieces: readonly Uint8Array[]): Outcome<T> {
  const sent: Uint8Array[] = []
  const runner = new ScriptRunner(script, (bytes) => sent.push(bytes))
  let error: unknown
  try {
    runner.start()
    for (const piece of pieces) {
      const lent = piece.slice()
      runner.receive(lent)
      lent.fill(0xee)
    }
  } catch (caught) {
    error = caught
  }
  return {
    value: runner.result?.value,
    rest: runner.result?.rest.length ?? 0,
    sent: Buffer.concat(sent).toString('hex'),
    error: error as PlatterError | undefined,
    stage: runner.stage,
  }
}

const hexOf = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex')

const SR = 8
const EXTENDED = 11
const SET = 10
const GO = 7
const open = (exportName = 'disk') => openExport({ exportName, contexts: ['base:allocation'] })

const noExtended = bs.optionError(EXTENDED, 1)
/** A server with structured replies and without extended headers. */
const structured = bs.script(noExtended, bs.ack(SR))
const sayStructured = bs.script(bs.option(EXTENDED), bs.option(SR))
const sayContexts = bs.option(SET, bs.sized('disk'), bs.u32(1), bs.sized('base:allocation'))
const sayGo = bs.option(GO, bs.sized('disk'), bs.u16(3), bs.u16(1), bs.u16(2), bs.u16(3))
const sayByName = bs.option(1, bs.text('disk'))
const sayAbort = bs.option(2)

const context = bs.optionReply(SET, 4, bs.u32(77), bs.text('base:allocation'))
const goReplies = [bs.infoExport(GO, 1 << 20, 0x5ed), bs.ack(GO)]

describe('opening an export', () => {
  it('negotiates all there is with a server that has it, whatever the cuts', () => {
    const server = bs.script(
      bs.greeting(),
      structured,
      context,
      bs.ack(SET),
      bs.optionReply(GO, 3, bs.u16(1), bs.text('disk0')),
      bs.optionReply(GO, 3, bs.u16(2), bs.text('the system disk')),
      bs.optionReply(GO, 3, bs.u16(3), bs.u32(512), bs.u32(65536), bs.u32(1 << 25)),
      bs.optionReply(GO, 3, bs.u16(99), bs.text('what is this')),
      ...goReplies,
      'aabbcc',
    )
    bs.forEveryCut(server, (pieces) => {
      const outcome = converse(open(), pieces)
      expect(outcome.value).toEqual({
        exportName: 'disk',
        canonicalName: 'disk0',
        description: 'the system disk',
        size: 1 << 20,
        flags: 0x5ed,
        blockSize: { minimum: 512, preferred: 65536, maximum: 1 << 25 },
        handshake: 'fixed newstyle',
        structured: true,
        extended: false,
        tls: false,
        contexts: [{ id: 77, name: 'base:allocation' }],
      })
      expect(outcome.sent).toBe(hexOf(bs.clientFlags(3), sayStructured, sayContexts, sayGo))
      expect(outcome.rest).toBeLessThanOrEqual(3)
    })
  })

  it('does not ask for contexts where structured replies are refused', () => {
    const server = bs.script(bs.greeting(1), noExtended, bs.optionError(SR, 1, 'no'), ...goReplies)
    const outcome = converse(open(), [server])
    expect(outcome.value).toMatchObject({ structured: false, contexts: [] })
    expect(outcome.value?.blockSize).toBeUndefined()
    expect(outcome.sent).toBe(hexOf(bs.clientFlags(1), sayStructured, sayGo))
  })

  it('goes on without contexts that are refused, or that it did not ask for', () => {
    const refused = bs.script(bs.greeting(), structured, bs.optionError(SET, 1), ...goReplies)
    expect(converse(open(), [refused]).value?.contexts).toEqual([])
    const other = bs.optionReply(SET, 4, bs.u32(1), bs.text('qemu:allocation-depth'))
    const unasked = bs.script(bs.greeting(), structured, other, bs.ack(SET), ...goReplies)
    expect(converse(open(), [unasked]).value?.contexts).toEqual([])
  })

  it.each([
    [3, 0],
    [1, 124],
  ])('falls back to the name alone where GO is unknown (flags %i, %i zeroes)', (flags, zeroes) => {
    const server = bs.script(
      bs.greeting(flags),
      noExtended,
      bs.optionError(SR, 1),
      bs.optionError(GO, 1),
      bs.u64(4096),
      bs.u16(3),
      bs.zeros(zeroes),
    )
    bs.forEveryCut(server, (pieces) => {
      const outcome = converse(open(), pieces)
      expect(outcome.value).toMatchObject({ size: 4096, flags: 3, handshake: 'fixed newstyle' })
      expect(outcome.rest).toBe(0)
      expect(outcome.sent).toBe(hexOf(bs.clientFlags(flags), sayStructured, sayGo, sayByName))
    })
  })

  it('says the name and nothing else to a server that is not fixed newstyle', () => {
    const server = bs.script(bs.greeting(0), bs.u64(512), bs.u16(1), bs.zeros(124))
    bs.forEveryCut(server, (pieces) => {
      const outcome = converse(open(), pieces)
      expect(outcome.value).toMatchObject({ size: 512, flags: 1, handshake: 'newstyle' })
      expect(outcome.rest).toBe(0)
      expect(outcome.sent).toBe(hexOf(bs.clientFlags(0), sayByName))
    })
  })

  it('sends back only the handshake flags that it knows', () => {
    const outcome = converse(open(), [bs.greeting(0xffff)])
    expect(outcome.sent.startsWith(hexOf(bs.clientFlags(3)))).toBe(true)
  })

  it('takes an oldstyle server that has one nameless export', () => {
    const server = bs.script(
      bs.text('NBDMAGIC'),
      '0000420281861253',
      bs.u64(1 << 30),
      bs.u32(3),
      bs.zeros(124),
    )
    bs.forEveryCut(server, (pieces) => {
      const outcome = converse(open(''), pieces)
      expect(outcome.value).toMatchObject({ size: 1 << 30, flags: 3, handshake: 'oldstyle' })
      expect(outcome.rest).toBe(0)
      expect(outcome.sent).toBe('')
    })
    expect(converse(open('disk'), [server]).error?.code).toBe('EXPORT_UNKNOWN')
  })
})

describe('a server that says no to an export', () => {
  const refuse = (error: number, message = '') =>
    converse(open(), [
      bs.script(bs.greeting(), structured, bs.ack(SET), bs.optionError(GO, error, message)),
    ])

  it.each([
    [2, 'REFUSED', 'NBD_REP_ERR_POLICY'],
    [3, 'REFUSED', 'NBD_REP_ERR_INVALID'],
    [4, 'REFUSED', 'NBD_REP_ERR_PLATFORM'],
    [5, 'REFUSED', 'TLS'],
    [6, 'EXPORT_UNKNOWN', 'no such export'],
    [7, 'DISCONNECTED', 'shutting down'],
    [8, 'REFUSED', 'NBD_REP_ERR_BLOCK_SIZE_REQD'],
    [9, 'REFUSED', 'NBD_REP_ERR_TOO_BIG'],
    [10, 'NOT_SUPPORTED', 'NBD_REP_ERR_EXT_HEADER_REQD'],
    [4711, 'REFUSED', 'option reply'],
  ])('with error %i is reported, and left politely', (error, code, text) => {
    const outcome = refuse(error, 'in its own words')
    expect(outcome.error?.code).toBe(code)
    expect(outcome.error?.message).toContain(text)
    expect(outcome.error?.message).toContain('in its own words')
    expect(outcome.error?.message).toContain(`'disk'`)
    expect(outcome.sent.endsWith(hexOf(sayAbort))).toBe(true)
  })

  it('because it wants TLS is believed at the first option', () => {
    const outcome = converse(open(), [bs.script(bs.greeting(), bs.optionError(EXTENDED, 5))])
    expect(outcome.error?.code).toBe('REFUSED')
    expect(outcome.error?.message).toContain('TLS')
  })
})

describe('a server that lies in the handshake', () => {
  const upToGo = bs.script(bs.greeting(), structured, context, bs.ack(SET))
  const withInfo = (...data: readonly bs.Field[]) =>
    bs.script(upToGo, bs.optionReply(GO, 3, ...data), ...goReplies)
  const sizes = (minimum: number, preferred: number, maximum: number) =>
    withInfo(bs.u16(3), bs.u32(minimum), bs.u32(preferred), bs.u32(maximum))

  it.each<[string, Uint8Array, RegExp]>([
    ['is no NBD server', bs.script(bs.text('HTTP/1.1 400 Bad')), /not an NBD server/],
    ['has an unknown handshake', bs.script(bs.text('NBDMAGIC'), bs.u64(1)), /unknown handshake/],
    [
      'begins a reply wrongly',
      bs.script(bs.greeting(), bs.u64(5), bs.zeros(12)),
      /begins with 0x5/,
    ],
    ['answers another option', bs.script(bs.greeting(), bs.ack(GO)), /reply is for NBD_OPT_GO/],
    [
      'sends a huge reply',
      bs.script(bs.greeting(), '0003e889045565a9', bs.u32(EXTENDED), bs.u32(3), bs.u32(0xffffffff)),
      /4294967295 bytes/,
    ],
    [
      'sends a long error',
      bs.script(
        bs.greeting(),
        '0003e889045565a9',
        bs.u32(EXTENDED),
        bs.u32(0x80000001),
        bs.u32(4097),
      ),
      /4097 bytes/,
    ],
    ['leaves the size out', bs.script(upToGo, bs.ack(GO)), /left its size out/],
    ['sends a short INFO_EXPORT', withInfo(bs.u16(0), bs.u64(1)), /unexpected NBD_REP_INFO/],
    ['sends an empty INFO', withInfo(), /unexpected NBD_REP_INFO/],
    [
      'sends a SERVER reply to GO',
      bs.script(upToGo, bs.optionReply(GO, 2, bs.sized('x'))),
      /unexpected NBD_REP_SERVER/,
    ],
    ['has blocks of 0', sizes(0, 4096, 4096), /minimum is not a power/],
    ['has blocks of 3', sizes(3, 4096, 4096), /minimum is not a power/],
    ['has blocks of 1 MiB', sizes(1 << 20, 1 << 20, 1 << 25), /above 65536/],
    ['prefers 3000 bytes', sizes(1, 3000, 1 << 25), /preferred size is not/],
    ['prefers less than its minimum', sizes(4096, 512, 1 << 25), /below the minimum/],
    ['takes less than a block', sizes(4096, 4096, 512), /maximum is below/],
    ['takes broken blocks', sizes(4096, 4096, 5000), /not a multiple/],
    [
      'gives two contexts one number',
      bs.script(bs.greeting(), structured, context, context, bs.ack(SET)),
      /context/,
    ],
    [
      'gives a context no name',
      bs.script(bs.greeting(), structured, bs.optionReply(SET, 4, bs.u32(1)), bs.ack(SET)),
      /NBD_REP_META_CONTEXT of 4/,
    ],
  ])('it %s: refused', (_, server, why) => {
    const outcome = converse(open(), [bs.script(server, bs.ack(GO))])
    expect(outcome.error?.code).toBe('PROTOCOL')
    expect(outcome.error?.message).toMatch(why)
  })

  it('and claims more bytes than a number holds: refused with the size', () => {
    const server = bs.script(upToGo, bs.infoExport(GO, 2n ** 63n, 1), bs.ack(GO))
    const { error } = converse(open(), [server])
    expect(error?.code).toBe('LIMIT')
    expect(error?.message).toContain('9223372036854775808')
  })

  it('and never comes to an end of its replies: refused', () => {
    const many = Array.from({ length: 10_001 }, () => bs.optionReply(3, 2, bs.sized('x')))
    const { error } = converse(reportScript(false), [bs.script(bs.greeting(), ...many)])
    expect(error?.code).toBe('PROTOCOL')
    expect(error?.message).toContain('10000')
  })

  it('and sends long replies without end: refused before they fill the memory', () => {
    const long = bs.optionReply(3, 2, bs.sized('x'.repeat(4000)), bs.zeros(12_000))
    const runner = new ScriptRunner(reportScript(false), () => undefined)
    runner.start()
    runner.receive(bs.greeting())
    let count = 0
    const flood = () => {
      for (; count < 10_000; count++) runner.receive(long)
    }
    expect(flood).toThrow(/8388608 bytes/)
    expect(count).toBe(524)
  })

  it('is waited for at a stage that has a name', () => {
    expect(converse(open(), []).stage).toBe(`the server's greeting`)
    expect(converse(open(), [bs.greeting()]).stage).toBe('the reply to NBD_OPT_EXTENDED_HEADERS')
    expect(converse(open(), [upToGo]).stage).toBe('the reply to NBD_OPT_GO')
  })
})

describe('listing exports', () => {
  const info = (...replies: readonly Uint8Array[]) => bs.script(...replies, bs.ack(6))

  it('asks for the details of each, whatever the cuts', () => {
    const server = bs.script(
      bs.greeting(),
      bs.optionReply(3, 2, bs.sized('a'), bs.text('first')),
      bs.optionReply(3, 2, bs.sized('b')),
      bs.ack(3),
      info(bs.infoExport(6, 4096, 3), bs.optionReply(6, 3, bs.u16(2), bs.text('more'))),
      bs.optionError(6, 2, 'locked'),
      bs.ack(2),
    )
    bs.forEveryCut(server, (pieces) => {
      const outcome = converse(reportScript(false), pieces)
      expect(outcome.value?.exports).toMatchObject([
        { name: 'a', description: 'more', size: 4096, readOnly: true },
        { name: 'b', description: '', error: expect.stringContaining('locked') },
      ])
      expect(outcome.sent.endsWith(hexOf(sayAbort))).toBe(true)
    })
  })

  it('does without details where INFO is unknown', () => {
    const server = bs.script(
      bs.greeting(),
      bs.optionReply(3, 2, bs.sized('a')),
      bs.optionReply(3, 2, bs.sized('b')),
      bs.ack(3),
      bs.optionError(6, 1),
    )
    const expected = [
      { name: 'a', description: '' },
      { name: 'b', description: '' },
    ]
    expect(converse(reportScript(false), [server]).value?.exports).toEqual(expected)
  })

  it('is refused with the reason of the server', () => {
    const outcome = converse(reportScript(false), [
      bs.script(bs.greeting(), bs.optionError(3, 2, 'secret')),
    ])
    expect(outcome.error?.code).toBe('REFUSED')
    expect(outcome.error?.message).toContain('secret')
  })

  it.each<[string, Uint8Array]>([
    ['a name longer than the reply', bs.optionReply(3, 2, bs.u32(9), bs.text('short'))],
    ['no room for a name', bs.optionReply(3, 2, bs.u16(0))],
    ['a name that is not UTF-8', bs.optionReply(3, 2, bs.u32(1), 'ff')],
    ['another kind of reply', bs.optionReply(3, 3, bs.sized('a'))],
  ])('refuses %s', (_, reply) => {
    const outcome = converse(reportScript(false), [bs.script(bs.greeting(), reply, bs.ack(3))])
    expect(outcome.error?.code).toBe('PROTOCOL')
  })

  it('is not possible before fixed newstyle', () => {
    expect(converse(reportScript(false), [bs.greeting(0)]).error?.code).toBe('NOT_SUPPORTED')
  })

  it('in full settles the replies first, and asks for contexts, whatever the cuts', () => {
    const server = bs.script(
      bs.greeting(),
      structured,
      bs.optionReply(3, 2, bs.sized('a')),
      bs.ack(3),
      info(bs.infoExport(6, 4096, 3)),
      bs.optionReply(9, 4, bs.u32(0), bs.text('base:allocation')),
      bs.optionReply(9, 4, bs.u32(0), bs.text('x-other:leaf')),
      bs.ack(9),
    )
    bs.forEveryCut(server, (pieces) => {
      expect(converse(reportScript(true), pieces).value).toMatchObject({
        handshake: 'fixed newstyle',
        structured: true,
        extended: false,
        tls: false,
        exports: [{ name: 'a', size: 4096, contexts: ['base:allocation', 'x-other:leaf'] }],
      })
    })
  })
})

describe('TLS in the handshake', () => {
  const STARTTLS = 5
  const goal = { exportName: 'disk', contexts: [] }
  const start = (tls: 'opportunistic' | 'required', ...server: readonly Uint8Array[]) => {
    const sent: Uint8Array[] = []
    const runner = new ScriptRunner(openExport({ ...goal, tls }), (bytes) => sent.push(bytes))
    runner.start()
    for (const bytes of server) runner.receive(bytes)
    return { runner, sent: () => hexOf(...sent) }
  }

  it('is asked for before anything else, and all else is asked for after it', () => {
    const { runner, sent } = start('required', bs.greeting(), bs.ack(STARTTLS))
    expect(runner.wantsSecurity).toBe(true)
    expect(sent()).toBe(hexOf(bs.clientFlags(), bs.option(STARTTLS)))
    runner.resume()
    runner.receive(bs.script(structured, ...goReplies))
    expect(runner.result?.value).toMatchObject({ tls: true, structured: true, size: 1 << 20 })
    expect(sent()).toBe(hexOf(bs.clientFlags(), bs.option(STARTTLS), sayStructured, sayGo))
  })

  it.each([
    ['has none', [bs.greeting(), bs.optionError(STARTTLS, 1, 'none')], 'NOT_SUPPORTED'],
    ['will not have it', [bs.greeting(), bs.optionError(STARTTLS, 2, 'none')], 'REFUSED'],
    ['is too old', [bs.greeting(0)], 'REFUSED'],
    ['is of the old style', [bs.text('NBDMAGIC'), '0000420281861253', bs.zeros(136)], 'REFUSED'],
  ])('is never gone without where it is demanded and the server %s', (_, server, code) => {
    let error: unknown
    try {
      start('required', bs.script(...server))
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code })
  })

  it('is gone without where it is only wished for', () => {
    const { runner } = start('opportunistic', bs.greeting(), bs.optionError(STARTTLS, 1))
    runner.receive(bs.script(structured, ...goReplies))
    expect(runner.result?.value.tls).toBe(false)
  })

  it('does not take over bytes that came in the clear', () => {
    const server = bs.script(bs.greeting(), bs.ack(STARTTLS), structured)
    expect(() => start('required', server)).toThrow(/in the clear/)
  })
})
