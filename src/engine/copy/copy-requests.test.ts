// Exactly what is asked of both disks, one test an option.

import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import type { ByteRange } from '../base/ranges'
import { MAX_PAYLOAD } from '../disk/disk'
import { EXTENT_HOLE, EXTENT_ZERO } from '../disk/extents'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { failureOf } from '../testing/fail-nth'
import { content, extentsOf, HOLE, KIB, sketch } from './copy.test-helper'
import { type CopyOptions, copyDisk } from './copy-disk'
import { NullDisk } from './null-disk'

const old = (size: number) => new Uint8Array(size).fill(0xee)

async function run(
  source: ReturnType<typeof sketch>,
  target: ReturnType<typeof sketch>,
  options: CopyOptions = {},
) {
  const result = await copyDisk(source, target, options)
  const bytes = await readWhole(source)
  expectSameBytes((await readWhole(target)).subarray(0, bytes.length), bytes)
  return result
}

/** By offset; those of one offset as they came, and the flush at its place behind all of them. */
function changes(disk: ReturnType<typeof sketch>): string[] {
  const lines = disk.only('write', 'zero', 'trim', 'flush')
  expect(lines.indexOf('flush')).toBe(lines.length - 1)
  const offsetOf = (line: string) => Number(/ (\d+)/.exec(line)?.[1] ?? Number.POSITIVE_INFINITY)
  return lines.sort((a, b) => offsetOf(a) - offsetOf(b) || 0)
}

describe('a copy asks', () => {
  it('for 256 KiB at a time, and for a flush at the end', async () => {
    const source = sketch(content(600 * KIB, [0, 600 * KIB]))
    const target = sketch(old(600 * KIB))
    const result = await copyDisk(source, target)
    expect(source.log).toEqual([
      'extents 0+614400',
      'read 0+262144',
      'read 262144+262144',
      'read 524288+90112',
    ])
    expect(target.log).toEqual([
      'write 0+262144',
      'write 262144+262144',
      'write 524288+90112',
      'flush',
    ])
    const size = 600 * KIB
    expect(result).toEqual({ size, read: size, written: size, zeroed: 0, skipped: 0 })
  })

  it('for no flush where none is wanted, or there is none', async () => {
    const source = sketch(content(4096, [0, 4096]))
    const unasked = sketch(4096)
    await copyDisk(source, unasked, { flush: false })
    expect(unasked.log).toEqual(['write 0+4096'])
    const unable = sketch(4096, { capabilities: { flush: false } })
    await copyDisk(source, unable)
    expect(unable.log).toEqual(['write 0+4096'])
  })

  it('the request size that it was given', async () => {
    const source = sketch(content(100 * KIB, [0, 100 * KIB]))
    const target = sketch(100 * KIB)
    await run(source, target, { requestSize: 64 * KIB })
    expect(changes(target)).toEqual(['write 0+65536', 'write 65536+36864', 'flush'])
  })

  it('with one buffer for all requests where nothing is kept', async () => {
    const source = sketch(content(300 * KIB, [0, 300 * KIB]))
    const buffers = new Set<ArrayBufferLike>()
    const read = source.read.bind(source)
    source.read = (target, offset, options) => {
      buffers.add(target.buffer)
      return read(target, offset, options)
    }
    const target = new NullDisk(300 * KIB)
    const options = { requestSize: 64 * KIB, sparse: 0, keepsNothing: true }
    const result = await copyDisk(source, target, options)
    expect(result).toMatchObject({ read: 300 * KIB, written: 300 * KIB })
    expect(source.only('read')).toHaveLength(5)
    expect(buffers.size).toBe(1)
  })

  it('for more than the request size where either disk prefers more', async () => {
    const source = sketch(content(1024 * KIB, [0, 1024 * KIB]), {
      blockSize: { preferred: 512 * KIB },
    })
    const target = sketch(1024 * KIB)
    await run(source, target, { requestSize: 4096 })
    expect(changes(target)).toEqual(['write 0+524288', 'write 524288+524288', 'flush'])
    const preferring = sketch(1024 * KIB, { blockSize: { preferred: 1024 * KIB } })
    await run(source, preferring, { requestSize: 4096 })
    expect(changes(preferring)).toEqual(['write 0+1048576', 'flush'])
  })

  it('never for more than either disk takes', async () => {
    const small = { minimum: 4096, preferred: 4096, maximum: 64 * KIB }
    const source = sketch(content(200 * KIB, [0, 200 * KIB]))
    const target = sketch(200 * KIB, { blockSize: small })
    await run(source, target)
    const pieces = ['0+65536', '65536+65536', '131072+65536', '196608+8192']
    expect(changes(target)).toEqual([...pieces.map((piece) => `write ${piece}`), 'flush'])
    const poor = sketch(content(200 * KIB, [0, 200 * KIB]), { blockSize: small })
    await copyDisk(poor, sketch(200 * KIB))
    expect(poor.only('read')).toEqual(pieces.map((piece) => `read ${piece}`))
  })

  it('for reads and writes of different lengths where no one length fits both', async () => {
    const source = sketch(content(128 * KIB, [0, 128 * KIB]), {
      blockSize: { minimum: 512, preferred: 512, maximum: 16 * KIB },
    })
    const target = sketch(128 * KIB, { blockSize: { preferred: 64 * KIB } })
    await copyDisk(source, target)
    expect(source.only('read')).toHaveLength(8)
    expect(changes(target)).toEqual(['write 0+65536', 'write 65536+65536', 'flush'])
  })

  it('with so many requests in flight and no more', async () => {
    for (const requests of [1, 3]) {
      let inFlight = 0
      let most = 0
      const source = sketch(content(1024 * KIB, [0, 1024 * KIB]))
      const target = sketch(1024 * KIB)
      const write = target.write.bind(target)
      target.write = async (...args) => {
        inFlight++
        most = Math.max(most, inFlight)
        await new Promise((resolve) => setImmediate(resolve))
        await write(...args)
        inFlight--
      }
      await run(source, target, { requests, requestSize: 64 * KIB })
      expect(most).toBe(requests)
    }
  })
})

describe('holes of the source', () => {
  const size = 2048 * KIB
  const bytes = content(size, [256 * KIB, 256 * KIB])
  const holes = extentsOf(HOLE, [0, 256 * KIB], [512 * KIB, 1536 * KIB])

  it('are not read, and are zeroed in one request each', async () => {
    const source = sketch(bytes, { extents: holes })
    const target = sketch(old(size))
    const result = await copyDisk(source, target)
    expect(source.only('read')).toEqual(['read 262144+262144'])
    expect(changes(target)).toEqual([
      'zero 0+262144 mayTrim fast',
      'write 262144+262144',
      'zero 524288+1572864 mayTrim fast',
      'flush',
    ])
    expect(result).toMatchObject({ read: 256 * KIB, written: 256 * KIB, zeroed: 1792 * KIB })
  })

  it('are written nowhere when the target is zero', async () => {
    const source = sketch(bytes, { extents: holes })
    const target = sketch(size)
    const result = await run(source, target, { targetIsZero: true })
    expect(changes(target)).toEqual(['write 262144+262144', 'flush'])
    expect(result).toMatchObject({ zeroed: 0, skipped: 1792 * KIB })
  })

  it('count as data when they do not read as zeroes', async () => {
    const source = sketch(bytes, { extents: extentsOf(EXTENT_HOLE, [0, size]) })
    const target = sketch(old(size))
    await run(source, target)
    expect(source.only('read').length).toBeGreaterThanOrEqual(8)
  })

  it('are zeroes when they are allocated', async () => {
    const source = sketch(new Uint8Array(size), { extents: extentsOf(EXTENT_ZERO, [0, size]) })
    const target = sketch(old(size))
    await copyDisk(source, target)
    expect(source.only('read')).toEqual([])
    expect(changes(target)).toEqual(['zero 0+2097152 mayTrim fast', 'flush'])
  })

  it('are read when nobody wants to know of them', async () => {
    const source = sketch(bytes, { extents: holes })
    const target = sketch(old(size))
    await copyDisk(source, target, { useExtents: false, sparse: 0 })
    expect(source.only('extents')).toEqual([])
    expect(source.only('read')).toHaveLength(8)
    expect(changes(target).filter((line) => line.startsWith('write'))).toHaveLength(8)
  })

  it('are not asked for where the source cannot tell', async () => {
    const source = sketch(bytes, { extents: holes, capabilities: { extents: false } })
    await copyDisk(source, sketch(size))
    expect(source.only('extents')).toEqual([])
    expect(source.only('read')).toHaveLength(8)
  })

  it('are found through answers that end early, asked for one ahead', async () => {
    const source = sketch(bytes, { extents: holes, answer: 100_000 })
    const target = sketch(old(size))
    await copyDisk(source, target)
    expect(source.only('read')).toEqual(['read 262144+262144'])
    expect(changes(target)).toEqual([
      'zero 0+262144 mayTrim fast',
      'write 262144+262144',
      'zero 524288+1572864 mayTrim fast',
      'flush',
    ])
  })

  it('end the copy when the question fails', async () => {
    const source = sketch(bytes, {
      refuse: ({ operation }) => {
        if (operation === 'extents') throw new PlatterError('IO_ERROR', 'extents: made to fail')
      },
    })
    const target = sketch(old(size))
    await expectCode(copyDisk(source, target), 'IO_ERROR')
    expect(target.log).toEqual([])
    await run(source, target, { useExtents: false })
  })
})

describe('zeroes on the target', () => {
  const size = 512 * KIB
  const holes = extentsOf(HOLE, [0, 128 * KIB], [256 * KIB, 128 * KIB])
  const bytes = content(size, [128 * KIB, 128 * KIB], [384 * KIB, 128 * KIB])
  const refusing = (fastOnly: boolean) => ({
    refuse: ({ operation, fast }: { operation: string; fast?: boolean }) => {
      if (operation === 'zero' && (!fastOnly || fast === true)) {
        throw new PlatterError('NOT_SUPPORTED', 'zero: not here')
      }
    },
  })
  const options = { requests: 1, requestSize: 128 * KIB }

  it('are asked for fast once, and plainly from then on', async () => {
    const target = sketch(old(size), refusing(true))
    await run(sketch(bytes, { extents: holes }), target, options)
    expect(changes(target)).toEqual([
      'zero 0+131072 mayTrim fast',
      'zero 0+131072 mayTrim',
      'write 131072+131072',
      'zero 262144+131072 mayTrim',
      'write 393216+131072',
      'flush',
    ])
  })

  it('are not asked for fast where that is not known', async () => {
    const target = sketch(old(size), { capabilities: { fastZero: false } })
    await run(sketch(bytes, { extents: holes }), target, options)
    expect(target.only('zero')).toEqual(['zero 0+131072 mayTrim', 'zero 262144+131072 mayTrim'])
  })

  it('are written once zeroing was turned down', async () => {
    const target = sketch(old(size), refusing(false))
    await run(sketch(bytes, { extents: holes }), target, options)
    expect(changes(target)).toEqual([
      'zero 0+131072 mayTrim fast',
      'zero 0+131072 mayTrim',
      'write 0+131072',
      'write 131072+131072',
      'write 262144+131072',
      'write 393216+131072',
      'flush',
    ])
  })

  it('are written where there is no zeroing', async () => {
    const target = sketch(old(size), { capabilities: { zero: false, fastZero: false } })
    const result = await run(sketch(bytes, { extents: holes }), target, options)
    expect(target.only('zero')).toEqual([])
    expect(target.only('write')).toHaveLength(4)
    expect(result.zeroed).toBe(256 * KIB)
  })

  it('are cut to what a timeout allows where they may be slow', async () => {
    const length = 80 * 1024 * KIB
    const source = sketch(length, { extents: extentsOf(HOLE, [0, length]) })
    const target = sketch(length, { capabilities: { fastZero: false } })
    await copyDisk(source, target)
    expect(target.only('zero')).toEqual([
      'zero 0+33554432 mayTrim',
      'zero 33554432+33554432 mayTrim',
      'zero 67108864+16777216 mayTrim',
    ])
  })
})

describe('zeroes in data', () => {
  const size = 64 * KIB
  const bytes = content(size, [0, 4096], [12 * KIB, 100], [60 * KIB, 4096])
  const source = () => sketch(bytes, { extents: [] })

  it('are zeroed from 4 KiB on', async () => {
    const target = sketch(old(size))
    await run(source(), target)
    expect(changes(target)).toEqual([
      'write 0+4096',
      'zero 4096+8192 mayTrim fast',
      'write 12288+4096',
      'zero 16384+45056 mayTrim fast',
      'write 61440+4096',
      'flush',
    ])
  })

  it('are zeroed in runs as long as it was told, and aligned', async () => {
    const target = sketch(old(size))
    await run(source(), target, { sparse: 16 * KIB })
    expect(changes(target)).toEqual([
      'write 0+16384',
      'zero 16384+32768 mayTrim fast',
      'write 49152+16384',
      'flush',
    ])
  })

  it('are zeroed in whole blocks of the target, however short they may be', async () => {
    const target = sketch(old(size), { blockSize: { preferred: 32 * KIB } })
    await run(sketch(content(size, [60 * KIB, 10]), { extents: [] }), target, { sparse: 512 })
    expect(changes(target)).toEqual(['zero 0+32768 mayTrim fast', 'write 32768+32768', 'flush'])
  })

  it('are written when nobody looks for them', async () => {
    const target = sketch(old(size))
    await run(source(), target, { sparse: 0 })
    expect(changes(target)).toEqual(['write 0+65536', 'flush'])
  })
})

describe('a shorter way between the two disks', () => {
  const size = 256 * KIB
  const bytes = content(size, [0, 64 * KIB], [128 * KIB, 128 * KIB])

  it('carries data without anybody reading it, and what is zero is left to the target', async () => {
    const [source, target] = [sketch(bytes, { extents: [] }), sketch(old(size))]
    const carried: string[] = []
    const rangeCopy = async ({ offset, length }: ByteRange, grain: number) => {
      carried.push(`${offset}+${length} by ${grain}`)
      return offset === 0 ? [{ offset: 64 * KIB, length: 64 * KIB }] : []
    }
    const result = await copyDisk(source, target, { rangeCopy, requestSize: 128 * KIB })
    expect(carried).toEqual(['0+131072 by 4096', '131072+131072 by 4096'])
    expect(source.only('read')).toEqual([])
    expect(changes(target)).toEqual(['zero 65536+65536 mayTrim fast', 'flush'])
    expect(result).toMatchObject({ read: size, written: 192 * KIB, zeroed: 64 * KIB })
  })

  it('is told when nobody looks for zeroes', async () => {
    const grains: number[] = []
    const rangeCopy = async (_: ByteRange, grain: number) => {
      grains.push(grain)
      return []
    }
    await copyDisk(sketch(bytes), sketch(old(size)), { rangeCopy, sparse: 0 })
    expect(grains).toEqual([0, 0])
  })

  it('is taken for each piece of data, and zeroes that are found are joined to those known', async () => {
    const extents = extentsOf(HOLE, [32 * KIB, 32 * KIB], [128 * KIB, 64 * KIB])
    const [source, target] = [sketch(bytes, { extents }), sketch(old(size))]
    const carried: string[] = []
    const rangeCopy = async ({ offset, length }: ByteRange) => {
      carried.push(`${offset}+${length}`)
      // What lies at the seams with what is known, and a piece by itself.
      return offset === 64 * KIB
        ? [
            { offset: 64 * KIB, length: 4 * KIB },
            { offset: 80 * KIB, length: 4 * KIB },
            { offset: 124 * KIB, length: 4 * KIB },
          ]
        : []
    }
    const result = await copyDisk(source, target, { rangeCopy })
    expect(carried).toEqual(['0+32768', '65536+65536', '196608+65536'])
    expect(changes(target)).toEqual([
      'zero 32768+36864 mayTrim fast',
      'zero 81920+4096 mayTrim fast',
      'zero 126976+69632 mayTrim fast',
      'flush',
    ])
    expect(result).toMatchObject({ read: 160 * KIB, written: 148 * KIB, zeroed: 108 * KIB })
  })

  it('is not for blocks that are put together of data and known zeroes', async () => {
    const extents = extentsOf(HOLE, [8 * KIB, 56 * KIB], [72 * KIB, 184 * KIB])
    const blockSize = { minimum: 512, preferred: 64 * KIB, maximum: 1024 * KIB }
    const [source, target] = [sketch(bytes, { extents }), sketch(old(size), { blockSize })]
    const rangeCopy = () => Promise.reject(new Error('it was asked'))
    await copyDisk(source, target, { rangeCopy, requestSize: 64 * KIB })
    expect(source.only('read')).toEqual(['read 0+8192', 'read 65536+8192'])
  })

  it('is not asked again once it could not, and the range is written', async () => {
    const [source, target] = [sketch(bytes, { extents: [] }), sketch(old(size))]
    let asked = 0
    const rangeCopy = async () => {
      asked++
      return undefined
    }
    await run(source, target, { rangeCopy, requests: 1, requestSize: 64 * KIB })
    expect(asked).toBe(1)
  })

  it('that fails ends the copy', async () => {
    const rangeCopy = async () => {
      throw new PlatterError('NO_SPACE', 'no space is left')
    }
    const error = await failureOf(copyDisk(sketch(bytes), sketch(old(size)), { rangeCopy }))
    expect(error).toMatchObject({ code: 'NO_SPACE', data: { completed: 0, offset: 0 } })
  })
})

describe('a block of the target', () => {
  const blockSize = { minimum: 512, preferred: 64 * KIB, maximum: 1024 * KIB }

  it('is assembled of fragments and written once', async () => {
    const size = 256 * KIB
    const bytes = content(size, [10 * KIB, 1000], [50 * KIB, 4096], [130 * KIB, 512])
    const extents = extentsOf(
      HOLE,
      [0, 8 * KIB],
      [12 * KIB, 36 * KIB],
      [56 * KIB, 72 * KIB],
      [132 * KIB, 124 * KIB],
    )
    const source = sketch(bytes, { extents })
    const target = sketch(old(size), { blockSize })
    await copyDisk(source, target)
    expect(source.only('read')).toEqual(['read 8192+4096', 'read 49152+8192', 'read 131072+4096'])
    expect(changes(target)).toEqual([
      'write 0+65536',
      'zero 65536+65536 mayTrim fast',
      'write 131072+65536',
      'zero 196608+65536 mayTrim fast',
      'flush',
    ])
    expectSameBytes(await readWhole(target), bytes)
  })

  it('is zeroed once when its fragments held nothing but zeroes', async () => {
    const size = 128 * KIB
    const source = sketch(content(size, [127 * KIB, 1]), {
      extents: extentsOf(HOLE, [0, 20 * KIB], [40 * KIB, 10 * KIB]),
    })
    const target = sketch(old(size), { blockSize })
    await run(source, target)
    expect(changes(target)).toEqual(['zero 0+65536 mayTrim fast', 'write 65536+65536', 'flush'])
  })

  it('is short at the end of the disk', async () => {
    const size = 64 * KIB + 1
    const target = sketch(old(size), { blockSize: { ...blockSize, minimum: 4096 } })
    await run(sketch(content(size, [0, size])), target)
    expect(changes(target)).toEqual(['write 0+65537', 'flush'])
  })

  it('keeps what the target holds behind the end of a shorter source', async () => {
    const size = 64 * KIB + 1
    const source = sketch(content(size, [0, size]))
    const target = sketch(old(128 * KIB), { blockSize: { ...blockSize, minimum: 4096 } })
    await copyDisk(source, target)
    expect(target.only('read')).toEqual(['read 65536+4096'])
    expect(changes(target)).toEqual(['write 0+69632', 'flush'])
    const bytes = await readWhole(target)
    expect(bytes.subarray(size).every((byte) => byte === 0xee)).toBe(true)
    expectSameBytes(bytes.subarray(0, size), await readWhole(source))
  })

  it('keeps it behind a source that ends with a hole, too', async () => {
    const size = 192 * KIB + 100
    const source = sketch(size, { extents: extentsOf(HOLE, [0, size]) })
    const target = sketch(old(512 * KIB), { blockSize: { ...blockSize, minimum: 4096 } })
    await copyDisk(source, target)
    expect(changes(target)).toEqual(['zero 0+196608 mayTrim fast', 'write 196608+4096', 'flush'])
    const bytes = await readWhole(target)
    expect(bytes.subarray(0, size).every((byte) => byte === 0)).toBe(true)
    expect(bytes.subarray(size).every((byte) => byte === 0xee)).toBe(true)
  })
})

describe('a copy is refused', () => {
  const untouched = async (
    target: ReturnType<typeof sketch>,
    call: Promise<unknown>,
    code: 'BAD_SIZE' | 'READ_ONLY' | 'BAD_REQUEST',
  ) => {
    await expectCode(call, code)
    expect(target.log).toEqual([])
  }

  it('onto a smaller target', async () => {
    const target = sketch(4095)
    await untouched(target, copyDisk(sketch(4096), target), 'BAD_SIZE')
  })

  it('onto one that takes no writes', async () => {
    const target = sketch(4096, { capabilities: { write: false } })
    await untouched(target, copyDisk(sketch(4096), target), 'READ_ONLY')
  })

  it.each([
    { requests: 0 },
    { requests: 1.5 },
    { requests: 100_000 },
    { requestSize: 0 },
    { requestSize: 2 * MAX_PAYLOAD },
    { sparse: 1 },
    { sparse: 5000 },
    { sparse: 2 * MAX_PAYLOAD },
  ])('with options that cannot be: %o', async (options) => {
    const target = sketch(4096)
    await untouched(target, copyDisk(sketch(4096), target, options), 'BAD_REQUEST')
  })

  it('by a map that stands still, and by one that is endlessly fine', async () => {
    const still = sketch(1024 * KIB, {
      blockSize: { minimum: 4096 },
      extents: [],
      answer: 512,
    })
    await expectCode(copyDisk(still, sketch(1024 * KIB)), 'PROTOCOL')
    const fine = sketch(1024 * KIB, { answer: 1 })
    await expectCode(copyDisk(fine, sketch(1024 * KIB)), 'LIMIT')
  })
})
