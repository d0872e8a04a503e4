import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { MemoryDisk } from '../disk/memory-disk'
import { expectSameBytes, readWhole } from '../testing/expect-disk'
import { randomBytes } from '../testing/overlay-setup'
import { describeRequest, LogDisk } from './log'
import { readRanges, readSpan, writeSpan } from './span-io'

const SIZE = 300_000

function makeDisk(minimum: number, maximum: number) {
  const content = randomBytes(SIZE, minimum)
  const blockSize = { minimum, preferred: Math.max(minimum, 512), maximum }
  const log: string[] = []
  const disk = new LogDisk({
    disk: MemoryDisk.from(content, { blockSize }),
    onRequest: (request) => log.push(describeRequest(request)),
  })
  return { disk, content, log }
}

describe('a span of any offset and length', () => {
  for (const [minimum, maximum] of [
    [1, 1 << 20],
    [1, 1000],
    [512, 512],
    [4096, 10_000],
    [65536, 65536],
  ] as const) {
    it(`is read and written on a disk with blocks from ${minimum} to ${maximum}`, async () => {
      const { disk, content } = makeDisk(minimum, maximum)
      const prng = new Prng(maximum)
      for (let i = 0; i < 60; i++) {
        const offset = prng.below(SIZE)
        const length = Math.min(SIZE - offset, 1 + prng.below(20_000))
        const bytes = prng.fill(new Uint8Array(length))
        await writeSpan(disk, bytes, offset)
        content.set(bytes, offset)
        const from = prng.below(SIZE - 1)
        const target = new Uint8Array(Math.min(SIZE - from, 30_000))
        await readSpan(disk, target, from, {})
        expectSameBytes(target, content.subarray(from, from + target.length))
      }
      expectSameBytes(await readWhole(disk), content)
    })
  }

  it('that fits is passed on as it is', async () => {
    const { disk, log } = makeDisk(512, 4096)
    await readSpan(disk, new Uint8Array(1024), 512, {})
    await writeSpan(disk, new Uint8Array(SIZE % 512), SIZE - (SIZE % 512))
    expect(log).toEqual(['read 512+1024', `write ${SIZE - (SIZE % 512)}+${SIZE % 512}`])
  })

  it('that does not fit is cut at preferred blocks', async () => {
    const { disk, log } = makeDisk(1, 1300)
    await readSpan(disk, new Uint8Array(2000), 100, {})
    expect(log).toEqual(['read 100+924', 'read 1024+1024', 'read 2048+52'])
  })
})

describe('ranges near one another', () => {
  it('are read in one request, and those far apart in their own', async () => {
    const { disk, content, log } = makeDisk(1, 1 << 20)
    const ranges = [
      { offset: 10, length: 5 },
      { offset: 15, length: 5 },
      { offset: 65_000, length: 100 },
      { offset: 200_000, length: 1 },
    ]
    const read = await readRanges(disk, ranges)
    expect(log).toEqual(['read 10+65090', 'read 200000+1'])
    for (const [i, { offset, length }] of ranges.entries()) {
      expectSameBytes(read[i]!, content.subarray(offset, offset + length))
    }
    expect(await readRanges(disk, [])).toEqual([])
  })
})
