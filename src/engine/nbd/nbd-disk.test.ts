import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import type { BlockSize, Disk } from '../disk/disk'
import { MAX_PAYLOAD } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import { describeDiskContract } from '../testing/disk-contract'
import { expectCode, expectSameBytes } from '../testing/expect-disk'
import * as bs from './byte-script.test-helper'
import type { NbdExport } from './export-registry'
import { ExportRegistry } from './export-registry'
import { GatedDisk } from './gated-disk.test-helper'
import type { NbdDisk } from './nbd-disk'
import { openNbdDisk } from './nbd-disk'
import { NbdServer } from './nbd-server'
import { RawPeer, settle } from './raw-peer.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

interface Served {
  readonly served: Disk
  readonly entry?: Partial<NbdExport>
  readonly sendHoles?: boolean
  /** Bytes of each delivery; all there are unless told. */
  readonly cut?: number
  /** Long payloads are pulled straight into their buffers. */
  readonly pulls?: boolean
}

/** A disk behind our own server and client, joined in memory. */
async function connect({
  served,
  entry,
  sendHoles = false,
  cut,
  pulls = false,
}: Served): Promise<NbdDisk> {
  const exports = new ExportRegistry()
  exports.add({ name: 'd', disk: served, readOnly: false, ...entry })
  const clock = new ManualClock()
  const server = new NbdServer({ exports, clock, sendHoles })
  const dial = async () => {
    const [ours, theirs] = PairedTransport.pair({ pulls, ...(cut === undefined ? {} : { cut }) })
    server.accept(theirs)
    return ours
  }
  return openNbdDisk({ dial, exportName: 'd', clock })
}

const content = (size: number, seed: number): Uint8Array => {
  const bytes = new Prng(seed).fill(new Uint8Array(size))
  bytes.fill(0, size >> 2, size >> 1)
  return bytes
}

const SIZE = 300 * 1024
const blocks = (minimum: number, maximum: number): BlockSize => ({
  minimum,
  preferred: Math.max(minimum, 4096),
  maximum,
})

describeDiskContract('an NBD disk', async () => {
  const bytes = content(SIZE, 1)
  return { disk: await connect({ served: MemoryDisk.from(bytes) }), content: bytes }
})

describeDiskContract('an NBD disk whose bytes come in small pieces, zeroes as holes', async () => {
  const bytes = content(SIZE, 2)
  const served = MemoryDisk.from(bytes)
  return { disk: await connect({ served, sendHoles: true, cut: 997 }), content: bytes }
})

describeDiskContract('an NBD disk whose payloads are pulled', async () => {
  const bytes = content(4 * SIZE, 5)
  const served = MemoryDisk.from(bytes)
  return { disk: await connect({ served, pulls: true, cut: 30_011 }), content: bytes }
})

describeDiskContract('an NBD disk of 4 KiB blocks and 8 KiB payloads', async () => {
  const bytes = content(SIZE, 3)
  const served = MemoryDisk.from(bytes, { blockSize: blocks(4096, 8192) })
  return { disk: await connect({ served }), content: bytes }
})

describeDiskContract(
  'a read-only NBD disk',
  async () => {
    const bytes = content(SIZE, 4)
    const served = MemoryDisk.from(bytes)
    return { disk: await connect({ served, entry: { readOnly: true } }), content: bytes }
  },
  { lacks: ['write', 'trim', 'zero', 'fastZero', 'fua'] },
)

describe('an NBD disk', () => {
  it('asks for whole blocks only', async () => {
    const served = new GatedDisk(SIZE, { blockSize: blocks(4096, 8192) })
    const disk = await connect({ served })
    const target = new Uint8Array(10)
    await disk.read(target, 4090)
    await disk.write(target, 8190)
    await disk.zero(4095, 8194, { mayTrim: true })
    await disk.trim(100, 12288)
    await disk.extents(5000, 10)
    await disk.close()
    expect(served.log).toEqual([
      'read 0+8192',
      // A write inside two blocks: both are read, and written as they become.
      'read 4096+4096',
      'read 8192+4096',
      'write 4096+8192',
      // A zero over one and two halves of blocks.
      'read 0+4096',
      'write 0+4096',
      'zero 4096+8192 mayTrim',
      'read 12288+4096',
      'write 12288+4096',
      'trim 4096+8192',
      'extents 4096+4096',
      'flush',
    ])
  })

  it('merges concurrent writes to one block without losing either', async () => {
    const served = new MemoryDisk(SIZE, { blockSize: blocks(4096, 8192) })
    const disk = await connect({ served })
    const writes = Array.from({ length: 64 }, (_, i) =>
      disk.write(new Uint8Array(64).fill(i + 1), 4096 + i * 64),
    )
    await Promise.all(writes)
    const block = new Uint8Array(4096)
    await disk.read(block, 4096)
    const expected = Uint8Array.from({ length: 4096 }, (_, i) => (i >> 6) + 1)
    expectSameBytes(block, expected)
  })

  it('cuts what is above the largest payload', async () => {
    const served = new GatedDisk(SIZE, { blockSize: blocks(512, 8192) })
    const disk = await connect({ served })
    await disk.write(new Uint8Array(20480).fill(5), 0)
    await disk.read(new Uint8Array(9000), 0)
    expect(served.log).toEqual([
      'write 0+8192',
      'write 8192+8192',
      'write 16384+4096',
      'read 0+8192',
      'read 8192+1024',
    ])
  })

  it('waits for every piece of a write before it fails', async () => {
    const served = new GatedDisk(SIZE, { blockSize: blocks(512, 8192) })
    const write = served.write.bind(served)
    served.write = (source, offset, options) =>
      offset === 0
        ? Promise.reject(new PlatterError('NO_SPACE', 'full'))
        : write(source, offset, options)
    served.isOpen = false
    const disk = await connect({ served })
    const outcome: string[] = []
    const writing = disk.write(new Uint8Array(16384), 0).catch(() => outcome.push('failed'))
    await settle()
    expect([served.inProgress, outcome]).toEqual([1, []])
    served.release()
    await writing
    expect([served.inProgress, outcome]).toEqual([0, ['failed']])
  })

  it('makes a write stable by a flush where the server has no FUA', async () => {
    const served = new GatedDisk(SIZE)
    Object.assign(served, { capabilities: { ...served.capabilities, fua: false, flush: true } })
    const disk = await connect({ served })
    await disk.write(new Uint8Array(512), 0, { fua: true })
    expect(served.log).toEqual(['write 0+512', 'flush'])
  })

  it('refuses a fast zero that would be several requests', async () => {
    const served = new MemoryDisk(SIZE, { blockSize: blocks(4096, 8192) })
    const disk = await connect({ served })
    await disk.zero(4096, 8192, { fast: true })
    await expectCode(disk.zero(4095, 8192, { fast: true }), 'NOT_SUPPORTED')
  })

  it('says what it knows about the export', async () => {
    const served = new MemoryDisk(SIZE)
    const disk = await connect({ served, entry: { description: 'hello' } })
    expect(disk.info).toEqual({
      exportName: 'd',
      description: 'hello',
      size: SIZE,
      flags: 0x1ded,
      blockSize: { minimum: 1, preferred: 4096, maximum: MAX_PAYLOAD },
      handshake: 'fixed newstyle',
      structured: true,
      extended: true,
      tls: false,
      contexts: [{ id: 1, name: 'base:allocation' }],
    })
    expect(disk.peer).toBe('pair:a')
  })
})

/** A client whose server is played by the test. */
async function openAgainst(handshake: Uint8Array, clock = new ManualClock(), signal?: AbortSignal) {
  const [ours, theirs] = PairedTransport.pair()
  const peer = new RawPeer(theirs)
  peer.send(handshake)
  const options = signal === undefined ? {} : { signal }
  const opening = openNbdDisk({
    dial: async () => ours,
    exportName: 'd',
    clock,
    connectTimeoutMs: 500,
    ...options,
  })
  return { peer, opening }
}

const GO = 7
const plain = (size: number | bigint, flags: number, ...infos: readonly Uint8Array[]) =>
  bs.script(
    bs.greeting(),
    bs.structuredOnly,
    bs.optionReply(10, 4, bs.u32(3), bs.text('base:allocation')),
    bs.ack(10),
    ...infos,
    bs.infoExport(GO, size, flags),
    bs.ack(GO),
  )
const blockInfo = (...sizes: readonly number[]) =>
  bs.optionReply(GO, 3, bs.u16(3), ...sizes.map(bs.u32))

describe('opening an NBD disk', () => {
  it.each<[string, Uint8Array, string, RegExp]>([
    [
      'a server that is none',
      bs.text('SSH-2.0-OpenSSH_9.2') as never,
      'PROTOCOL',
      /not an NBD server/,
    ],
    [
      'an export that is not there',
      bs.script(bs.greeting(), bs.structuredOnly, bs.ack(10), bs.optionError(GO, 6)),
      'EXPORT_UNKNOWN',
      /NBD pair:a: export 'd'/,
    ],
    ['a disk above 2^53 bytes', plain(2n ** 60n, 1), 'LIMIT', /1152921504606846976/],
  ])('is refused for %s', async (_, handshake, code, why) => {
    const { opening, peer } = await openAgainst(bs.script(handshake))
    await expectCode(opening, code as never)
    await expect(opening).rejects.toThrow(why)
    await settle()
    expect(peer.isClosed).toBe(true)
  })

  it('fails when the server hangs up, naming the stage', async () => {
    const { opening, peer } = await openAgainst(bs.greeting())
    await settle()
    peer.transport.end()
    await expectCode(opening, 'DISCONNECTED')
    await expect(opening).rejects.toThrow(/reply to NBD_OPT_EXTENDED_HEADERS/)
  })

  it('takes a hang-up after EXPORT_NAME for an export that is not there', async () => {
    const { opening, peer } = await openAgainst(bs.greeting(0))
    await settle()
    peer.transport.end()
    await expectCode(opening, 'EXPORT_UNKNOWN')
  })

  it('fails in time when the server says nothing, naming the stage', async () => {
    const clock = new ManualClock()
    const { opening, peer } = await openAgainst(bs.script(bs.greeting(), bs.structuredOnly), clock)
    await settle()
    clock.advance(500)
    await expectCode(opening, 'TIMEOUT')
    await expect(opening).rejects.toThrow(/500 ms.*NBD_OPT_SET_META_CONTEXT/)
    clock.advance(2000)
    await settle()
    expect(peer.isClosed).toBe(true)
  })

  it('can be cancelled', async () => {
    const stop = new AbortController()
    const { opening, peer } = await openAgainst(bs.greeting(), new ManualClock(), stop.signal)
    await settle()
    stop.abort()
    await expectCode(opening, 'ABORTED')
    await settle()
    expect(peer.isClosed).toBe(true)
  })

  it('takes bytes that a server sends too early for the lie that they are', async () => {
    const { opening } = await openAgainst(bs.script(plain(512, 1), bs.chunk(1, 0, true)))
    const disk = await opening
    await expectCode(
      disk.flush().then(() => disk.read(new Uint8Array(1), 0)),
      'PROTOCOL',
    )
  })
})

describe('an NBD disk at a strange server', () => {
  it('has no abilities where the server has no flags', async () => {
    const { opening } = await openAgainst(plain(512, 0))
    const { capabilities } = await opening
    const { write, extents, ...rest } = capabilities
    expect([write, extents]).toEqual([true, true])
    expect(Object.values(rest).every((has) => !has)).toBe(true)
  })

  const one = Uint8Array.of(1)
  it.each<[string, number, (disk: NbdDisk) => Promise<unknown>, PlatterError['code']]>([
    ['a write to what is read-only', 1 | 2, (disk) => disk.write(one, 0), 'READ_ONLY'],
    ['zeroes', 1, (disk) => disk.zero(0, 512), 'NOT_SUPPORTED'],
    ['a fast zero', 1 | 64, (disk) => disk.zero(0, 512, { fast: true }), 'NOT_SUPPORTED'],
    ['a trim', 1 | 64, (disk) => disk.trim(0, 512), 'NOT_SUPPORTED'],
    ['a stable write', 1, (disk) => disk.write(one, 0, { fua: true }), 'NOT_SUPPORTED'],
    ['a read beyond the end', 1, (disk) => disk.read(one, 512), 'OUT_OF_RANGE'],
    ['a write beyond the end', 1, (disk) => disk.write(one, 512), 'OUT_OF_RANGE'],
    ['status of another context', 1, (disk) => disk.status('qemu:x', 0, 512), 'NOT_SUPPORTED'],
  ])('is not sent %s that it did not offer', async (_, flags, call, code) => {
    const { opening, peer } = await openAgainst(plain(512, flags))
    const disk = await opening
    peer.clear()
    await expectCode(call(disk), code)
    await settle()
    expect(peer.hex).toBe('')
  })

  it('is not sent a flush or a cache request that it did not offer', async () => {
    const { opening, peer } = await openAgainst(plain(512, 1))
    const disk = await opening
    peer.clear()
    await Promise.all([disk.flush(), disk.cache(0, 512)])
    expect(peer.hex).toBe('')
  })

  it('is asked for zeroes without and with holes, fast ones, and stable ones, by their flags', async () => {
    const flags = 1 | 8 | 64 | 2048
    const { opening, peer } = await openAgainst(plain(512, flags))
    const disk = await opening
    peer.clear()
    const wishes = [{}, { mayTrim: true }, { mayTrim: true, fast: true }, { fua: true }]
    for (const wish of wishes) {
      void disk.zero(0, 512, wish).catch(() => undefined)
      await settle()
    }
    const sent = Buffer.from(peer.received)
    const flagsSent = wishes.map((_, i) => sent.readUInt16BE(28 * i + 4))
    // NO_HOLE 2, FAST_ZERO 16, FUA 1
    expect(flagsSent).toEqual([2, 0, 16, 3])
    expect(sent.length).toBe(4 * 28)
  })

  it('asks for the short last block as it is', async () => {
    const { opening, peer } = await openAgainst(plain(4096 + 100, 1, blockInfo(4096, 4096, 4096)))
    const disk = await opening
    expect(disk.size).toBe(4196)
    peer.clear()
    void disk.read(new Uint8Array(10), 4150).catch(() => undefined)
    void disk.read(new Uint8Array(4196), 0).catch(() => undefined)
    await settle()
    const expected = bs.script(
      bs.request({ command: 0, cookie: 1, offset: 4096, length: 100 }),
      bs.request({ command: 0, cookie: 2, offset: 0, length: 4096 }),
      bs.request({ command: 0, cookie: 3, offset: 4096, length: 100 }),
    )
    expect(peer.hex).toBe(Buffer.from(expected).toString('hex'))
  })

  it('drops flags that base:allocation does not have, and what lies beside the range', async () => {
    const { opening, peer } = await openAgainst(plain(1 << 20, 1, blockInfo(4096, 4096, 4096)))
    const disk = await opening
    const asked = disk.extents(5000, 5000)
    await settle()
    peer.send(
      bs.chunk(1, 5, true, bs.u32(3), bs.u32(4096), bs.u32(0xff07), bs.u32(1 << 30), bs.u32(4)),
    )
    expect((await asked).toArray()).toEqual([
      { offset: 5000, length: 3192, flags: 3 },
      { offset: 8192, length: 1808, flags: 0 },
    ])
  })

  it('calls data what an extent below the block size leaves open', async () => {
    const { opening, peer } = await openAgainst(plain(1 << 20, 1, blockInfo(4096, 4096, 4096)))
    const disk = await opening
    const asked = disk.extents(5000, 5000)
    await settle()
    peer.send(bs.chunk(1, 5, true, bs.u32(3), bs.u32(512), bs.u32(3)))
    expect((await asked).toArray()).toEqual([{ offset: 5000, length: 3192, flags: 0 }])
  })

  it('moves on byte by byte if the server does, one request a call', async () => {
    const { opening, peer } = await openAgainst(plain(1 << 20, 1))
    const disk = await opening
    const asked = disk.extents(0, 1 << 20)
    await settle()
    peer.send(bs.chunk(1, 5, true, bs.u32(3), bs.u32(1), bs.u32(0)))
    expect((await asked).toArray()).toEqual([{ offset: 0, length: 1, flags: 0 }])
  })

  it('tells when the connection is lost', async () => {
    const { opening, peer } = await openAgainst(plain(512, 1))
    const disk = await opening
    const codes: (string | undefined)[] = []
    disk.onClosed = (error) => codes.push(error?.code)
    peer.transport.destroy()
    await settle()
    expect(codes).toEqual(['DISCONNECTED'])
    await expectCode(disk.read(new Uint8Array(1), 0), 'DISCONNECTED')
    await disk.close()
  })
})
