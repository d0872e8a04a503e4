// Both machines against bytes that were right once: valid conversations with bytes changed, cut out,
// doubled and put in. Whatever comes, neither may crash (only PlatterErrors may end a conversation),
// hang, keep a request open after the connection is gone, or write beside the buffer of a read.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { ExportRegistry } from './export-registry'
import { mutate, mutation } from './mutate.test-helper'
import { openNbdDisk } from './nbd-disk'
import { NbdServer } from './nbd-server'
import { RawPeer, settle } from './raw-peer.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

const RUNS = { numRuns: 300, seed: 20240817 }
const SIZE = 4096

const CLIENT = bs.script(
  bs.clientFlags(),
  bs.option(3),
  bs.option(6, bs.sized('d'), bs.u16(1), bs.u16(3)),
  bs.option(8),
  bs.option(9, bs.sized('d'), bs.u32(0)),
  bs.option(10, bs.sized('d'), bs.u32(1), bs.sized('base:allocation')),
  bs.option(7, bs.sized('d'), bs.u16(2), bs.u16(1), bs.u16(3)),
  bs.request({ command: 1, cookie: 1, offset: 512, data: new Uint8Array(64).fill(7) }),
  bs.request({ command: 0, cookie: 2, offset: 500, length: 100 }),
  bs.request({ command: 7, cookie: 3, offset: 0, length: 4096 }),
  bs.request({ command: 6, cookie: 4, offset: 0, length: 4096 }),
  bs.request({ command: 4, cookie: 5, offset: 0, length: 4096 }),
  bs.request({ command: 3, cookie: 6 }),
  bs.request({ command: 2 }),
)

describe('mutated bytes', () => {
  it('from a client never bring the server down, nor touch its other client', async () => {
    const clock = new ManualClock()
    const exports = new ExportRegistry()
    exports.add({ name: 'd', disk: new MemoryDisk(SIZE), readOnly: false })
    const server = new NbdServer({ exports, clock })
    const connect = () => {
      const [ours, theirs] = PairedTransport.pair()
      server.accept(ours)
      return new RawPeer(theirs)
    }
    const other = connect()
    other.send(bs.clientFlags(), bs.option(7, bs.sized('d'), bs.u16(0)))
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const peer = connect()
        peer.send(mutate(CLIENT, mutations))
        peer.transport.end()
        await settle(6)
        expect(peer.isClosed).toBe(true)
        expect(server.clients.length).toBe(1)
        expect(other.isClosed).toBe(false)
      }),
      RUNS,
    )
    other.clear()
    other.send(bs.request({ command: 0, cookie: 77, length: 1 }))
    await settle()
    expect(other.received.length).toBe(17)
  })

  const GREETING = bs.script(
    bs.greeting(),
    bs.structuredOnly,
    bs.optionReply(10, 4, bs.u32(3), bs.text('base:allocation')),
    bs.ack(10),
    bs.optionReply(7, 3, bs.u16(3), bs.u32(1), bs.u32(512), bs.u32(4096)),
    bs.infoExport(7, SIZE, 0x0ded),
    bs.ack(7),
  )
  const BYTE = 0x5a
  const ANSWERS = bs.script(
    bs.chunk(1, 1, false, bs.u64(8), new Uint8Array(24).fill(BYTE)),
    bs.chunk(1, 1, false, bs.u64(0), new Uint8Array(8).fill(BYTE)),
    bs.chunk(1, 0, true),
    bs.chunk(3, 5, true, bs.u32(3), bs.u32(1024), bs.u32(3), bs.u32(4096), bs.u32(0)),
    bs.chunk(2, 0, true),
    bs.errorChunk(4, 5, 'no'),
    bs.chunk(5, 1, true, bs.u64(100), new Uint8Array(50).fill(BYTE)),
  )

  it('from a server in the handshake never bring the client down', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const [ours, theirs] = PairedTransport.pair()
        const peer = new RawPeer(theirs)
        peer.send(mutate(GREETING, mutations))
        const clock = new ManualClock()
        const opening = openNbdDisk({ dial: async () => ours, exportName: 'd', clock })
        const outcome = opening.then(
          (disk) => disk.close(),
          (error: unknown) => expect(error).toBeInstanceOf(PlatterError),
        )
        await settle()
        clock.advance(10_000)
        await outcome
        clock.advance(10_000)
        await settle()
        expect(peer.isClosed).toBe(true)
      }),
      RUNS,
    )
  })

  it('from a server in its answers end every call in time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 64 }),
        async (mutations, cut) => {
          const [ours, theirs] = PairedTransport.pair({ cut })
          const peer = new RawPeer(theirs)
          peer.send(GREETING)
          const clock = new ManualClock()
          const disk = await openNbdDisk({ dial: async () => ours, exportName: 'd', clock })
          const first = new Uint8Array(32)
          const second = new Uint8Array(50)
          const calls = [
            disk.read(first, 0),
            disk.write(new Uint8Array(4), 0),
            disk.extents(0, SIZE).then((list) => {
              expect(list.offset).toBe(0)
              expect(list.end).toBeGreaterThan(0)
              expect(list.end).toBeLessThanOrEqual(SIZE)
            }),
            disk.flush(),
            disk.read(second, 100),
          ].map((call) =>
            call.catch((error: unknown) => expect(error).toBeInstanceOf(PlatterError)),
          )
          await settle()
          peer.send(mutate(ANSWERS, mutations))
          await settle()
          clock.advance(100_000)
          await Promise.all(calls)
          await disk.close()
          clock.advance(10_000)
          await settle()
          expect(peer.isClosed).toBe(true)
        },
      ),
      RUNS,
    )
  })

  it('from a server never reach beyond the buffer of a read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const [ours, theirs] = PairedTransport.pair()
        const peer = new RawPeer(theirs)
        peer.send(GREETING)
        const clock = new ManualClock()
        const disk = await openNbdDisk({ dial: async () => ours, exportName: 'd', clock })
        const around = new Uint8Array(96).fill(0xcc)
        const call = disk.read(around.subarray(32, 64), 0).catch(() => undefined)
        await settle()
        peer.send(mutate(ANSWERS, mutations))
        await settle()
        clock.advance(100_000)
        await call
        expect(around.subarray(0, 32).every((byte) => byte === 0xcc)).toBe(true)
        expect(around.subarray(64).every((byte) => byte === 0xcc)).toBe(true)
      }),
      RUNS,
    )
  })

  const EXTENDED_GREETING = bs.script(
    bs.greeting(),
    bs.ack(11),
    bs.optionReply(10, 4, bs.u32(3), bs.text('base:allocation')),
    bs.ack(10),
    bs.infoExport(7, SIZE, 0x1ded),
    bs.ack(7),
  )
  const EXTENDED_ANSWERS = bs.script(
    bs.extendedChunk(1, 1, false, 0, bs.u64(8), new Uint8Array(24).fill(BYTE)),
    bs.extendedChunk(1, 2, true, 0, bs.u64(0), bs.u32(8)),
    bs.extendedChunk(3, 6, true, 0, bs.u32(3), bs.u32(1), bs.u64(2 ** 40), bs.u64(3)),
    bs.extendedChunk(2, 0, true, 0),
    bs.extendedChunk(4, 0x8001, true, 0, bs.u32(5), bs.u16(2), bs.text('no')),
    bs.extendedChunk(5, 1, true, 100, bs.u64(100), new Uint8Array(50).fill(BYTE)),
  )

  it('from a server with extended headers end every call in time, and stay in its buffers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 64 }),
        async (mutations, cut) => {
          const [ours, theirs] = PairedTransport.pair({ cut })
          const peer = new RawPeer(theirs)
          peer.send(EXTENDED_GREETING)
          const clock = new ManualClock()
          const disk = await openNbdDisk({ dial: async () => ours, exportName: 'd', clock })
          const around = new Uint8Array(96).fill(0xcc)
          const calls = [
            disk.read(around.subarray(32, 64), 0),
            disk.write(new Uint8Array(4), 0),
            disk.extents(0, SIZE).then((list) => {
              expect(list.end).toBeGreaterThan(0)
              expect(list.end).toBeLessThanOrEqual(SIZE)
            }),
            disk.flush(),
            disk.read(new Uint8Array(50), 100),
          ].map((call) =>
            call.catch((error: unknown) => expect(error).toBeInstanceOf(PlatterError)),
          )
          await settle()
          peer.send(mutate(EXTENDED_ANSWERS, mutations))
          await settle()
          clock.advance(100_000)
          await Promise.all(calls)
          expect(around.subarray(0, 32).every((byte) => byte === 0xcc)).toBe(true)
          expect(around.subarray(64).every((byte) => byte === 0xcc)).toBe(true)
          await disk.close()
          clock.advance(10_000)
          await settle()
          expect(peer.isClosed).toBe(true)
        },
      ),
      RUNS,
    )
  })
})
