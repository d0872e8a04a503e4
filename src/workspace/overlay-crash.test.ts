// What a crash at any moment leaves of a lasting overlay: seeded work on files in memory that record
// everything, and every state of them that a crash could have left, opened and looked at.

import { describe, expect, it } from 'vitest'
import { PlatterError } from '../engine/base/errors'
import type { CrashFiles } from '../engine/testing/crash-files'
import { type CrashCounts, describeCounts } from '../engine/testing/crash-states'
import {
  checkWork,
  planWork,
  runWork,
  type WorkNote,
  workBase,
} from '../engine/testing/overlay-work'
import type { LayerOptions } from './lasting-overlay-layers'
import {
  afterEveryCrash,
  CRASH_BLOCK as BLOCK,
  baseAlone,
  CRASH_BASE,
  CRASH_IMAGE,
  CRASH_PATH,
  type CrashSetup,
  contentAt,
  contentOf,
  createAt,
  expectBaseUntouched,
  isEqual,
  openAt,
  overlayOnCrashFiles,
  regionOf,
} from './overlay-crash.test-helper'

interface Variant extends CrashSetup {
  readonly name: string
  readonly seeds: readonly number[]
  readonly batches: number
  readonly most: number
  /** Offsets and lengths of the work. */
  readonly unit?: number
  readonly open?: Partial<LayerOptions>
}

const SMALL = 12 * BLOCK + 512
const PAGE_END = 16_320 * BLOCK

const VARIANTS: readonly Variant[] = [
  { name: 'version 1', version: 1, baseSize: SMALL, seeds: [1, 2, 3], batches: 25, most: 800 },
  { name: 'version 2', version: 2, baseSize: SMALL, seeds: [1, 2, 3], batches: 25, most: 800 },
  {
    name: 'version 2, any bytes',
    version: 2,
    baseSize: SMALL - 100,
    seeds: [1, 2],
    batches: 15,
    most: 250,
    unit: 1,
  },
  {
    name: 'version 2, a base that ends early',
    version: 2,
    baseSize: 5 * BLOCK + 1024,
    size: SMALL,
    seeds: [1, 2],
    batches: 20,
    most: 400,
  },
  {
    name: 'version 2, copied when read',
    version: 2,
    baseSize: SMALL,
    seeds: [1, 2],
    batches: 20,
    most: 400,
    open: { copyOnRead: true },
  },
  {
    name: 'version 2, two pages of states',
    version: 2,
    baseSize: PAGE_END + 5 * BLOCK,
    seeds: [1, 2, 3],
    batches: 15,
    most: 150,
    region: { offset: PAGE_END - 5 * BLOCK, length: 10 * BLOCK },
  },
]

/** Seeded work, closed at the end, on what is recorded. */
async function workOn(files: CrashFiles, variant: Variant, seed: number) {
  const { baseSize, size = baseSize, unit = 512, batches } = variant
  const blockSize = variant.version === 1 ? 512 : BLOCK
  const plan = planWork({ seed, size, blockSize, batches, region: regionOf(variant), unit })
  const lasting = await openAt(files, variant.open)
  await runWork(plan, lasting.overlay, (note) => files.mark(note))
  await lasting.close()
  expect(files.openDisks).toBe(0)
  expectBaseUntouched(files)
  return plan
}

async function tryWork(files: CrashFiles, variant: Variant, seed: number): Promise<CrashCounts> {
  const plan = await workOn(files, variant, seed)
  const region = regionOf(variant)
  // Only the bytes in the region are looked at.
  const base = new Uint8Array(variant.baseSize)
  base.set(workBase(Math.min(region.length, variant.baseSize), 77), region.offset)
  return afterEveryCrash(files, { seed, most: variant.most }, async (space, marks, index) => {
    const writable = index % 5 !== 0
    const content = await contentAt(space, region, { writable })
    const notes = marks as WorkNote[]
    const { unit = 512 } = variant
    checkWork({ plan, notes, base, content, start: region.offset, unit })
    if (writable && index % 9 === 1) {
      const again = await openAt(space)
      expect(again.header?.state ?? 'clean').toBe('clean')
      expect(isEqual(await contentOf(again, region), content)).toBe(true)
      await again.close()
    }
    if (writable && index % 97 === 1) {
      // Another crash, while it is put right or closed, takes nothing away.
      await afterEveryCrash(space, { seed, most: 40 }, async (twice) => {
        expect(isEqual(await contentAt(twice, region), content)).toBe(true)
      })
    }
  })
}

describe('after every crash, an overlay has what was made stable, and nothing from nowhere', () => {
  for (const variant of VARIANTS) {
    it.each(variant.seeds)(`${variant.name} (seed %i)`, async (seed) => {
      const counts = await tryWork(await overlayOnCrashFiles(variant), variant, seed)
      process.stdout.write(`${variant.name}, seed ${seed}: ${describeCounts(counts)}\n`)
      expect(counts.prefixes + counts.subsets + counts.torn).toBeGreaterThan(variant.most / 2)
    })
  }

  const caught: [1 | 2, string][] = [
    [1, CRASH_IMAGE],
    [1, CRASH_PATH],
    [2, CRASH_IMAGE],
    [2, CRASH_PATH],
  ]
  it.each(caught)(
    'which version %i has not when the flush of %s does nothing',
    async (version, deaf) => {
      const variant = { ...(VARIANTS[0] as Variant), version }
      const files = await overlayOnCrashFiles(variant)
      files.deafTo = deaf
      await expect(tryWork(files, variant, 1)).rejects.toThrow(
        /neither the base nor what may be there/,
      )
    },
  )
})

describe('a crash while an overlay is made', () => {
  it.each([1, 2] as const)('leaves one of version %i, or a plain refusal', async (version) => {
    const setup = { version, baseSize: SMALL }
    const files = baseAlone(setup)
    const before = files.bytesOf(CRASH_BASE) as Uint8Array
    await createAt(files, setup)
    files.mark('made')
    const codes = new Set<string>()
    const counts = await afterEveryCrash(files, { seed: 1, most: 2000 }, async (space, marks) => {
      try {
        expect(isEqual(await contentAt(space, regionOf(setup)), before)).toBe(true)
        codes.add('opens')
      } catch (error) {
        if (marks.length > 0 || !(error instanceof PlatterError)) throw error
        codes.add(error.code)
      }
      expect(isEqual(space.bytesOf(CRASH_BASE) as Uint8Array, before)).toBe(true)
    })
    process.stdout.write(`making, version ${version}: ${describeCounts(counts)}\n`)
    expect([...codes]).toEqual(expect.arrayContaining(['opens', 'NOT_FOUND']))
  })
})
