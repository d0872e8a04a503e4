// What a client must not say, held against every byte that leaves it: the other side of validate.test.ts.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import * as bs from './byte-script.test-helper'
import { openExport } from './client-handshake'
import { ScriptRunner } from './handshake-script'
import type { NbdDisk, OpenNbdOptions } from './nbd-disk'
import { openNbdDisk } from './nbd-disk'
import { RawPeer, settle } from './raw-peer.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

const SIZE = 1 << 20
const [HAS_FLAGS, READ_ONLY, FLUSH, FUA, TRIM, ZEROES, CACHE, FAST] = [
  0x1, 0x2, 0x4, 0x8, 0x20, 0x40, 0x400, 0x800,
]
const ALL = HAS_FLAGS | FLUSH | FUA | TRIM | ZEROES | CACHE | FAST
const ALLOCATION = bs.script(
  bs.optionReply(10, 4, bs.u32(1), bs.text('base:allocation')),
  bs.ack(10),
)

async function open(flags: number, options: Partial<OpenNbdOptions> = {}, contexts = ALLOCATION) {
  const [ours, theirs] = PairedTransport.pair()
  const peer = new RawPeer(theirs)
  const go = bs.script(bs.infoExport(7, SIZE, flags), bs.ack(7))
  peer.send(bs.greeting(), bs.structuredOnly, contexts, go)
  const clock = new ManualClock()
  const disk = await openNbdDisk({ dial: async () => ours, exportName: 'd', clock, ...options })
  await settle(2)
  peer.clear()
  return { disk, peer }
}

/** How a call ends that needs no server, and what it said to the server all the same. */
async function saidBy(call: (disk: NbdDisk) => Promise<unknown>, flags: number, options = {}) {
  const { disk, peer } = await open(flags, options)
  const outcome = await call(disk).then(
    () => 'done',
    (error: unknown) => (error instanceof PlatterError ? error.code : error),
  )
  await settle(2)
  return { outcome, said: peer.hex }
}

const some = () => new Uint8Array(512)

describe('a client says nothing', () => {
  it.each<[string, string, number, (disk: NbdDisk) => Promise<unknown>]>([
    ['of a write to what is read-only', 'READ_ONLY', ALL | READ_ONLY, (d) => d.write(some(), 0)],
    ['of zeroes to what is read-only', 'READ_ONLY', ALL | READ_ONLY, (d) => d.zero(0, 512)],
    ['of a trim of what is read-only', 'READ_ONLY', ALL | READ_ONLY, (d) => d.trim(0, 512)],
    ['of a flush that is not offered', 'done', ALL & ~FLUSH, (d) => d.flush()],
    ['of a trim that is not offered', 'NOT_SUPPORTED', ALL & ~TRIM, (d) => d.trim(0, 512)],
    ['of zeroes that are not offered', 'NOT_SUPPORTED', ALL & ~ZEROES, (d) => d.zero(0, 512)],
    ['of a cache that is not offered', 'done', ALL & ~CACHE, (d) => d.cache(0, 512)],
    [
      'of a fast zero that is not offered',
      'NOT_SUPPORTED',
      ALL & ~FAST,
      (d) => d.zero(0, 512, { fast: true }),
    ],
    [
      'of a stable write where nothing makes it stable',
      'NOT_SUPPORTED',
      ALL & ~FUA & ~FLUSH,
      (d) => d.write(some(), 0, { fua: true }),
    ],
    [
      'of flags that a server without HAS_FLAGS set',
      'NOT_SUPPORTED',
      ALL & ~HAS_FLAGS,
      (d) => d.trim(0, 512),
    ],
    ['of a read past the end', 'OUT_OF_RANGE', ALL, (d) => d.read(some(), SIZE - 511)],
    ['of a write past the end', 'OUT_OF_RANGE', ALL, (d) => d.write(some(), SIZE)],
    ['of a status past the end', 'OUT_OF_RANGE', ALL, (d) => d.extents(SIZE, 1)],
    ['of a context that was not agreed on', 'NOT_SUPPORTED', ALL, (d) => d.status('x:y', 0, 1)],
    ['of a read of nothing', 'done', ALL, (d) => d.read(new Uint8Array(0), 5)],
    ['of a write of nothing', 'done', ALL, (d) => d.write(new Uint8Array(0), 5)],
    ['of zeroing nothing', 'done', ALL, (d) => d.zero(5, 0)],
    ['of trimming nothing', 'done', ALL, (d) => d.trim(5, 0)],
    ['of caching nothing', 'done', ALL, (d) => d.cache(5, 0)],
    ['of the status of nothing', 'done', ALL, (d) => d.extents(5, 0)],
  ])('%s', async (_, outcome, flags, call) => {
    expect(await saidBy(call, flags)).toEqual({ outcome, said: '' })
  })

  it('of a change to a disk that was opened for reading', async () => {
    const write = await saidBy((disk) => disk.write(some(), 0), ALL, { readOnly: true })
    expect(write).toEqual({ outcome: 'READ_ONLY', said: '' })
  })

  it('of a status where no context was agreed on: all is data', async () => {
    const { disk, peer } = await open(ALL, {}, bs.optionError(10, 1))
    const list = await disk.extents(512, 1024)
    expect(list.toArray()).toEqual([{ offset: 512, length: 1024, flags: 0 }])
    expect(peer.hex).toBe('')
  })

  it('of the next option before the last reply to this one', () => {
    const sent: Uint8Array[] = []
    const goal = { exportName: 'd', contexts: ['base:allocation'] }
    const runner = new ScriptRunner(openExport(goal), (bytes) => sent.push(bytes))
    const said = () => Buffer.concat(sent).toString('hex')
    runner.start()
    runner.receive(bs.script(bs.greeting(), bs.structuredOnly))
    const upToContexts = said()
    runner.receive(bs.optionReply(10, 4, bs.u32(1), bs.text('base:allocation')))
    expect(said()).toBe(upToContexts)
    runner.receive(bs.ack(10))
    const upToGo = said()
    expect(upToGo.length).toBeGreaterThan(upToContexts.length)
    runner.receive(bs.optionReply(7, 3, bs.u16(1), bs.text('d')))
    runner.receive(bs.infoExport(7, SIZE, ALL))
    expect([said(), runner.result]).toEqual([upToGo, undefined])
  })
})

describe('a client never asks', () => {
  it('for a fast zero to see whether there is one', async () => {
    const { disk, peer } = await open(ALL)
    const calls = [disk.zero(0, 512), disk.zero(0, 512, { mayTrim: true }), disk.trim(0, 512)]
    await settle()
    const zeroes = (cookie: number, flags: number) =>
      bs.request({ command: 6, flags, cookie, length: 512 })
    const flagsSaid = [0, 1, 2].map((i) => peer.hex.slice(i * 56 + 8, i * 56 + 12))
    expect(flagsSaid.sort()).toEqual(['0000', '0000', '0002'])
    expect(peer.hex).toContain(Buffer.from(zeroes(1, 2)).toString('hex').slice(0, 16))
    peer.send(...[1, 2, 3].map((cookie) => bs.chunk(cookie, 0, true)))
    await Promise.all(calls)
  })

  it('again after an error that it does not know, but goes on', async () => {
    const { disk, peer } = await open(ALL)
    const failing = disk.flush()
    await settle()
    peer.send(bs.errorChunk(1, 4711, 'strange'))
    await expect(failing).rejects.toMatchObject({ code: 'REFUSED' })
    const flushing = disk.flush()
    await settle()
    peer.send(bs.chunk(2, 0, true))
    await flushing
    const said = [1, 2].map((cookie) => bs.request({ command: 3, cookie }))
    expect(peer.hex).toBe(Buffer.concat(said).toString('hex'))
  })
})
