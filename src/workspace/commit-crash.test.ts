// What a crash at any moment of a commit, and of an undoing, leaves: every state of the files is opened,
// finished, and undone, and has to come to the bytes that were to be.

import { describe, expect, it } from 'vitest'
import type { ByteRange } from '../engine/base/ranges'
import type { CrashFiles } from '../engine/testing/crash-files'
import { describeCounts } from '../engine/testing/crash-states'
import { planWork, runWork } from '../engine/testing/overlay-work'
import { commitLasting, undoInterrupted } from './commit-lasting'
import { openLastingOverlay } from './lasting-overlay'
import {
  afterEveryCrash,
  CRASH_BLOCK as BLOCK,
  CRASH_BASE,
  CRASH_PATH,
  type CrashSetup,
  contentOf,
  isEqual,
  openAt,
  overlayOnCrashFiles,
  regionOf,
} from './overlay-crash.test-helper'

const UNDO = '/d/undo.acow'
const SMALL = 12 * BLOCK + 512

interface Variant extends CrashSetup {
  readonly name: string
  readonly undo: boolean
  readonly ranges?: readonly ByteRange[]
  readonly seeds: readonly number[]
  readonly most: number
}

const RANGES = [
  { offset: BLOCK, length: 3 * BLOCK },
  { offset: 7 * BLOCK + 5, length: BLOCK },
]

const VARIANTS: readonly Variant[] = [
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

interface Staged {
  readonly files: CrashFiles
  /** The base before the commit, and after it; what the overlay reads as. */
  readonly before: Uint8Array
  readonly after: Uint8Array
  readonly wanted: Uint8Array
}

/** Something is staged, stably, and nothing is recorded yet. */
async function stage(variant: Variant, seed: number): Promise<Staged> {
  const files = await overlayOnCrashFiles(variant)
  const { baseSize, size = baseSize, version } = variant
  const lasting = await openAt(files)
  const blockSize = version === 1 ? 512 : BLOCK
  const plan = planWork({ seed, size, blockSize, batches: 6 })
  await runWork(plan, lasting.overlay, () => undefined)
  await lasting.overlay.write(new Uint8Array(BLOCK).fill(0x31), BLOCK)
  await lasting.overlay.write(new Uint8Array(700).fill(0x33), size - 700)
  await lasting.overlay.flush()
  const wanted = await contentOf(lasting, regionOf(variant))
  const before = files.bytesOf(CRASH_BASE) as Uint8Array
  const { overlay } = lasting
  const chosen = variant.ranges ?? [{ offset: 0, length: size }]
  const spans = overlay.spansOf(chosen, 'test').map((span) => overlay.blocks.grid.bytesOf(span))
  const grows = size > baseSize
  const after = new Uint8Array(grows ? size : baseSize)
  after.set(before)
  for (const { offset, length } of spans)
    after.set(wanted.subarray(offset, offset + length), offset)
  await lasting.close()
  return { files: await files.settled(), before, after, wanted }
}

async function commitAt(files: CrashFiles, variant: Partial<Variant>, path = CRASH_PATH) {
  const lasting = await openLastingOverlay(files, path, { writable: true, interrupted: true })
  try {
    return await commitLasting(files, lasting, {
      verify: false,
      ranges: variant.ranges,
      undoPath: variant.undo === true ? UNDO : undefined,
    })
  } finally {
    await lasting.close()
  }
}

const baseOf = (files: CrashFiles): Uint8Array => files.bytesOf(CRASH_BASE) as Uint8Array

/** What the overlay reads as, and whether a commit of it was cut short; nothing is written. */
async function look(files: CrashFiles, variant: Variant) {
  const lasting = await openAt(files, { writable: false, interrupted: true })
  try {
    const content = await contentOf(lasting, regionOf(variant))
    const staged = lasting.overlay.staged()
    return { content, staged: staged.written + staged.zeroed, state: lasting.header?.state }
  } finally {
    await lasting.close()
  }
}

function expectBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (!isEqual(actual, expected)) {
    const at = actual.findIndex((byte, i) => byte !== expected[i])
    throw new Error(
      `${what}: ${actual.length} of ${expected.length} bytes, different from ${at} on`,
    )
  }
}

/** `isOver`: somebody was told that the commit is complete. */
async function checkCommit(space: CrashFiles, variant: Variant, staged: Staged, isOver: boolean) {
  const { before, after, wanted } = staged
  const found = await look(await space.settled(), variant)
  expectBytes(found.content, wanted, 'through the overlay')
  const isUntouched = isEqual(baseOf(space), before)
  if (found.state !== 'committing' && variant.version === 2) {
    // Either nothing was begun, or all of it is over.
    if (isOver || !isUntouched)
      expectBytes(baseOf(space), after, 'the base of a commit that is over')
  } else if (isOver) expectBytes(baseOf(space), after, 'the base of a commit that is over')
  if (variant.undo && !isUntouched) {
    const undone = await space.settled()
    await commitAt(undone, {}, UNDO)
    expectBytes(baseOf(undone), before, 'the base after its undo file')
  }
  if (found.state === 'committing') {
    if (variant.undo) {
      const undone = await space.settled()
      const lasting = await openAt(undone, { interrupted: true })
      await undoInterrupted(undone, lasting, {})
      await lasting.close()
      expectBytes(baseOf(undone), before, 'the base after undoing')
      expect((await look(undone, variant)).state).not.toBe('committing')
    }
    const result = await commitAt(space, {})
    expect(result.finished).toBe(true)
    expectBytes(baseOf(space), after, 'the base after finishing')
    const finished = await look(space, variant)
    expectBytes(finished.content, wanted, 'through the overlay after finishing')
    if (variant.undo) {
      await commitAt(space, {}, UNDO)
      expectBytes(baseOf(space), before, 'the base after finishing and undoing')
    }
  }
}

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
