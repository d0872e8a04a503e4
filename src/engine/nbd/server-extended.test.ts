import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { GatedDisk } from './gated-disk.test-helper'
import { settle } from './raw-peer.test-helper'
import {
  CACHE,
  DISC,
  FLUSH,
  filled,
  makeServer,
  READ,
  type Setup,
  SIZE,
  STATUS,
  serve,
  TRIM,
  WRITE,
  ZEROES,
} from './served-raw.test-helper'

const PAYLOAD_LEN = 32
const EXTENDED = bs.script(
  bs.clientFlags(),
  bs.option(11),
  bs.option(10, bs.sized('d'), bs.u32(2), bs.sized('base:allocation'), bs.sized('x-other:all')),
  bs.option(7, bs.sized('d'), bs.u16(0)),
)

const hexOf = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex')

async function extended(setup: Setup = {}) {
  const contexts = [{ name: 'x-other:all', extents: new MemoryDisk(2 ** 50).extents }]
  const disk = setup.disk ?? new MemoryDisk(SIZE)
  const other = new MemoryDisk(disk.size)
  Object.assign(contexts[0] ?? {}, { extents: other.extents.bind(other) })
  return serve({ ...setup, disk, entry: { contexts } }, EXTENDED)
}

/** A chunk's number of error, for an answer that is one. */
const errorChunk = (cookie: number, offset: number | bigint, errno: number, message: string) =>
  bs.extendedChunk(
    cookie,
    0x8001,
    true,
    offset,
    bs.u32(errno),
    bs.u16(bs.byteLength(message)),
    bs.text(message),
  )

describe('extended headers', () => {
  it('are agreed on once, make structured replies needless, and offer status with a payload', async () => {
    const { connect } = makeServer()
    const { peer } = connect()
    peer.send(
      bs.script(
        bs.clientFlags(),
        bs.option(8),
        bs.option(11),
        bs.option(11),
        bs.option(8),
        bs.option(6, bs.sized('d'), bs.u16(0)),
      ),
    )
    await settle()
    const [structured, first, second, late] = [
      bs.ack(8),
      bs.ack(11),
      '0000000b80000003',
      '000000088000000a',
    ]
    expect(peer.hex).toContain(hexOf(structured, first))
    expect(peer.hex).toContain(second)
    expect(peer.hex).toContain(late)
    expect(peer.hex).toContain(hexOf(bs.infoExport(6, SIZE, 0x1ded)))
  })

  it('go with NBD_OPT_GO, and never with EXPORT_NAME', async () => {
    const { connect, gone } = makeServer()
    const { peer } = connect()
    peer.send(bs.script(bs.clientFlags(), bs.option(11), bs.option(1, bs.text('d'))))
    await settle()
    expect(peer.isClosed).toBe(true)
    expect(gone).toEqual([])
  })

  it('do not offer status with a payload to who selected no context', async () => {
    const { connect } = makeServer()
    const { peer } = connect()
    peer.send(bs.script(bs.clientFlags(), bs.option(11), bs.option(7, bs.sized('d'), bs.u16(0))))
    await settle()
    expect(peer.hex).toContain(hexOf(bs.infoExport(7, SIZE, 0x0ded)))
  })

  it('frame every command and its answer, whatever the cuts', async () => {
    const requests = bs.script(
      bs.extendedRequest({
        command: WRITE,
        flags: PAYLOAD_LEN,
        cookie: 1,
        offset: 4,
        data: bs.script('aabbcc'),
      }),
      bs.extendedRequest({ command: READ, cookie: 2, offset: 2, length: 6 }),
      bs.extendedRequest({ command: FLUSH, cookie: 3 }),
      bs.extendedRequest({ command: ZEROES, cookie: 4, offset: 5, length: 1 }),
      bs.extendedRequest({ command: TRIM, cookie: 5, offset: 65536, length: 65536 }),
      bs.extendedRequest({ command: CACHE, cookie: 6, offset: 0, length: 512 }),
      bs.extendedRequest({ command: READ, cookie: 7, offset: SIZE, length: 1 }),
      bs.extendedRequest({ command: DISC }),
    )
    const done = (cookie: number, offset: number) =>
      hexOf(bs.extendedChunk(cookie, 0, true, offset))
    const outside = `NBD_CMD_READ: 1 bytes at ${SIZE} are outside the export of ${SIZE} bytes`
    const expected = [
      done(1, 4),
      hexOf(bs.extendedChunk(2, 1, true, 2, bs.u64(2), '0000aabbcc00')),
      done(3, 0),
      done(4, 5),
      done(5, 65536),
      done(6, 0),
      hexOf(errorChunk(7, SIZE, 22, outside)),
    ]
    const check = async (pieces: readonly Uint8Array[]) => {
      const { peer } = await extended()
      for (const piece of pieces) peer.send(piece)
      await settle()
      for (const answer of expected) expect(peer.hex).toContain(answer)
      expect(peer.hex.length).toBe(expected.join('').length)
      expect(peer.isClosed).toBe(true)
    }
    await check([...requests].map((byte) => Uint8Array.of(byte)))
    for (let at = 0; at < requests.length; at++)
      await check([requests.slice(0, at), requests.slice(at)])
  })

  it('carry lengths beyond 32 bits to the disk and back', async () => {
    const size = 2 ** 35
    const disk = new GatedDisk(size)
    const { peer } = await extended({ disk })
    disk.log.length = 0
    peer.send(
      bs.extendedRequest({ command: ZEROES, cookie: 1, length: 2 ** 33 }),
      bs.extendedRequest({ command: TRIM, cookie: 2, offset: 2 ** 33, length: 2 ** 34 }),
      bs.extendedRequest({ command: CACHE, cookie: 3, length: size }),
      bs.extendedRequest({ command: STATUS, cookie: 4, flags: 8, length: size }),
    )
    await settle()
    expect(disk.log.slice(0, 2)).toEqual([
      `zero 0+${2 ** 33} mayTrim`,
      `trim ${2 ** 33}+${2 ** 34}`,
    ])
    const status = bs.extendedChunk(4, 6, false, 0, bs.u32(1), bs.u32(1), bs.u64(size), bs.u64(3))
    expect(peer.hex).toContain(hexOf(status))
    expect(peer.hex).toContain(hexOf(bs.extendedChunk(3, 0, true, 0)))
  })

  it('give back the very bits of an offset that no disk has', async () => {
    const { peer } = await extended()
    const offset = 0xffff_ffff_ffff_fffdn
    peer.send(bs.extendedRequest({ command: READ, cookie: 5, offset, length: 1 }))
    await settle()
    expect(peer.hex.startsWith(hexOf(bs.extendedChunk(5, 0x8001, true, offset)).slice(0, 48))).toBe(
      true,
    )
  })

  it('refuse a write without the flag of a payload, which then has none', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer } = await extended({ disk })
    disk.log.length = 0
    peer.send(
      bs.extendedRequest({ command: WRITE, cookie: 1, length: 512 }),
      bs.extendedRequest({ command: READ, cookie: 2, length: 1 }),
    )
    await settle()
    const why = 'NBD_CMD_WRITE: without NBD_CMD_FLAG_PAYLOAD_LEN it has no data'
    expect(peer.hex).toBe(
      hexOf(errorChunk(1, 0, 22, why), bs.extendedChunk(2, 1, true, 0, bs.u64(0), '00')),
    )
    expect(disk.log).toEqual(['read 0+1'])
  })

  it('pass over a payload where none belongs, and hang up on one that is absurd', async () => {
    const { peer } = await extended()
    peer.send(
      bs.extendedRequest({ command: READ, flags: PAYLOAD_LEN, cookie: 1, data: filled(100, 1) }),
      bs.extendedRequest({ command: READ, cookie: 2, length: 1 }),
    )
    await settle()
    expect(peer.hex).toContain(
      hexOf(errorChunk(1, 0, 22, 'NBD_CMD_READ: flags 0x20 are not allowed')),
    )
    expect(peer.hex).toContain(hexOf(bs.extendedChunk(2, 1, true, 0, bs.u64(0), '00')))
    peer.send(bs.extendedRequest({ command: WRITE, flags: PAYLOAD_LEN, length: 2n ** 63n }))
    await settle()
    expect(peer.isClosed).toBe(true)
  })

  it('do not mix with compact ones', async () => {
    const { peer } = await extended()
    peer.send(bs.script(bs.request({ command: READ, length: 1 }), bs.zeros(8)))
    await settle()
    expect(peer.isClosed).toBe(true)
  })

  it('send holes with 32 bits of length', async () => {
    const sparse = new MemoryDisk(1 << 18)
    await sparse.write(filled(65536, 7), 65536)
    const { peer } = await extended({ disk: sparse, server: { sendHoles: true } })
    peer.send(bs.extendedRequest({ command: READ, cookie: 1, offset: 32768, length: 131072 }))
    await settle()
    expect(peer.hex).toBe(
      hexOf(
        bs.extendedChunk(1, 2, false, 32768, bs.u64(32768), bs.u32(32768)),
        bs.extendedChunk(1, 1, false, 32768, bs.u64(65536), filled(65536, 7)),
        bs.extendedChunk(1, 2, true, 32768, bs.u64(131072), bs.u32(32768)),
      ),
    )
  })
})

describe('a status that names its contexts', () => {
  const ask = async (length: number | bigint, ...ids: number[]) => {
    const { peer } = await extended()
    const data = bs.script(bs.u64(length), ...ids.map(bs.u32))
    peer.send(
      bs.extendedRequest({ command: STATUS, flags: PAYLOAD_LEN, cookie: 9, offset: 512, data }),
    )
    await settle()
    expect(peer.isClosed).toBe(false)
    return peer.hex
  }

  it('is answered for those alone', async () => {
    expect(await ask(1024, 2)).toBe(
      hexOf(bs.extendedChunk(9, 6, true, 512, bs.u32(2), bs.u32(1), bs.u64(1024), bs.u64(3))),
    )
  })

  it.each<[string, number | bigint, number[], RegExp]>([
    ['one that was not selected', 1024, [3], /context 3 was not selected/],
    ['one twice', 1024, [1, 1], /context 1 is named twice/],
    ['nothing', 0, [1], /0 bytes at 512/],
    ['more than the export', SIZE, [1], /outside the export/],
    ['more than any export', 2n ** 64n - 1n, [1], /outside the export/],
    ['no context', 1024, [], /a payload of 8 bytes, not 12 to 16/],
    ['more contexts than there are', 1024, [1, 2, 1], /a payload of 20 bytes, not 12 to 16/],
  ])('is refused for %s', async (_, length, ids, message) => {
    const answer = await ask(length, ...ids)
    expect(answer).toMatch(/^6e8a278c00018001/)
    expect(Buffer.from(answer, 'hex').subarray(32, 36).toString('hex')).toBe('00000016')
    expect(Buffer.from(answer, 'hex').subarray(38).toString()).toMatch(message)
  })
})
