// Random sources, extents, block sizes and options against plain bytes. What the target is asked for
// obeys its block sizes, whatever comes.

import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { alignUp } from '../base/ranges'
import type { BlockSize } from '../disk/disk'
import { expectSameBytes, readWhole } from '../testing/expect-disk'
import { jittery } from '../testing/turn-clock'
import { KIB, randomSource, type SketchDisk, sketch } from './copy.test-helper'
import { copyDisk } from './copy-disk'

function randomBlocks(prng: Prng): BlockSize {
  const minimum = 2 ** prng.below(14)
  const preferred = minimum * 2 ** prng.below(6)
  const maximum = Math.max(8192, preferred * (1 + prng.below(8)) + minimum * prng.below(3))
  return { minimum, preferred, maximum: prng.bool() ? maximum : 32 * 1024 * KIB }
}

/** Every change is of whole preferred blocks, the last of the copy excepted, and no block is met twice. */
function checkRules(target: SketchDisk, end: number, disjoint: boolean): void {
  const { preferred, maximum } = target.blockSize
  let before = 0
  const changes = target.requests
    .filter(({ operation }) => operation === 'write' || operation === 'zero')
    .sort((a, b) => a.offset - b.offset)
  for (const { operation, offset, length } of changes) {
    const what = `${operation} ${offset}+${length} (preferred ${preferred}, maximum ${maximum})`
    expect(offset % preferred, what).toBe(0)
    if (offset + length < end) expect(length % preferred, what).toBe(0)
    if (operation === 'write') expect(length, what).toBeLessThanOrEqual(maximum)
    if (disjoint) expect(offset, what).toBeGreaterThanOrEqual(before)
    before = offset + length
  }
}

async function runOnce(seed: number): Promise<void> {
  const prng = new Prng(seed)
  const size = 1 + prng.below(600_000)
  const { bytes, extents } = randomSource(prng, size)
  const sourceBlocks = randomBlocks(prng)
  const targetBlocks = randomBlocks(prng)
  const targetIsZero = prng.bool(0.3)
  const targetSize = size + prng.pick([0, 0, 1, 5000, 300_000])
  const before = new Uint8Array(targetSize)
  if (!targetIsZero) prng.fill(before)
  const zero = prng.bool(0.8)
  const source = sketch(bytes, {
    blockSize: sourceBlocks,
    extents,
    answer: alignUp(prng.pick([3000, 100_000, 10_000_000]), sourceBlocks.minimum),
    capabilities: { extents: prng.bool(0.9) },
  })
  const target = sketch(before, {
    blockSize: targetBlocks,
    capabilities: { zero, fastZero: zero && prng.bool() },
  })
  const result = await copyDisk(
    jittery(source, new Prng(seed + 1)),
    jittery(target, new Prng(seed + 2)),
    {
      targetIsZero,
      requests: 1 + prng.below(20),
      requestSize: 1 + prng.below(500_000),
      sparse: prng.pick([undefined, 0, 512, 4096, 65536]),
      useExtents: prng.bool(0.8),
    },
  )
  const after = await readWhole(target)
  expectSameBytes(after.subarray(0, size), bytes)
  expectSameBytes(after.subarray(size), before.subarray(size))
  const end = Math.min(alignUp(size, targetBlocks.minimum), targetSize)
  checkRules(target, end, true)
  expect(result.written + result.zeroed + result.skipped).toBeGreaterThanOrEqual(size)
}

describe('random copies', () => {
  for (let group = 0; group < 8; group++) {
    it(`leave the bytes of the source and obey the target, seeds ${group * 25} and on`, async () => {
      for (let i = 0; i < 25; i++) {
        const seed = group * 25 + i
        await runOnce(seed).catch((error: unknown) => {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
        })
      }
    })
  }
})
