import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import { alignUp, type ByteRange } from '../base/ranges'
import { FaultDisk } from '../layers/fault'
import { expectCode } from '../testing/expect-disk'
import { failNth, failureOf } from '../testing/fail-nth'
import { jittery } from '../testing/turn-clock'
import { type CompareOptions, compareDisks, FIRST_MOST } from './compare-disks'
import { content, extentsOf, HOLE, KIB, randomSource, sketch } from './copy.test-helper'

type Sketch = ReturnType<typeof sketch>

async function compare(
  a: Parameters<typeof compareDisks>[0],
  b: Sketch | typeof a,
  options: CompareOptions = {},
) {
  const ranges: ByteRange[] = []
  const result = await compareDisks(a, b, {
    ...options,
    onRanges: async (found) => {
      await new Promise((resolve) => setImmediate(resolve))
      ranges.push(...found)
    },
  })
  expect(result.ranges).toBe(ranges.length)
  expect(result.bytes).toBe(ranges.reduce((sum, { length }) => sum + length, 0))
  expect(result.same).toBe(ranges.length === 0)
  return { ...result, found: ranges.map(({ offset, length }) => [offset, length]) }
}

/** Byte by byte, the shorter one followed by zeroes. */
function expected(a: Uint8Array, b: Uint8Array): [number, number][] {
  const found: [number, number][] = []
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    if ((a[at] ?? 0) === (b[at] ?? 0)) continue
    const last = found.at(-1)
    if (last !== undefined && last[0] + last[1] === at) last[1]++
    else found.push([at, 1])
  }
  return found
}

describe('a comparison', () => {
  const size = 1024 * KIB

  it('of equal disks finds nothing and reads all of both', async () => {
    const bytes = content(size, [0, size])
    const [a, b] = [sketch(bytes), sketch(bytes)]
    expect(await compare(a, b)).toMatchObject({ same: true, sizes: [size, size], skipped: 0 })
    expect(a.only('read')).toHaveLength(4)
    expect(b.only('read')).toEqual(a.only('read'))
  })

  it('finds every range to the byte, joined across requests', async () => {
    const other = content(size, [1, 1], [3, 2], [262_140, 9], [500_000, 70_000], [size - 1, 1])
    const { found } = await compare(sketch(size), sketch(other), { requestSize: 16 * KIB })
    expect(found).toEqual([
      [1, 1],
      [3, 2],
      [262_140, 9],
      [500_000, 70_000],
      [size - 1, 1],
    ])
  })

  it('reads nothing that both sides know to be zero, and one side of what one knows', async () => {
    const bytes = content(size, [256 * KIB, 256 * KIB])
    const a = sketch(bytes, { extents: extentsOf(HOLE, [0, 256 * KIB], [512 * KIB, 512 * KIB]) })
    const b = sketch(bytes, { extents: extentsOf(HOLE, [0, 128 * KIB], [512 * KIB, 512 * KIB]) })
    expect(await compare(a, b)).toMatchObject({ same: true, skipped: 640 * KIB })
    expect(a.only('read')).toEqual(['read 262144+262144'])
    expect(b.only('read')).toEqual(['read 131072+131072', 'read 262144+262144'])
  })

  it('asks neither for extents when told so', async () => {
    const [a, b] = [sketch(size), sketch(size)]
    expect(await compare(a, b, { useExtents: false })).toMatchObject({ same: true, skipped: 0 })
    expect(a.only('extents', 'read')).toHaveLength(4)
  })

  it('takes the longer disk’s end as equal when it is zero, and only then', async () => {
    const short = sketch(content(1000, [0, 1000]))
    const zeroTail = sketch(content(9000, [0, 1000]))
    expect(await compare(short, zeroTail)).toMatchObject({ same: true, sizes: [1000, 9000] })
    const tail = sketch(content(9000, [0, 1000], [8999, 1]))
    expect((await compare(short, tail)).found).toEqual([[8999, 1]])
    expect((await compare(tail, short)).found).toEqual([[8999, 1]])
  })

  it('stops at the first range when that is enough', async () => {
    const a = sketch(content(64 * 1024 * KIB, [70_000, 5], [80_000, 5]), { extents: [] })
    const b = sketch(64 * 1024 * KIB, { extents: [] })
    const { found } = await compare(a, b, { first: true, requests: 4 })
    expect(found).toEqual([[70_000, 5]])
    expect(a.only('read').length).toBeLessThanOrEqual(5)
  })

  it('follows a first range that has no end only so far', async () => {
    const length = 16 * FIRST_MOST
    const a = sketch(content(length, [FIRST_MOST, length - FIRST_MOST]), { extents: [] })
    const { found } = await compare(a, sketch(length), { first: true, requests: 2 })
    expect(found).toEqual([[FIRST_MOST, FIRST_MOST]])
    expect(a.only('read').length).toBeLessThanOrEqual(10)
  })

  it('keeps to the block sizes of both disks', async () => {
    const bytes = content(100_001, [0, 100_001])
    const a = sketch(bytes, { blockSize: { minimum: 4096, preferred: 4096, maximum: 8192 } })
    const b = sketch(content(90_000, [0, 90_000]), {
      blockSize: { minimum: 512, preferred: 65536, maximum: 65536 },
    })
    expect((await compare(a, b)).found).toEqual([[90_000, 10_001]])
  })

  it('tells how far it is', async () => {
    const clock = new ManualClock()
    const told: number[] = []
    const onProgress = ({ done, total }: { done: number; total: number }) => told.push(done, total)
    await compare(sketch(size), sketch(5 * size), { clock, onProgress })
    expect(told).toEqual([5 * size, 5 * size])
  })
})

describe('a comparison that fails', () => {
  it.each(['read', 'extents'] as const)(
    'at its n-th %s rejects with nothing in flight',
    async (operation) => {
      const bytes = content(512 * KIB, [0, 300 * KIB])
      const struck = await failNth({ operation, code: 'IO_ERROR' }, async (fault) => {
        const a = new FaultDisk({ disk: sketch(bytes), plan: [fault] })
        const error = await failureOf(compareDisks(a, sketch(bytes), { requestSize: 64 * KIB }))
        if (error === undefined) return false
        await a.close()
        expect(error).toMatchObject({ code: 'IO_ERROR' })
        return true
      })
      expect(struck).toBeGreaterThanOrEqual(1)
    },
  )

  it('is cancelled', async () => {
    const abort = new AbortController()
    const a = sketch(content(512 * KIB, [0, 512 * KIB]))
    const onRanges = () => abort.abort()
    const options = { onRanges, signal: abort.signal, requests: 1, requestSize: 4096 }
    await expectCode(
      compareDisks(a, sketch(512 * KIB, { extents: [] }), {
        ...options,
        signal: AbortSignal.abort(),
      }),
      'ABORTED',
    )
    const patchy = sketch(content(512 * KIB, [0, 10], [200 * KIB, 10]), { extents: [] })
    await expectCode(compareDisks(patchy, sketch(512 * KIB, { extents: [] }), options), 'ABORTED')
  })

  it('passes on what its taker throws', async () => {
    const onRanges = () => {
      throw new PlatterError('IO_ERROR', 'standard output: full')
    }
    await expectCode(
      compareDisks(sketch(content(10, [0, 1])), sketch(10), { onRanges }),
      'IO_ERROR',
    )
  })
})

describe('random comparisons', () => {
  it('find what a look at each byte finds, seeds 0 to 99', async () => {
    for (let seed = 0; seed < 100; seed++) {
      const prng = new Prng(seed)
      const { bytes, extents } = randomSource(prng, 1 + prng.below(300_000))
      const other = new Uint8Array(Math.max(1, bytes.length + prng.pick([0, 0, -700, 900])))
      other.set(bytes.subarray(0, other.length))
      let changed = extents
      for (let i = prng.below(5); i > 0; i--) {
        const at = prng.below(other.length)
        other.subarray(at, at + prng.below(10_000)).fill(prng.below(3))
        changed = []
      }
      const minimum = 2 ** prng.below(13)
      const blockSize = { minimum, preferred: Math.max(4096, minimum), maximum: 65536 }
      const answer = alignUp(prng.pick([5000, 100_000]), minimum)
      const a = jittery(sketch(bytes, { extents, blockSize, answer }), new Prng(seed))
      const b = jittery(sketch(other, { extents: changed }), new Prng(seed + 7))
      const requestSize = 1 + prng.below(100_000)
      const { found } = await compare(a, b, { requests: 1 + prng.below(9), requestSize })
      expect(found, `seed ${seed}`).toEqual(expected(bytes, other))
    }
  })
})
