// Crashes while checkpoints are made, gone back to, and merged: each has one step at which it happens, and
// what is read is what was there before it or what is to be there after it, never a part of both.

import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import type { CrashFiles } from '../engine/testing/crash-files'
import { describeCounts } from '../engine/testing/crash-states'
import { planWork, runWork } from '../engine/testing/overlay-work'
import { goBack, makeCheckpoint, mergeDown } from './lasting-overlay-checkpoints'
import {
  afterEveryCrash,
  CRASH_BLOCK as BLOCK,
  CRASH_PATH,
  contentAt,
  contentOf,
  expectBaseUntouched,
  isEqual,
  openAt,
  overlayOnCrashFiles,
} from './overlay-crash.test-helper'

const SIZE = 12 * BLOCK + 512
const WHOLE = { offset: 0, length: SIZE }

async function stage(files: CrashFiles, seed: number): Promise<Uint8Array> {
  const plan = planWork({ seed, size: SIZE, blockSize: BLOCK, batches: 12 })
  const lasting = await openAt(files)
  await runWork(plan, lasting.overlay, () => undefined)
  const content = await contentOf(lasting, WHOLE)
  await lasting.close()
  return content
}

/** What is staged in `a` below a checkpoint, `b` above it; all stable, nothing recorded yet. */
async function twoLayers(seed: number) {
  const made = await overlayOnCrashFiles({ version: 2, baseSize: SIZE })
  const a = await stage(made, seed)
  await makeCheckpoint(made, CRASH_PATH)
  const b = await stage(made, seed + 100)
  expect(isEqual(a, b)).toBe(false)
  return { files: made.settled(), a, b }
}

async function layersOf(files: CrashFiles): Promise<number> {
  const lasting = await openAt(files, { writable: false, interrupted: true })
  const { length } = lasting.layers
  await lasting.close()
  return length
}

/** Staging goes on: what is written and flushed is there after closing. */
async function expectUsable(files: CrashFiles, seed: number): Promise<void> {
  const bytes = new Prng(seed).fill(new Uint8Array(3000))
  const lasting = await openAt(files)
  await lasting.overlay.write(bytes, 5000)
  await lasting.close()
  expect(isEqual(await contentAt(files, { offset: 5000, length: 3000 }), bytes)).toBe(true)
}

describe('after every crash', () => {
  it.each([1, 2])(
    'while a checkpoint is made, everything staged is there (seed %i)',
    async (seed) => {
      const { files, b } = await twoLayers(seed)
      await makeCheckpoint(files, CRASH_PATH, { name: 'kept' })
      files.mark('made')
      expectBaseUntouched(files)
      const depths = new Set<number>()
      const counts = await afterEveryCrash(
        files,
        { seed, most: 800 },
        async (space, marks, index) => {
          expect(isEqual(await contentAt(space, WHOLE), b)).toBe(true)
          const depth = await layersOf(space)
          depths.add(depth)
          if (marks.length > 0) expect(depth).toBe(3)
          if (index % 10 !== 0) return
          await makeCheckpoint(space, CRASH_PATH, { name: 'another' })
          expect(isEqual(await contentAt(space, WHOLE), b)).toBe(true)
          await expectUsable(space, seed)
        },
      )
      expect([...depths].sort()).toEqual([2, 3])
      process.stdout.write(`making a checkpoint, seed ${seed}: ${describeCounts(counts)}\n`)
    },
  )

  it.each([1, 2])('while one is gone back to, one of both is there (seed %i)', async (seed) => {
    const { files, a, b } = await twoLayers(seed)
    await goBack(files, CRASH_PATH)
    files.mark('gone back')
    expectBaseUntouched(files)
    const seen = new Set<string>()
    const counts = await afterEveryCrash(
      files,
      { seed, most: 800 },
      async (space, marks, index) => {
        const content = await contentAt(space, WHOLE)
        const which = isEqual(content, a) ? 'a' : isEqual(content, b) ? 'b' : 'neither'
        seen.add(which)
        expect(marks.length > 0 ? ['a'] : ['a', 'b']).toContain(which)
        if (index % 10 !== 0) return
        if (which === 'b') await goBack(space, CRASH_PATH)
        expect(isEqual(await contentAt(space, WHOLE), a)).toBe(true)
        await expectUsable(space, seed)
      },
    )
    expect([...seen].sort()).toEqual(['a', 'b'])
    process.stdout.write(`going back, seed ${seed}: ${describeCounts(counts)}\n`)
  })

  it.each([1, 2])(
    'while one is merged, it can be merged again to the same (seed %i)',
    async (seed) => {
      const { files, b } = await twoLayers(seed)
      await mergeDown(files, CRASH_PATH)
      files.mark('merged')
      expectBaseUntouched(files)
      const depths = new Set<number>()
      const counts = await afterEveryCrash(
        files,
        { seed, most: 800 },
        async (space, marks, index) => {
          const content = await contentAt(space, WHOLE, { interrupted: true, writable: false })
          expect(isEqual(content, b)).toBe(true)
          const depth = await layersOf(space)
          depths.add(depth)
          if (marks.length > 0) expect(depth).toBe(1)
          if (index % 5 !== 0) return
          if (depth === 2) await mergeDown(space, CRASH_PATH)
          expect(await layersOf(space)).toBe(1)
          expect(isEqual(await contentAt(space, WHOLE), b)).toBe(true)
          await expectUsable(space, seed)
        },
      )
      expect([...depths].sort()).toEqual([1, 2])
      process.stdout.write(`merging, seed ${seed}: ${describeCounts(counts)}\n`)
    },
  )
})
