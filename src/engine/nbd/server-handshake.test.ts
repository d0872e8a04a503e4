import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { ExportRegistry } from './export-registry'
import { ScriptRunner } from './handshake-script'
import type { Agreement } from './server-handshake'
import { serverHandshake } from './server-handshake'

const LIST = 3
const INFO = 6
const GO = 7
const SR = 8
const LIST_META = 9
const SET_META = 10

const SIZE = 1 << 20
// HAS_FLAGS FLUSH FUA TRIM WRITE_ZEROES MULTI_CONN CACHE FAST_ZERO, and DF with structured replies.
const FLAGS = 0x0d6d
const FLAGS_DF = 0x0ded

function makeExports(): ExportRegistry {
  const registry = new ExportRegistry()
  const custom = { name: 'x-test:all', extents: new MemoryDisk(SIZE).extents }
  registry.add({
    name: 'disk',
    description: 'the first',
    disk: new MemoryDisk(SIZE),
    readOnly: false,
    contexts: [custom],
  })
  registry.add({ name: 'ro', disk: new MemoryDisk(512), readOnly: true })
  const blockSize = { minimum: 4096, preferred: 65536, maximum: 1 << 21 }
  registry.add({ name: 'blocks', disk: new MemoryDisk(SIZE, { blockSize }), readOnly: false })
  return registry
}

interface Outcome {
  readonly value: Agreement | undefined
  readonly sent: string
  readonly error: PlatterError | undefined
  readonly stage: string
}

function negotiate(pieces: readonly Uint8Array[], isClosing = false): Outcome {
  const sent: Uint8Array[] = []
  const script = serverHandshake({ exports: makeExports(), isClosing: () => isClosing })
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
    if (!(caught instanceof PlatterError)) throw caught
    error = caught
  }
  return {
    value: runner.result?.value,
    sent: Buffer.concat(sent).toString('hex'),
    error: error as PlatterError | undefined,
    stage: runner.stage,
  }
}

/** What the server said to `options`, after its greeting. */
function answerTo(...options: readonly Uint8Array[]): string {
  const { sent, error } = negotiate([bs.script(bs.clientFlags(), ...options)])
  expect(error).toBeUndefined()
  return sent.slice(hexOf(bs.greeting()).length)
}

const hexOf = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex')

const infoRequest = (option: number, name: string, ...kinds: number[]) =>
  bs.option(option, bs.sized(name), bs.u16(kinds.length), ...kinds.map(bs.u16))

const meta = (option: number, name: string, ...queries: string[]) =>
  bs.option(option, bs.sized(name), bs.u32(queries.length), ...queries.map(bs.sized))

const blockInfo = (option: number, ...sizes: number[]) =>
  bs.optionReply(option, 3, bs.u16(3), ...sizes.map(bs.u32))

const anyBlocks = (option: number) => blockInfo(option, 1, 4096, 1 << 25)

describe('the server’s handshake', () => {
  it('answers every option, whatever the cuts', () => {
    const client = bs.script(
      bs.clientFlags(),
      bs.option(LIST),
      bs.option(77, bs.text('unknown')),
      infoRequest(INFO, 'ro'),
      bs.option(SR),
      meta(LIST_META, 'disk'),
      meta(SET_META, 'disk', 'base:allocation'),
      infoRequest(GO, 'disk', 1, 2, 3, 4711),
    )
    const expected = hexOf(
      bs.greeting(3),
      bs.optionReply(LIST, 2, bs.sized('disk'), bs.text('the first')),
      bs.optionReply(LIST, 2, bs.sized('ro')),
      bs.optionReply(LIST, 2, bs.sized('blocks')),
      bs.ack(LIST),
      bs.optionError(77, 1, 'option 77 is not known'),
      anyBlocks(INFO),
      // Read-only: neither trim, zeroes nor FUA; flush and cache do no harm.
      bs.infoExport(INFO, 512, 0x0507),
      bs.ack(INFO),
      bs.ack(SR),
      bs.optionReply(LIST_META, 4, bs.u32(0), bs.text('base:allocation')),
      bs.optionReply(LIST_META, 4, bs.u32(0), bs.text('x-test:all')),
      bs.ack(LIST_META),
      bs.optionReply(SET_META, 4, bs.u32(1), bs.text('base:allocation')),
      bs.ack(SET_META),
      anyBlocks(GO),
      bs.infoExport(GO, SIZE, FLAGS_DF),
      bs.optionReply(GO, 3, bs.u16(1), bs.text('disk')),
      bs.optionReply(GO, 3, bs.u16(2), bs.text('the first')),
      bs.ack(GO),
    )
    bs.forEveryCut(client, (pieces) => {
      const { value, sent, error } = negotiate(pieces)
      expect(error).toBeUndefined()
      expect(sent).toBe(expected)
      expect(value).toMatchObject({
        kind: 'serve',
        headers: 'structured',
        contexts: [{ id: 1, context: { name: 'base:allocation' } }],
        export: { size: SIZE, flags: FLAGS_DF, source: { name: 'disk' } },
      })
    })
  })

  it.each([
    [3, 0],
    [1, 124],
  ])('ends with EXPORT_NAME for client flags %i, with %i zeroes', (flags, zeroes) => {
    const client = bs.script(bs.clientFlags(flags), bs.option(1, bs.text('disk')))
    bs.forEveryCut(client, (pieces) => {
      const { value, sent } = negotiate(pieces)
      expect(sent).toBe(
        hexOf(bs.greeting(), bs.script(bs.u64(SIZE), bs.u16(FLAGS), bs.zeros(zeroes))),
      )
      expect(value).toMatchObject({ kind: 'serve', headers: 'simple', contexts: [] })
    })
  })

  it('takes an old client that knows nothing but EXPORT_NAME', () => {
    const { value } = negotiate([bs.clientFlags(0), bs.option(1, bs.text('ro'))])
    expect(value).toMatchObject({ kind: 'serve', export: { size: 512 } })
  })

  it('opens the first export for the empty name', () => {
    const { value } = negotiate([bs.clientFlags(), infoRequest(GO, '')])
    expect(value).toMatchObject({ kind: 'serve', export: { source: { name: 'disk' } } })
  })

  it('ends well with ABORT, even one that carries data', () => {
    const { value, sent } = negotiate([bs.clientFlags(), bs.option(2, bs.text('bye'))])
    expect(value).toEqual({ kind: 'leave' })
    expect(sent).toBe(hexOf(bs.greeting(), bs.ack(2)))
  })

  it('tells the same with INFO and with GO', () => {
    const ask = (option: number) => answerTo(bs.option(SR), infoRequest(option, 'disk', 3))
    expect(ask(GO).replaceAll('00000007', '00000006')).toBe(
      ask(INFO).replaceAll('00000007', '00000006'),
    )
  })
})

describe('the contexts that a client selects', () => {
  const chosen = (...options: readonly Uint8Array[]) => {
    const { value } = negotiate([
      bs.clientFlags(),
      bs.option(SR),
      ...options,
      infoRequest(GO, 'disk', 3),
    ])
    return value?.kind === 'serve' ? value.contexts.map(({ context }) => context.name) : undefined
  }

  it('are those of its last SET for the export that it opens', () => {
    expect(chosen(meta(SET_META, 'disk', 'x-test:all', 'base:allocation'))).toEqual([
      'base:allocation',
      'x-test:all',
    ])
    expect(chosen(meta(SET_META, 'ro', 'base:allocation'))).toEqual([])
    expect(
      chosen(meta(SET_META, 'disk', 'base:allocation'), meta(SET_META, 'disk', 'x-test:all')),
    ).toEqual(['x-test:all'])
    expect(chosen()).toEqual([])
  })

  it('are none after a SET that failed', () => {
    const good = meta(SET_META, 'disk', 'base:allocation')
    expect(chosen(good, meta(SET_META, 'nowhere', 'base:allocation'))).toEqual([])
    expect(chosen(good, bs.option(SET_META, bs.u32(99)))).toEqual([])
  })

  it('have exact names: a namespace selects nothing, a name twice selects one', () => {
    expect(chosen(meta(SET_META, 'disk', 'base:'))).toEqual([])
    expect(chosen(meta(SET_META, 'disk'))).toEqual([])
    expect(chosen(meta(SET_META, 'disk', 'base:allocation', 'base:allocation'))).toEqual([
      'base:allocation',
    ])
  })

  it('can be listed by namespace, by name and all', () => {
    const list = (...queries: string[]) => {
      const sent = answerTo(bs.option(SR), meta(LIST_META, 'disk', ...queries))
      return (
        Buffer.from(sent, 'hex')
          .toString('latin1')
          .match(/[a-z-]+:[a-z]+/g) ?? []
      )
    }
    expect(list()).toEqual(['base:allocation', 'x-test:all'])
    expect(list('base:')).toEqual(['base:allocation'])
    expect(list('x-test:all')).toEqual(['x-test:all'])
    expect(list('qemu:')).toEqual([])
  })

  it('need structured replies first', () => {
    const refused = bs.optionError(SET_META, 3, 'structured replies come first')
    expect(answerTo(meta(SET_META, 'disk', 'base:allocation'))).toBe(hexOf(refused))
  })
})

describe('a client’s option is refused, and the next one answered,', () => {
  const long = 'a'.repeat(4097)

  it.each<[string, number, number, Uint8Array]>([
    ['LIST with data', LIST, 3, bs.option(LIST, '00')],
    ['STRUCTURED_REPLY with data', SR, 3, bs.option(SR, '00')],
    ['an unknown option', 4, 1, bs.option(4, bs.text('peek'))],
    ['STARTTLS', 5, 1, bs.option(5)],
    ['EXTENDED_HEADERS with data', 11, 3, bs.option(11, '00')],
    ['STARTTLS with data', 5, 3, bs.option(5, '00')],
    ['GO for nothing', GO, 6, infoRequest(GO, 'nowhere')],
    ['INFO for nothing', INFO, 6, infoRequest(INFO, 'nowhere')],
    ['GO without a name', GO, 3, bs.option(GO, bs.u16(0))],
    ['GO with a name longer than its data', GO, 3, bs.option(GO, bs.u32(100), bs.text('disk'))],
    ['GO with a name of 4 GiB', GO, 3, bs.option(GO, bs.u32(0xffffffff), bs.text('disk'))],
    ['GO without a count', GO, 3, bs.option(GO, bs.sized('disk'))],
    [
      'GO with more requests than data',
      GO,
      3,
      bs.option(GO, bs.sized('disk'), bs.u16(2), bs.u16(0)),
    ],
    [
      'GO with more data than requests',
      GO,
      3,
      bs.option(GO, bs.sized('disk'), bs.u16(0), bs.u16(0)),
    ],
    ['GO with a name that is not UTF-8', GO, 3, bs.option(GO, bs.u32(1), 'ff', bs.u16(0))],
    ['GO with a NUL in the name', GO, 3, infoRequest(GO, 'di\0sk')],
    ['GO with a name above 4096 bytes', GO, 3, infoRequest(GO, long)],
    ['more than an option may carry', GO, 9, bs.option(GO, bs.zeros(65537))],
  ])('for %s', (_, option, error, bytes) => {
    const { sent, value, error: broken } = negotiate([bs.clientFlags(), bytes, bs.option(2)])
    expect(broken).toBeUndefined()
    const refusal = `0003e889045565a9${bs.u32(option)}${bs.u32(0x80000000 + error)}`
    expect(sent.slice(hexOf(bs.greeting()).length)).toMatch(new RegExp(`^${refusal}`))
    expect(sent.endsWith(hexOf(bs.ack(2)))).toBe(true)
    expect(value).toEqual({ kind: 'leave' })
  })

  it.each<[string, Uint8Array]>([
    ['without a count', bs.option(SET_META, bs.sized('disk'))],
    ['with more queries than data', bs.option(SET_META, bs.sized('disk'), bs.u32(0x40000000))],
    [
      'with a query longer than its data',
      bs.option(SET_META, bs.sized('disk'), bs.u32(1), bs.u32(9)),
    ],
    ['with data after its queries', bs.option(SET_META, bs.sized('disk'), bs.u32(0), '00')],
    [
      'with a query that is not UTF-8',
      bs.option(SET_META, bs.sized('disk'), bs.u32(1), bs.u32(1), 'ff'),
    ],
  ])('for a context request %s', (_, bytes) => {
    const { sent } = negotiate([bs.clientFlags(), bs.option(SR), bytes, bs.option(2)])
    expect(sent).toContain(`${bs.u32(SET_META)}${bs.u32(0x80000003)}`)
    expect(sent.endsWith(hexOf(bs.ack(2)))).toBe(true)
  })

  it('for block sizes that it does not ask for', () => {
    const refused = answerTo(infoRequest(GO, 'blocks'))
    expect(refused).toContain(hexOf(blockInfo(GO, 4096, 65536, 1 << 21)))
    expect(refused).toContain(`${bs.u32(GO)}${bs.u32(0x80000008)}`)
    const { value } = negotiate([
      bs.clientFlags(),
      infoRequest(GO, 'blocks'),
      infoRequest(GO, 'blocks', 3),
    ])
    expect(value).toMatchObject({ kind: 'serve', export: { source: { name: 'blocks' } } })
  })

  it('during a shutdown', () => {
    const { sent, value } = negotiate(
      [bs.clientFlags(), infoRequest(GO, 'disk'), bs.option(2)],
      true,
    )
    expect(sent).toContain(`${bs.u32(GO)}${bs.u32(0x80000007)}`)
    expect(value).toEqual({ kind: 'leave' })
  })
})

describe('a client loses its connection', () => {
  it.each<[string, string, Uint8Array]>([
    ['for client flags that were not offered', 'PROTOCOL', bs.clientFlags(4)],
    ['for an option without its magic', 'PROTOCOL', bs.script(bs.clientFlags(), bs.zeros(16))],
    [
      'for an export that is not there',
      'EXPORT_UNKNOWN',
      bs.script(bs.clientFlags(), bs.option(1, bs.text('nowhere'))),
    ],
    [
      'for an export name that is no text',
      'EXPORT_UNKNOWN',
      bs.script(bs.clientFlags(), bs.option(1, 'ff')),
    ],
    [
      'for an export name without end',
      'LIMIT',
      bs.script(bs.clientFlags(), bs.option(1, bs.zeros(65537))),
    ],
    [
      'for EXPORT_NAME where blocks must be obeyed',
      'NOT_SUPPORTED',
      bs.script(bs.clientFlags(), bs.option(1, bs.text('blocks'))),
    ],
    [
      'for an option of 4 GiB',
      'LIMIT',
      bs.script(bs.clientFlags(), bs.text('IHAVEOPT'), bs.u32(3), bs.u32(0xffffffff)),
    ],
    [
      'for options before fixed newstyle',
      'PROTOCOL',
      bs.script(bs.clientFlags(0), bs.option(LIST)),
    ],
    [
      'for asking without end',
      'LIMIT',
      bs.script(bs.clientFlags(), ...Array.from({ length: 1025 }, () => bs.option(LIST))),
    ],
  ])('%s', (_, code, bytes) => {
    const { error, value } = negotiate([bytes])
    expect(error?.code).toBe(code)
    expect(value).toBeUndefined()
  })
})
