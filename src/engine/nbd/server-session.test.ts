import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { GatedDisk } from './gated-disk.test-helper'
import { errnoOf, settle, splitReplies } from './raw-peer.test-helper'
import {
  CACHE,
  DISC,
  FLUSH,
  filled,
  HANDSHAKE,
  makeServer,
  READ,
  SIMPLE_HANDSHAKE,
  SIZE,
  STATUS,
  serve,
  TRIM,
  WRITE,
  ZEROES,
} from './served-raw.test-helper'

describe('a client of the server', () => {
  it('gets an answer to every command, whatever the cuts', async () => {
    const requests = bs.script(
      bs.request({ command: WRITE, cookie: 1, offset: 4, data: bs.script('aabbcc') }),
      bs.request({ command: READ, cookie: 2, offset: 0, length: 8 }),
      bs.request({ command: FLUSH, cookie: 3 }),
      bs.request({ command: ZEROES, cookie: 4, offset: 5, length: 1 }),
      bs.request({ command: TRIM, cookie: 5, offset: 65536, length: 65536 }),
      bs.request({ command: CACHE, cookie: 6, offset: 0, length: 512 }),
      bs.request({ command: STATUS, cookie: 7, offset: 0, length: 131072 }),
      bs.request({
        command: WRITE,
        cookie: 0xffff_ffff_ffffn,
        offset: SIZE,
        data: bs.script('ff'),
      }),
    )
    const done = (cookie: number) => bs.chunk(cookie, 0, true)
    const expected = new Map([
      [1, done(1)],
      [2, bs.chunk(2, 1, true, bs.u64(0), '00000000aabbcc00')],
      [3, done(3)],
      [4, done(4)],
      [5, done(5)],
      [6, done(6)],
      [7, bs.chunk(7, 5, true, bs.u32(1), bs.u32(65536), bs.u32(0), bs.u32(65536), bs.u32(3))],
    ])
    const check = async (pieces: readonly Uint8Array[]) => {
      const { peer, replies } = await serve()
      for (const piece of pieces) peer.send(piece)
      await settle()
      const answers = replies()
      expect(answers.map((reply) => reply.cookie).sort((a, b) => a - b)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 0xffff_ffff_ffff,
      ])
      for (const [cookie, frame] of expected) {
        expect(answers.find((reply) => reply.cookie === cookie)).toEqual(splitReplies(frame)[0])
      }
      const refused = answers.find((reply) => reply.cookie === 0xffff_ffff_ffff)
      expect(refused && errnoOf(refused)).toBe(28)
      expect(peer.isClosed).toBe(false)
    }
    await check([...requests].map((byte) => Uint8Array.of(byte)))
    for (let at = 0; at < requests.length; at++) {
      await check([requests.slice(0, at), requests.slice(at)])
    }
  })

  it('without structured replies gets simple ones', async () => {
    const { peer } = await serve({}, SIMPLE_HANDSHAKE)
    peer.send(bs.request({ command: WRITE, cookie: 1, offset: 0, data: bs.script('0102') }))
    await settle()
    peer.send(
      bs.request({ command: READ, cookie: 2, offset: 0, length: 3 }),
      bs.request({ command: READ, cookie: 3, offset: SIZE, length: 3 }),
    )
    await settle()
    const expected = [bs.simpleReply(1), bs.simpleReply(3, 22), bs.simpleReply(2, 0, '010200')]
    expect(peer.hex).toBe(Buffer.concat(expected).toString('hex'))
  })

  it('may send its first requests together with its last option', async () => {
    const { connect } = makeServer()
    const { peer } = connect()
    peer.send(bs.script(HANDSHAKE, bs.request({ command: READ, cookie: 9, length: 2 })))
    await settle()
    const expected = bs.chunk(9, 1, true, bs.u64(0), '0000')
    expect(peer.hex.endsWith(Buffer.from(expected).toString('hex'))).toBe(true)
  })

  it('is told in words why a request failed', async () => {
    const { peer, replies } = await serve()
    peer.send(bs.request({ command: READ, cookie: 1, offset: SIZE - 1, length: 2 }))
    await settle()
    const [reply] = replies()
    expect(reply && errnoOf(reply)).toBe(22)
    expect(Buffer.from(reply?.payload.subarray(6) ?? []).toString()).toBe(
      'NBD_CMD_READ: 2 bytes at 1048575 are outside the export of 1048576 bytes',
    )
  })

  it('gets the disk’s own failure, and goes on', async () => {
    const disk = new MemoryDisk(SIZE)
    disk.read = () => Promise.reject(new PlatterError('IO_ERROR', 'the platter is scratched'))
    disk.write = () => Promise.reject(new TypeError('a bug'))
    disk.trim = () => Promise.reject(new PlatterError('NOT_SUPPORTED', 'not here'))
    const { peer, replies } = await serve({ disk })
    peer.send(
      bs.request({ command: READ, cookie: 1, length: 2 }),
      bs.request({ command: WRITE, cookie: 2, data: filled(2, 1) }),
      bs.request({ command: TRIM, cookie: 3, length: 2 }),
      bs.request({ command: FLUSH, cookie: 4 }),
    )
    await settle()
    const errors = replies().map((reply) => [reply.cookie, reply.code === 0 ? 0 : errnoOf(reply)])
    // NBD_ENOTSUP is for fast zeroes only.
    expect(errors.sort()).toEqual([
      [1, 5],
      [2, 5],
      [3, 22],
      [4, 0],
    ])
  })

  it('that reads in simple replies learns of a failure before any data', async () => {
    const disk = new MemoryDisk(SIZE)
    disk.read = () => Promise.reject(new PlatterError('IO_ERROR', 'scratched'))
    const { peer } = await serve({ disk }, SIMPLE_HANDSHAKE)
    peer.send(bs.request({ command: READ, cookie: 1, length: 2 }))
    await settle()
    expect(peer.hex).toBe(Buffer.from(bs.simpleReply(1, 5)).toString('hex'))
  })
})

describe('what a client asks for reaches the disk', () => {
  it('with its flags', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer } = await serve({ disk })
    disk.log.length = 0
    peer.send(
      bs.request({ command: WRITE, flags: 1, cookie: 1, data: filled(2, 1) }),
      bs.request({ command: ZEROES, flags: 0, cookie: 2, length: 8 }),
      bs.request({ command: ZEROES, flags: 1 | 2 | 16, cookie: 3, length: 8 }),
      bs.request({ command: TRIM, flags: 1, cookie: 4, length: 8 }),
      bs.request({ command: FLUSH, flags: 1, cookie: 5 }),
    )
    await settle()
    expect(disk.log).toEqual([
      'write 0+2 fua',
      'zero 0+8 mayTrim',
      'zero 0+8 fast fua',
      'trim 0+8 fua',
      'flush',
    ])
  })

  it('as a write and a flush where the disk has no FUA', async () => {
    const disk = new GatedDisk(SIZE)
    Object.assign(disk, { capabilities: { ...disk.capabilities, fua: false } })
    const { peer } = await serve({ disk })
    disk.log.length = 0
    peer.send(bs.request({ command: WRITE, flags: 1, cookie: 1, data: filled(2, 1) }))
    await settle()
    expect(disk.log).toEqual(['write 0+2', 'flush'])
  })

  it('as written zeroes where the disk cannot zero, but never for a fast request', async () => {
    const disk = new GatedDisk(4 << 20)
    const capabilities = { ...disk.capabilities, zero: false, fastZero: false }
    Object.assign(disk, { capabilities })
    await disk.write(filled(4 << 20, 7), 0)
    const { peer, replies } = await serve({ disk })
    disk.log.length = 0
    peer.send(
      bs.request({ command: ZEROES, flags: 16, cookie: 1, length: 4096 }),
      bs.request({ command: ZEROES, cookie: 2, offset: 512, length: (1 << 21) + 3 }),
    )
    await settle(8)
    expect(disk.log).toEqual(['write 512+1048576', 'write 1049088+1048576', 'write 2097664+3'])
    expect(replies().map((reply) => [reply.cookie, reply.code])).toEqual([
      [1, 0x8001],
      [2, 0],
    ])
    expect(errnoOf(replies()[0] as never)).toBe(95)
    const after = filled(8, 1)
    await disk.read(after, 512 + (1 << 21) - 4)
    expect([...after]).toEqual([0, 0, 0, 0, 0, 0, 0, 7])
  })

  it('not at all when it is nothing', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, replies } = await serve({ disk })
    disk.log.length = 0
    peer.send(
      bs.request({ command: WRITE, cookie: 1, length: 0 }),
      bs.request({ command: ZEROES, cookie: 2, length: 0 }),
    )
    await settle()
    expect(disk.log).toEqual([])
    expect(replies().map((reply) => reply.code)).toEqual([0, 0])
  })

  it('through a disk of its own, if the export gives one to each client', async () => {
    const own: GatedDisk[] = []
    const names: string[] = []
    const open = (client: { id: number; name: string }) => {
      const disk = new GatedDisk(SIZE)
      own.push(disk)
      names.push(`${client.id} ${client.name}`)
      return disk
    }
    const { server, connect, gone } = makeServer({ entry: { open } })
    const peers = [connect().peer, connect().peer]
    for (const peer of peers) peer.send(HANDSHAKE)
    await settle()
    peers[1]?.send(bs.request({ command: WRITE, data: filled(3, 1) }))
    peers[1]?.send(bs.request({ command: READ, length: 5 }))
    await settle()
    expect(names).toEqual(['1 pair:a', '2 pair:a'])
    expect(own.map((disk) => disk.log)).toEqual([[], ['write 0+3', 'read 0+5']])
    expect(
      server.clients.map((client) => [
        client.id,
        client.reads,
        client.readBytes,
        client.writes,
        client.writtenBytes,
      ]),
    ).toEqual([
      [1, 0, 0, 0, 0],
      [2, 1, 5, 1, 3],
    ])
    peers[0]?.transport.end()
    await settle()
    expect(gone).toEqual([[1, undefined]])
    expect(server.clients.map((client) => client.id)).toEqual([2])
  })
})

describe('zeroes on the way to a client', () => {
  const half = async () => {
    const disk = new MemoryDisk(1 << 18)
    await disk.write(filled(65536, 7), 65536)
    return disk
  }

  it('travel as holes when that was asked of the server', async () => {
    const { peer, replies } = await serve({ disk: await half(), server: { sendHoles: true } })
    peer.send(bs.request({ command: READ, cookie: 1, offset: 32768, length: 131072 }))
    await settle()
    const [first, data, last] = replies()
    expect(first).toMatchObject({
      code: 2,
      done: false,
      payload: bs.script(bs.u64(32768), bs.u32(32768)),
    })
    expect(data).toMatchObject({ code: 1, done: false })
    expect(data?.payload).toEqual(bs.script(bs.u64(65536), filled(65536, 7)))
    expect(last).toMatchObject({
      code: 2,
      done: true,
      payload: bs.script(bs.u64(131072), bs.u32(32768)),
    })
  })

  it('are sent in full to a client that wants one piece', async () => {
    const { peer, replies } = await serve({ disk: await half(), server: { sendHoles: true } })
    peer.send(bs.request({ command: READ, flags: 4, cookie: 1, offset: 65535, length: 2 }))
    await settle()
    expect(replies()).toMatchObject([
      { code: 1, done: true, payload: bs.script(bs.u64(65535), '0007') },
    ])
  })
})

describe('block status', () => {
  it('tells one extent, no longer than asked, to who wants one', async () => {
    const { peer, replies } = await serve()
    peer.send(bs.request({ command: STATUS, flags: 8, cookie: 1, offset: 512, length: 1024 }))
    await settle()
    expect(replies()[0]?.payload).toEqual(bs.script(bs.u32(1), bs.u32(1024), bs.u32(3)))
  })

  it('has one chunk for each context', async () => {
    const disk = new MemoryDisk(SIZE)
    const other = new MemoryDisk(SIZE)
    await other.write(filled(1, 1), 0)
    const contexts = [{ name: 'x-other:all', extents: other.extents.bind(other) }]
    const handshake = bs.script(
      bs.clientFlags(),
      bs.option(8),
      bs.option(10, bs.sized('d'), bs.u32(2), bs.sized('x-other:all'), bs.sized('base:allocation')),
      bs.option(7, bs.sized('d'), bs.u16(1), bs.u16(3)),
    )
    const { peer, replies } = await serve({ disk, entry: { contexts } }, handshake)
    peer.send(bs.request({ command: STATUS, cookie: 1, length: 131072 }))
    await settle()
    expect(
      replies().map((reply) => [reply.done, Buffer.from(reply.payload).toString('hex')]),
    ).toEqual([
      [false, '000000010002000000000003'],
      [true, '0000000200010000000000000001000000000003'],
    ])
  })
})

describe('the end of a client', () => {
  it('by DISC comes after what is in progress, and a flush of what it changed', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, gone, replies } = await serve({ disk })
    disk.log.length = 0
    disk.isOpen = false
    peer.send(
      bs.request({ command: WRITE, cookie: 1, data: filled(2, 1) }),
      bs.request({ command: DISC }),
      bs.request({ command: WRITE, cookie: 2, data: filled(2, 1) }),
    )
    await settle()
    expect(peer.isClosed).toBe(false)
    expect(disk.log).toEqual(['write 0+2'])
    disk.isOpen = true
    disk.release()
    await settle()
    expect(replies().map((reply) => reply.cookie)).toEqual([1])
    expect(disk.log).toEqual(['write 0+2', 'flush'])
    expect(peer.isClosed).toBe(true)
    expect(gone).toEqual([[1, undefined]])
  })

  it('by hanging up does not lose a write that was received', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, gone } = await serve({ disk })
    disk.log.length = 0
    disk.isOpen = false
    peer.send(bs.request({ command: WRITE, cookie: 1, data: filled(2, 1) }))
    await settle()
    peer.transport.destroy()
    await settle()
    expect(gone).toEqual([])
    disk.isOpen = true
    disk.release()
    await settle()
    expect(disk.log).toEqual(['write 0+2', 'flush'])
    expect(gone).toEqual([[1, undefined]])
    const byte = filled(1, 0)
    await disk.read(byte, 0)
    expect(byte[0]).toBe(1)
  })

  it('in the middle of a write leaves the disk as it was', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, gone } = await serve({ disk })
    const write = bs.request({ command: WRITE, cookie: 1, data: filled(100, 1) })
    peer.send(write.slice(0, 90))
    await settle()
    peer.transport.end()
    await settle()
    expect(gone).toEqual([[1, undefined]])
    expect(disk.log).toEqual([])
  })

  it('comes at once, for it alone, when it breaks the protocol', async () => {
    const { connect, gone } = makeServer()
    const [bad, good] = [connect().peer, connect().peer]
    for (const peer of [bad, good]) peer.send(HANDSHAKE)
    await settle()
    bad.send(bs.script(bs.zeros(28)))
    await settle()
    expect(bad.isClosed).toBe(true)
    expect(gone).toEqual([[1, 'NBD client pair:a: a request begins with 0x0']])
    good.clear()
    good.send(bs.request({ command: READ, cookie: 3, length: 1 }))
    await settle()
    expect(splitReplies(good.received)).toMatchObject([{ cookie: 3, code: 1 }])
  })
})
