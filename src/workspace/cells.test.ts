import { describe, expect, it } from 'vitest'
import { decodeCells } from '../bridge/frames'
import { Prng } from '../engine/base/prng'
import { MemoryDisk } from '../engine/disk/memory-disk'
import { OverlayDisk } from '../engine/layers/overlay'
import { Survey } from '../engine/survey/survey'
import { surveyDisk } from '../engine/survey/survey-disk'
import { fillCells } from './cells'

const BLOCK = 4096
const SIZE = 3 * 1024 * 1024 + 700

/** An overlay with a seeded mix of written and zeroed blocks, and its survey. */
async function stagedOverlay(seed: number) {
  const random = new Prng(seed)
  const base = new MemoryDisk(SIZE)
  await base.write(random.fill(new Uint8Array(500_000)), 300_000)
  const store = new MemoryDisk(Math.ceil(SIZE / BLOCK) * BLOCK)
  const overlay = new OverlayDisk({ base, store, blockSize: BLOCK })
  for (let i = 0; i < 60; i++) {
    const offset = random.below(SIZE)
    const length = 1 + random.below(Math.min(20_000, SIZE - offset))
    if (random.bool()) await overlay.write(random.fill(new Uint8Array(length)), offset)
    else await overlay.zero(offset, length, { mayTrim: true })
  }
  const survey = new Survey(SIZE)
  await surveyDisk({ disk: overlay, survey })
  return { overlay, survey }
}

describe('fillCells', () => {
  for (const cellBytes of [512, 2048, BLOCK, 32 * 1024, 64 * 1024, 1024 * 1024, 2 ** 32]) {
    it(`tells the exact bytes of every cell of ${cellBytes} bytes`, async () => {
      const { overlay, survey } = await stagedOverlay(cellBytes)
      const firstCell = cellBytes <= BLOCK ? 3 : 0
      const cellCount = Math.ceil(SIZE / cellBytes) - firstCell + 2
      const frame = fillCells(survey, overlay, { cellBytes, firstCell, cellCount })
      const cells = decodeCells(frame, cellBytes)
      for (let i = 0; i < cellCount; i++) {
        const offset = (firstCell + i) * cellBytes
        const inside = Math.max(0, Math.min(cellBytes, SIZE - offset))
        const staged = overlay.stagedIn(offset, inside)
        const base = survey.totalsIn(offset, inside)
        expect({
          data: cells.data[i],
          zero: cells.zero[i],
          hole: cells.hole[i],
          unknown: cells.unknown[i],
          written: cells.written[i],
          zeroed: cells.zeroed[i],
        }).toEqual({ ...base, ...staged })
        expect(cells.data[i]! + cells.zero[i]! + cells.hole[i]! + cells.unknown[i]!).toBe(inside)
      }
    })
  }
})
