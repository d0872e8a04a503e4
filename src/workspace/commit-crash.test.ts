// What a crash at any moment of a commit, and of an undoing, leaves: every state of the files is opened,
// finished, and undone, and has to come to the bytes that were to be.

import { describe, expect, it } from 'vitest'
import type { CrashFiles } from '../engine/testing/crash-files'
import { describeCounts } from '../engine/testing/crash-states'
import {
  baseOf,
  checkCommit,
  commitAt,
  expectBytes,
  look,
  SMALL,
  type Staged,
  stage,
  UNDO,
  type Variant,
} from './commit-crash.test-helper'
import { afterEveryCrash, CRASH_BLOCK as BLOCK, CRASH_PATH } from './overlay-crash.test-helper'

interface Tried extends Variant {
  readonly seeds: readonly number[]
  readonly most: number
}

const RANGES = [
  { offset: BLOCK, length: 3 * BLOCK },
  { offset: 7 * BLOCK + 5, length: BLOCK },
]

const VARIANTS: readonly Tried[] = [
  { name: 'everything', version: 2, baseSize: SMALL, undo: false, seeds: [1, 2], most: 400 },
  {
    name: 'everything, undo',
    version: 2,
    baseSize: SMALL,
    undo: true,
    seeds: [1, 2, 3],
    most: 500,
  },
  {
    name: 'ranges',
    version: 2,
    baseSize: SMALL,
    undo: false,
    ranges: RANGES,
    seeds: [1],
    most: 300,
  },
  {
    name: 'ranges, undo',
    version: 2,
    baseSize: SMALL,
    undo: true,
    ranges: RANGES,
    seeds: [1],
    most: 300,
  },
  {
    name: 'a base that grows, undo',
    version: 2,
    baseSize: 5 * BLOCK + 1024,
    size: SMALL,
    undo: true,
    seeds: [1, 2, 3],
    most: 500,
  },
  {
    name: 'a base that is longer, undo',
    version: 2,
    baseSize: SMALL + 3 * BLOCK,
    size: SMALL,
    undo: true,
    seeds: [1],
    most: 300,
  },
  { name: 'version 1, undo', version: 1, baseSize: SMALL, undo: true, seeds: [1, 2], most: 300 },
]

describe('after every crash of a commit', () => {
  for (const variant of VARIANTS) {
    it.each(variant.seeds)(`${variant.name} (seed %i)`, async (seed) => {
      const staged = await stage(variant, seed)
      const { files } = staged
      await commitAt(files, variant)
      files.mark('over')
      expectBytes(baseOf(files), staged.after, 'the base')
      const seen = { committing: 0, other: 0 }
      const counts = await afterEveryCrash(
        files,
        { seed, most: variant.most },
        async (space, marks, index) => {
          const before = await space.settled()
          const { state } = await look(before, variant)
          seen[state === 'committing' ? 'committing' : 'other']++
          if (state === 'committing' && index % 83 === 1) await checkTwice(before, variant, staged)
          await checkCommit(space, variant, staged, marks.length > 0)
        },
      )
      process.stdout.write(`commit of ${variant.name}, seed ${seed}: ${describeCounts(counts)}\n`)
      if (variant.version === 2) expect(Math.min(seen.committing, seen.other)).toBeGreaterThan(5)
    })
  }
})

/** Another crash, while it is finished. */
async function checkTwice(space: CrashFiles, variant: Variant, staged: Staged): Promise<void> {
  await commitAt(space, {})
  await afterEveryCrash(space, { seed: 5, most: 20 }, (twice) =>
    checkCommit(twice, variant, staged, false),
  )
}

describe('after every crash of an undoing, undoing again comes to the old bytes', () => {
  const undone = VARIANTS.filter(({ undo, ranges, version }) => undo && !ranges && version === 2)
  for (const variant of undone) {
    it(`${variant.name}`, async () => {
      const staged = await stage(variant, 4)
      await commitAt(staged.files, variant)
      const files = await staged.files.settled()
      await commitAt(files, {}, UNDO)
      files.mark('over')
      expectBytes(baseOf(files), staged.before, 'the base')
      const counts = await afterEveryCrash(files, { seed: 1, most: 300 }, async (space, marks) => {
        if (marks.length > 0) expectBytes(baseOf(space), staged.before, 'the base when told so')
        await commitAt(space, {}, UNDO)
        expectBytes(baseOf(space), staged.before, 'the base after undoing again')
      })
      process.stdout.write(`undoing, ${variant.name}: ${describeCounts(counts)}\n`)
    })
  }
})

describe('the simulation notices', () => {
  it('when the base is written although the header is not stable', async () => {
    const variant = VARIANTS[1] as Variant
    const staged = await stage(variant, 1)
    staged.files.deafTo = CRASH_PATH
    await commitAt(staged.files, variant)
    await expect(
      afterEveryCrash(staged.files, { seed: 1, most: 300 }, (space) =>
        checkCommit(space, variant, staged, false),
      ),
    ).rejects.toThrow()
  })

  it('when the undo file is not stable before the base is written', async () => {
    const variant = VARIANTS[1] as Variant
    const staged = await stage(variant, 1)
    staged.files.deafTo = `${UNDO}.image`
    await commitAt(staged.files, variant)
    await expect(
      afterEveryCrash(staged.files, { seed: 1, most: 300 }, (space) =>
        checkCommit(space, variant, staged, false),
      ),
    ).rejects.toThrow(/undo/)
  })
})
