// Random work on overlays of many shapes beside a plain array of bytes, with answers in any order.

import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { alignUp } from '../base/ranges'
import type { BlockSize } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import { ByteModel } from '../testing/byte-model'
import { runDiskModel } from '../testing/disk-model'
import { randomBytes, trimInBlocks } from '../testing/overlay-setup'
import { jittery } from '../testing/turn-clock'
import { LogDisk } from './log'
import { OverlayDisk } from './overlay'

interface Shape {
  readonly blockSize: number
  readonly size: number
  readonly baseSize: number
  readonly baseMinimum: number
  readonly storeMinimum: number
}

const blocksOf = (minimum: number): BlockSize => ({
  minimum,
  preferred: Math.max(minimum, 4096),
  maximum: Math.max(minimum * 5, 100_000),
})

function shapeOf(seed: number, blockSize: number): Shape {
  const prng = new Prng(seed + blockSize)
  const size = 12 * blockSize + prng.pick([0, 1, 4095, blockSize - 1])
  return {
    blockSize,
    size,
    baseSize: prng.pick([size, size, size - 3 * blockSize - 100, size + 5000, 1]),
    baseMinimum: prng.pick([1, 1, 512, 4096, 65536]),
    storeMinimum: prng.pick([1, 1, 512, 4096]),
  }
}

async function runShape(shape: Shape, seed: number): Promise<void> {
  const { blockSize, size } = shape
  const prng = new Prng(seed)
  const baseBytes = randomBytes(shape.baseSize, seed)
  baseBytes.fill(0, shape.baseSize / 2, shape.baseSize / 2 + 2 * blockSize)
  const memory = MemoryDisk.from(baseBytes, { blockSize: blocksOf(shape.baseMinimum) })
  const changes: string[] = []
  const base = new LogDisk({
    disk: jittery(memory, prng),
    onRequest: ({ operation }) => {
      if (!['read', 'extents', 'cache'].includes(operation)) changes.push(operation)
    },
  })
  const store = new MemoryDisk(alignUp(size, blockSize), {
    blockSize: blocksOf(shape.storeMinimum),
  })
  const overlay = new OverlayDisk({ base, store: jittery(store, prng), blockSize, size })
  const content = new Uint8Array(size)
  content.set(baseBytes.subarray(0, size))
  const model = new ByteModel(content)
  const before = content.slice()
  const onTrim = trimInBlocks(blockSize)
  await runDiskModel(overlay, { seed, steps: 250, content: model, onTrim, inFlight: 12 })
  await runDiskModel(overlay, { seed: seed + 1000, steps: 50, content: model, onTrim, unit: 512 })
  const { written, zeroed } = overlay.staged()
  let runs = 0
  let bytes = 0
  for (const run of overlay.stagedRuns()) {
    runs++
    bytes += run.length
  }
  expect([runs, bytes]).toEqual([overlay.stagedRunCount(), written + zeroed])
  await overlay.discard()
  model.write(before, 0)
  await runDiskModel(overlay, { seed: seed + 2000, steps: 50, content: model, onTrim })
  await overlay.close()
  expect(changes).toEqual([])
  expect(overlay.releaseError).toBe(undefined)
}

for (const blockSize of [4096, 65536]) {
  describe(`an overlay with blocks of ${blockSize} bytes agrees with a byte array`, () => {
    for (let seed = 1; seed <= 25; seed++) {
      it(`(seed ${seed})`, () => runShape(shapeOf(seed, blockSize), seed))
    }
  })
}
