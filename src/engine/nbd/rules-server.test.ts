// What a server must say, and must not, of what its disk can do.

import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import type { Capabilities } from '../disk/disk'
import { ExtentList } from '../disk/extents'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { GatedDisk } from './gated-disk.test-helper'
import { errnoOf, settle } from './raw-peer.test-helper'
import { describeExport } from './served-export'
import {
  CACHE,
  FLUSH,
  filled,
  HANDSHAKE,
  makeServer,
  READ,
  SIZE,
  STATUS,
  serve,
  TRIM,
  WRITE,
  ZEROES,
} from './served-raw.test-helper'

const without = (...missing: (keyof Capabilities)[]) => {
  const disk = new GatedDisk(SIZE)
  const off = Object.fromEntries(missing.map((name) => [name, false]))
  Object.assign(disk, { capabilities: { ...disk.capabilities, ...off } })
  return disk
}

describe('the flags of an export', () => {
  const flagsOf = (disk: MemoryDisk, readOnly = false) =>
    describeExport({ name: '', disk, readOnly }, 'structured').flags
  const ALL = 0x0ded

  it.each<[string, number, (keyof Capabilities)[]]>([
    ['several connections', 0x100, ['multiConn']],
    ['flushing', 0x4, ['flush']],
    ['trimming', 0x20, ['trim']],
    ['caching', 0x400, ['cache']],
    ['stable writes, by FUA or by a flush', 0x8 | 0x4, ['fua', 'flush']],
  ])('offer only what the disk has: %s', (_, flag, missing) => {
    expect(flagsOf(without())).toBe(ALL)
    expect(flagsOf(without(...missing))).toBe(ALL & ~flag)
  })

  it('offer no change of what is read-only', () => {
    const change = 0x8 | 0x20 | 0x40 | 0x800
    expect(flagsOf(without(), true)).toBe((ALL & ~change) | 0x2)
    expect(flagsOf(without('write'))).toBe((ALL & ~change) | 0x2)
  })

  it('stay as they were told, and so does the size', async () => {
    const disk = new MemoryDisk(SIZE)
    const { peer, replies } = await serve({ disk })
    Object.assign(disk, { size: 2 * SIZE })
    peer.send(bs.request({ command: READ, cookie: 1, offset: SIZE, length: 1 }))
    await settle()
    expect(replies().map(errnoOf)).toEqual([22])
  })
})

describe('an export is opened', () => {
  const opened = async (...options: readonly Uint8Array[]) => {
    let count = 0
    const open = () => {
      count++
      return new MemoryDisk(SIZE)
    }
    const { connect } = makeServer({ entry: { open } })
    const { peer } = connect()
    peer.send(bs.script(bs.clientFlags(), ...options))
    await settle()
    return count
  }
  const info = bs.option(6, bs.sized('d'), bs.u16(0))

  it('for who goes on with it, and not to tell of it', async () => {
    expect(await opened(info, info, bs.option(3), bs.option(2))).toBe(0)
    expect(await opened(info, bs.option(7, bs.sized('d'), bs.u16(0)))).toBe(1)
    expect(await opened(bs.option(1, bs.text('d')))).toBe(1)
  })
})

describe('FUA', () => {
  it('is taken with every command, and means something with those that change', async () => {
    const { peer, replies } = await serve()
    const requests = [
      bs.request({ command: READ, flags: 1, cookie: 1, length: 1 }),
      bs.request({ command: WRITE, flags: 1, cookie: 2, data: filled(1, 1) }),
      bs.request({ command: FLUSH, flags: 1, cookie: 3 }),
      bs.request({ command: TRIM, flags: 1, cookie: 4, length: 1 }),
      bs.request({ command: CACHE, flags: 1, cookie: 5, length: 1 }),
      bs.request({ command: ZEROES, flags: 1, cookie: 6, length: 1 }),
      bs.request({ command: STATUS, flags: 1, cookie: 7, length: 512 }),
    ]
    peer.send(...requests)
    await settle()
    const answers = replies().sort((a, b) => a.cookie - b.cookie)
    expect(answers.map(({ cookie, code }) => [cookie, code])).toEqual([
      [1, 1],
      [2, 0],
      [3, 0],
      [4, 0],
      [5, 0],
      [6, 0],
      [7, 5],
    ])
  })

  it.each<[string, number, number]>([
    ['zeroes', ZEROES, 2],
    ['a trim', TRIM, 0],
  ])('is a flush after %s where the disk has none', async (_, command, flags) => {
    const disk = without('fua')
    const { peer } = await serve({ disk })
    disk.log.length = 0
    peer.send(bs.request({ command, flags: flags | 1, cookie: 1, length: 512 }))
    await settle()
    expect(disk.log.map((call) => call.split(' ')[0])).toEqual([
      command === ZEROES ? 'zero' : 'trim',
      'flush',
    ])
  })
})

describe('NBD_ENOTSUP', () => {
  it.each([
    [16, 95],
    [0, 22],
  ])('is kept for fast zeroes (flags %i: error %i)', async (flags, errno) => {
    const disk = new GatedDisk(SIZE)
    Object.assign(disk, {
      zero: async () => {
        throw new PlatterError('NOT_SUPPORTED', 'zero: not here')
      },
    })
    await disk.write(filled(512, 7), 0)
    const { peer, replies } = await serve({ disk })
    peer.send(bs.request({ command: ZEROES, flags, cookie: 1, length: 512 }))
    await settle()
    expect(replies().map(errnoOf)).toEqual([errno])
    const after = new Uint8Array(512)
    await disk.read(after, 0)
    expect(after.every((byte) => byte === 7)).toBe(true)
  })
})

describe('a request of no bytes', () => {
  it.each([
    ['a read', READ],
    ['a status', STATUS],
    ['a cache', CACHE],
  ])('that asks something is refused, and the connection goes on: %s', async (_, command) => {
    const { peer, replies } = await serve()
    peer.send(
      bs.request({ command, cookie: 1 }),
      bs.request({ command: READ, cookie: 2, length: 1 }),
    )
    await settle()
    expect(replies().map(({ cookie, code }) => [cookie, code])).toEqual([
      [1, 0x8001],
      [2, 1],
    ])
    expect(errnoOf(replies()[0] as never)).toBe(22)
  })
})

describe('a length next to 2^32', () => {
  it.each([
    ['zeroes', ZEROES, 28],
    ['a trim', TRIM, 22],
    ['a status', STATUS, 22],
  ])('is not rounded over it: %s', async (_, command, errno) => {
    const blockSize = { minimum: 512, preferred: 4096, maximum: 1 << 20 }
    const { peer, replies } = await serve({ disk: new MemoryDisk(SIZE, { blockSize }) })
    peer.send(bs.request({ command, cookie: 1, offset: 512, length: 0xffff_ff00 }))
    await settle()
    expect(replies().map(errnoOf)).toEqual([errno])
  })
})

describe('block status', () => {
  const told = async (list: ExtentList, flags = 0) => {
    const disk = new MemoryDisk(SIZE)
    Object.assign(disk, { extents: async () => list })
    const { peer, replies } = await serve({ disk })
    peer.send(bs.request({ command: STATUS, flags, cookie: 1, offset: 512, length: 1024 }))
    await settle()
    expect(peer.isClosed).toBe(false)
    return replies()[0]
  }

  const extents = (...each: [number, number][]) => {
    const list = new ExtentList(512)
    for (const [length, flags] of each) list.append(length, flags)
    return list
  }

  it('that ends where the request does has nothing behind it', async () => {
    const answer = await told(extents([512, 0], [512, 3]))
    const pairs = [bs.u32(512), bs.u32(0), bs.u32(512), bs.u32(3)]
    expect(answer?.payload).toEqual(bs.script(bs.u32(1), ...pairs))
  })

  it('of one extent is of one even where the disk gives more', async () => {
    const answer = await told(extents([512, 0], [512, 3]), 8)
    expect(answer?.payload).toEqual(bs.script(bs.u32(1), bs.u32(512), bs.u32(0)))
  })

  it('that a disk cannot mean is an error, and not told', async () => {
    const elsewhere = new ExtentList(0)
    elsewhere.append(1024, 0)
    for (const list of [extents(), extents([1025, 0]), elsewhere]) {
      const answer = await told(list)
      expect(answer?.code).toBe(0x8001)
      expect(answer && errnoOf(answer)).toBe(5)
    }
  })
})

describe('a read around holes', () => {
  it('that fails in its last piece is an error and nothing before it', async () => {
    const disk = new MemoryDisk(1 << 18)
    await disk.write(filled(65536, 7), 0)
    await disk.write(filled(65536, 7), 131072)
    const read = disk.read.bind(disk)
    Object.assign(disk, {
      read: async (target: Uint8Array, offset: number) => {
        if (offset > 0) throw new PlatterError('IO_ERROR', 'read: bad sector')
        return read(target, offset)
      },
    })
    const { peer, replies } = await serve({ disk, server: { sendHoles: true } })
    peer.send(bs.request({ command: READ, cookie: 1, length: 1 << 18 }))
    await settle()
    expect(replies().map(({ code, done }) => [code, done])).toEqual([[0x8001, true]])
  })
})

describe('one connection', () => {
  it('in the middle of a write does not hold up another', async () => {
    const { connect } = makeServer()
    const [slow, other] = [connect().peer, connect().peer]
    for (const peer of [slow, other]) peer.send(HANDSHAKE)
    await settle()
    const write = bs.request({ command: WRITE, cookie: 1, data: filled(100, 1) })
    slow.send(write.slice(0, 60))
    for (const peer of [slow, other]) peer.clear()
    await settle()
    other.send(bs.request({ command: READ, cookie: 2, length: 2 }))
    await settle()
    expect(other.hex).toBe(Buffer.from(bs.chunk(2, 1, true, bs.u64(0), '0000')).toString('hex'))
    slow.send(write.slice(60))
    await settle()
    expect(slow.hex).toBe(Buffer.from(bs.chunk(1, 0, true)).toString('hex'))
  })

  it('flushes what another one was told is written', async () => {
    const disk = new GatedDisk(SIZE)
    const { connect } = makeServer({ disk })
    const [first, second] = [connect().peer, connect().peer]
    for (const peer of [first, second]) peer.send(HANDSHAKE)
    await settle()
    first.send(bs.request({ command: WRITE, cookie: 1, data: filled(2, 1) }))
    await settle()
    second.send(bs.request({ command: FLUSH, cookie: 1 }))
    await settle()
    expect(disk.log).toEqual(['write 0+2', 'flush'])
  })
})
