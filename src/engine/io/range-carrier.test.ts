import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomBytes } from '../testing/overlay-setup'
import { EINTR, type HoleLibc, hasHoleCalls, loadHoleLibc } from './hole-libc'
import { type CarryRequest, RangeCarrier } from './range-carrier'

const MiB = 1024 * 1024
const EIO = 5

describe.runIf(hasHoleCalls())('a range that is carried', () => {
  let dir = ''
  let libc: HoleLibc
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'platter-carry-'))
    libc = await loadHoleLibc()
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  /** Carries between two files; the target holds ones before. */
  function carry(
    bytes: Uint8Array,
    wish: Partial<CarryRequest> & { length: number },
    calls: Partial<HoleLibc> = {},
  ) {
    const [from, to] = [join(dir, 'from'), join(dir, 'to')]
    writeFileSync(from, bytes)
    writeFileSync(to, new Uint8Array(bytes.length).fill(1))
    const [fd, target] = [openSync(from, 'r'), openSync(to, 'r+')]
    const request = { fd, target, offset: 0, grain: 4096, writeOut: true, ...wish }
    const reply = new RangeCarrier({ ...libc, ...calls }).carry(request)
    closeSync(fd)
    closeSync(target)
    return { reply, written: new Uint8Array(readFileSync(to)) }
  }

  it('arrives without the zeroes in it, which are told', () => {
    const bytes = randomBytes(3 * MiB, 5)
    const zeroes = [
      { offset: 8192, length: 4096 },
      // Over the seam between two pieces.
      { offset: MiB - 4096, length: 4096 },
      { offset: MiB, length: 8192 },
      { offset: 3 * MiB - 4096, length: 4096 },
    ]
    for (const { offset, length } of zeroes) bytes.fill(0, offset, offset + length)
    const { reply, written } = carry(bytes, { length: 3 * MiB })
    expect(reply).toEqual({ kind: 'carried', done: 3 * MiB, zeroes })
    for (const { offset, length } of zeroes) bytes.fill(1, offset, offset + length)
    expect(Buffer.compare(written, bytes)).toBe(0)
  })

  it('is looked at in whole grains, also where they are larger than its pieces', () => {
    const bytes = randomBytes(12 * MiB, 8)
    bytes.fill(0, MiB, 4 * MiB)
    bytes.fill(0, 4 * MiB, 8 * MiB)
    const { reply, written } = carry(bytes, { length: 12 * MiB, grain: 4 * MiB })
    const zeroes = [{ offset: 4 * MiB, length: 4 * MiB }]
    expect(reply).toEqual({ kind: 'carried', done: 12 * MiB, zeroes })
    bytes.fill(1, 4 * MiB, 8 * MiB)
    expect(Buffer.compare(written, bytes)).toBe(0)
  })

  it('touches nothing beside itself', () => {
    const bytes = randomBytes(300_000, 6)
    const { reply, written } = carry(bytes, { offset: 100_000, length: 150_001, grain: 32 })
    expect(reply).toMatchObject({ kind: 'carried', done: 150_001 })
    bytes.fill(1, 0, 100_000)
    bytes.fill(1, 250_001)
    expect(Buffer.compare(written, bytes)).toBe(0)
  })

  it('is copied with its zeroes where nobody looks for them', () => {
    const bytes = new Uint8Array(2 * MiB)
    const { reply, written } = carry(bytes, { length: 2 * MiB, grain: 0 })
    expect(reply).toEqual({ kind: 'carried', done: 2 * MiB, zeroes: [] })
    expect(Buffer.compare(written, bytes)).toBe(0)
  })

  it.each([0, 4096])('is told as shorter where the source ends, grain %i', (grain) => {
    const bytes = randomBytes(MiB + 100, 7)
    const { reply } = carry(bytes, { length: 2 * MiB, grain })
    expect(reply).toEqual({ kind: 'carried', done: MiB, zeroes: [] })
  })

  it('is told as shorter where the source cannot be read', () => {
    const { reply } = carry(new Uint8Array(100), { fd: 9999, length: 100 })
    expect(reply).toEqual({ kind: 'carried', done: 0, zeroes: [] })
  })

  it('fails with what the copying says', () => {
    const failing = { copyRange: () => -1, errno: () => EIO }
    const { reply } = carry(randomBytes(100, 1), { length: 100 }, failing)
    expect(reply).toEqual({ kind: 'failed', errno: EIO, call: 'copy_file_range' })
  })

  it('goes on after an interruption, and after a part, but not for ever', () => {
    const bytes = randomBytes(10_000, 2)
    let calls = 0
    const slow: Partial<HoleLibc> = {
      copyRange: (from, to, offset, length) =>
        ++calls % 2 === 0 ? -1 : libc.copyRange(from, to, offset, Math.min(length, 1000)),
      errno: () => EINTR,
    }
    const { reply, written } = carry(bytes, { length: 10_000 }, slow)
    expect(reply).toMatchObject({ kind: 'carried', done: 10_000 })
    expect(Buffer.compare(written, bytes)).toBe(0)
    const stuck = { copyRange: () => -1, errno: () => EINTR }
    expect(carry(bytes, { length: 10_000 }, stuck).reply).toMatchObject({ errno: EINTR })
  })

  it('begins to be written out only when a flush will come', () => {
    const asked: string[] = []
    const startWriting = (_: number, offset: number, length: number) => {
      asked.push(`${offset}+${length}`)
      return 0
    }
    carry(randomBytes(9000, 3), { offset: 4096, length: 4096, writeOut: false }, { startWriting })
    carry(randomBytes(9000, 3), { offset: 4096, length: 4096 }, { startWriting })
    expect(asked).toEqual(['4096+4096'])
  })
})
