// The client against mutated answers, held to a second reader of the same bytes: what it calls a success
// has to be one, byte for byte, and what is one it has to find.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import type { ExtentList } from '../disk/extents'
import type { Field } from './byte-script.test-helper'
import * as bs from './byte-script.test-helper'
import { mutate, mutation } from './mutate.test-helper'
import { openNbdDisk } from './nbd-disk'
import { RawPeer, settle } from './raw-peer.test-helper'
import type { Answer, Asked, Runs, StrictRules } from './strict-replies.test-helper'
import { interpret } from './strict-replies.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

type Style = StrictRules['style']

const SIZE = 4096
const DIRTY = 'qemu:dirty-bitmap:b'
const [ALLOCATION_ID, DIRTY_ID] = [7, 3]
const context = (id: number, name: string) => bs.optionReply(10, 4, bs.u32(id), bs.text(name))
const BOTH = bs.script(
  context(ALLOCATION_ID, 'base:allocation'),
  context(DIRTY_ID, DIRTY),
  bs.ack(10),
)
const GO = bs.script(bs.infoExport(7, SIZE, 0x0ded), bs.ack(7))
const OPENING: Readonly<Record<Style, Uint8Array>> = {
  simple: bs.script(bs.greeting(), bs.optionError(11, 1), bs.optionError(8, 1), GO),
  structured: bs.script(bs.greeting(), bs.structuredOnly, BOTH, GO),
  extended: bs.script(bs.greeting(), bs.ack(11), BOTH, GO),
}

/** In the order of their cookies, which count from 1. */
const ASKED: readonly Asked[] = [
  { kind: 'read', offset: 0, length: 32 },
  { kind: 'change', offset: 512 },
  { kind: 'status', offset: 0, length: SIZE },
  { kind: 'status', offset: 512, length: 1024 },
  { kind: 'read', offset: 100, length: 50 },
]
const PLAIN_ASKED = ASKED.filter(({ kind }) => kind !== 'status')

const some = (from: number, length: number) =>
  Uint8Array.from({ length }, (_, i) => (from + 3 * i) % 256)

function answersOf(style: Style): Uint8Array {
  if (style === 'simple') {
    return bs.script(
      bs.simpleReply(2),
      bs.simpleReply(3, 0, some(100, 50)),
      bs.simpleReply(1, 0, some(0, 32)),
    )
  }
  const chunk = (cookie: number, type: number, done: boolean, ...data: readonly Field[]) =>
    style === 'extended'
      ? bs.extendedChunk(cookie, type, done, ASKED[cookie - 1]?.offset ?? 0, ...data)
      : bs.chunk(cookie, type, done, ...data)
  const status = (cookie: number, id: number, done: boolean, ...pairs: [number, number][]) =>
    style === 'extended'
      ? chunk(
          cookie,
          6,
          done,
          bs.u32(id),
          bs.u32(pairs.length),
          ...pairs.flatMap((p) => p.map(bs.u64)),
        )
      : chunk(cookie, 5, done, bs.u32(id), ...pairs.flatMap((p) => p.map(bs.u32)))
  return bs.script(
    chunk(1, 1, false, bs.u64(8), some(8, 16)),
    status(3, DIRTY_ID, false, [512, 1], [3584, 0]),
    chunk(1, 2, false, bs.u64(24), bs.u32(8)),
    chunk(5, 1, true, bs.u64(100), some(100, 50)),
    chunk(2, 0, true),
    status(4, DIRTY_ID, false, [4096, 1]),
    chunk(1, 1, false, bs.u64(0), some(0, 8)),
    status(3, ALLOCATION_ID, true, [1024, 3], [1024, 0], [4096, 2]),
    status(4, ALLOCATION_ID, true, [1024, 0]),
    chunk(1, 0, true),
  )
}

/** What a context says of a range, cut at its end, each byte with its flags. */
function flagsOf(runs: Runs, length: number, known: bigint): bigint[] {
  const flags: bigint[] = []
  for (const [count, value] of runs) {
    for (let i = 0n; i < count && flags.length < length; i++) flags.push(value & known)
  }
  return flags
}

function listFlags(list: ExtentList): bigint[] {
  return list.toArray().flatMap(({ length, flags }) => Array<bigint>(length).fill(BigInt(flags)))
}

/** The requests of a client, and what came of each: the bytes, the flags, or an error. */
async function askAll(style: Style, opened: Awaited<ReturnType<typeof openNbdDisk>>) {
  const { offset: at, length } = ASKED[0] as Asked & { length: number }
  const [first, second] = [new Uint8Array(length).fill(0xcc), new Uint8Array(50).fill(0xcc)]
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const calls: Promise<unknown>[] = [
    opened.read(first, at).then(() => hex(first)),
    opened.write(new Uint8Array(4), 512).then(() => 'done'),
  ]
  if (style !== 'simple') {
    calls.push(opened.extents(0, SIZE).then(listFlags))
    calls.push(opened.status(DIRTY, 512, 1024).then(listFlags))
  }
  calls.push(opened.read(second, 100).then(() => hex(second)))
  return calls.map((call) => call.catch((error: unknown) => error))
}

function expectedOf(asked: Asked, cookie: bigint, answer: Answer): unknown {
  if (asked.kind === 'read') return Buffer.from(answer.data).toString('hex')
  if (asked.kind === 'change') return 'done'
  const isAllocation = cookie === 3n
  const runs = answer.status.get(isAllocation ? ALLOCATION_ID : DIRTY_ID) ?? []
  return flagsOf(runs, asked.length, isAllocation ? 3n : 2n ** 64n - 1n)
}

describe('mutated answers', () => {
  it.each<[Style, number]>([
    ['simple', 1],
    ['structured', 2],
    ['extended', 3],
  ])('with %s headers are never taken for others than they are', async (style, seed) => {
    const list = style === 'simple' ? PLAIN_ASKED : ASKED
    const asked = new Map(list.map((each, i) => [BigInt(i + 1), each]))
    const rules = { style, contexts: [ALLOCATION_ID, DIRTY_ID] }
    const tally = { good: 0, bad: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { maxLength: 3 }),
        fc.integer({ min: 1, max: 64 }),
        async (mutations, cut) => {
          const [ours, theirs] = PairedTransport.pair({ cut })
          const peer = new RawPeer(theirs)
          peer.send(OPENING[style])
          const clock = new ManualClock()
          const options = { dial: async () => ours, exportName: 'd', clock, contexts: [DIRTY] }
          const disk = await openNbdDisk(options)
          const calls = await askAll(style, disk)
          await settle(2)
          const stream = mutate(answersOf(style), mutations)
          const answers = interpret(stream, asked, rules)
          peer.send(stream)
          await settle(2)
          clock.advance(100_000)
          const outcomes = await Promise.all(calls)
          for (const [i, outcome] of outcomes.entries()) {
            const cookie = BigInt(i + 1)
            const answer = answers.get(cookie)
            // A number of 64 bits may be more than ours can hold: then it is refused, not rounded.
            const tooLarge = outcome instanceof PlatterError && outcome.code === 'LIMIT'
            if (answer === undefined || tooLarge) {
              expect(outcome).toBeInstanceOf(PlatterError)
              tally.bad++
            } else {
              expect(outcome).toEqual(expectedOf(list[i] as Asked, cookie, answer))
              tally.good++
            }
          }
        },
      ),
      { numRuns: 800, seed },
    )
    expect(tally.good).toBeGreaterThan(200)
    expect(tally.bad).toBeGreaterThan(200)
  })
})

describe('mutated greetings of servers old and new', () => {
  const oldstyle = bs.script(
    bs.text('NBDMAGIC'),
    '0000420281861253',
    bs.u64(SIZE),
    bs.u32(3),
    bs.zeros(124),
  )
  const unsup = [bs.optionError(11, 1), bs.optionError(8, 1), bs.optionError(7, 1)]
  const byName = bs.script(bs.u64(SIZE), bs.u16(3))
  const greetings = [
    oldstyle,
    bs.script(bs.greeting(0), byName, bs.zeros(124)),
    bs.script(bs.greeting(2), byName),
    bs.script(bs.greeting(1), ...unsup, byName, bs.zeros(124)),
    bs.script(bs.greeting(3), ...unsup, byName),
    ...Object.values(OPENING),
  ]

  it('open an export of a size that can be, or none, and in time', async () => {
    const tally = { opened: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...greetings),
        fc.array(mutation, { maxLength: 3 }),
        fc.boolean(),
        async (greeting, mutations, hangsUp) => {
          const [ours, theirs] = PairedTransport.pair()
          const peer = new RawPeer(theirs)
          const clock = new ManualClock()
          const exportName = greeting === oldstyle ? '' : 'd'
          peer.send(mutate(greeting, mutations))
          if (hangsUp) peer.transport.end()
          const opening = openNbdDisk({ dial: async () => ours, exportName, clock })
          const outcome = opening.then(
            (disk) => {
              expect(Number.isSafeInteger(disk.size) && disk.size >= 0).toBe(true)
              tally.opened++
              return disk.close()
            },
            (error: unknown) => {
              expect(error).toBeInstanceOf(PlatterError)
              tally.refused++
            },
          )
          await settle(3)
          clock.advance(10_000)
          await outcome
          clock.advance(10_000)
          await settle(3)
          expect(peer.isClosed).toBe(true)
        },
      ),
      { numRuns: 600, seed: 21 },
    )
    expect(tally.opened).toBeGreaterThan(50)
    expect(tally.refused).toBeGreaterThan(50)
  })
})
