// Crashes while an overlay is given another size: it has the old one or the new one, with everything that
// was staged, and what is added reads as zeroes, the base's hidden end included.

import { describe, expect, it } from 'vitest'
import type { CrashFiles } from '../engine/testing/crash-files'
import { describeCounts } from '../engine/testing/crash-states'
import { readWhole } from '../engine/testing/expect-disk'
import { planWork, runWork } from '../engine/testing/overlay-work'
import { resizeOverlay } from './lasting-overlay-resize'
import {
  afterEveryCrash,
  CRASH_BLOCK as BLOCK,
  CRASH_PATH,
  expectBaseUntouched,
  isEqual,
  openAt,
  overlayOnCrashFiles,
} from './overlay-crash.test-helper'

const BASE_SIZE = 16 * BLOCK
/** What one page has states for. */
const PAGE = 16_320 * BLOCK

async function wholeOf(files: CrashFiles, writable = true): Promise<Uint8Array> {
  const lasting = await openAt(files, { writable })
  const content = await readWhole(lasting.overlay)
  await lasting.close()
  return content
}

const resized = (bytes: Uint8Array, size: number): Uint8Array => {
  const result = new Uint8Array(size)
  result.set(bytes.subarray(0, size))
  return result
}

const CASES: readonly [string, number, number][] = [
  ['growing over the end of the base', 9 * BLOCK + 77, 20 * BLOCK + 5],
  ['growing within one block', 9 * BLOCK + 77, 9 * BLOCK + 900],
  ['growing by another page of states', 9 * BLOCK, PAGE + 10 * BLOCK],
  ['shrinking', 13 * BLOCK + 9, 6 * BLOCK + 100],
  ['shrinking by a page of states', PAGE + 10 * BLOCK, 5 * BLOCK],
]

describe('after every crash', () => {
  for (const staged of [true, false]) {
    it.each(CASES)(
      `while %s, ${staged ? 'staged' : 'clean'}, it is old or new`,
      async (...args) => {
        const [name, from, to] = args
        const files = await overlayOnCrashFiles({ version: 2, baseSize: BASE_SIZE, size: from })
        if (staged) {
          const lasting = await openAt(files)
          const size = Math.min(from, 20 * BLOCK)
          const plan = planWork({ seed: 3, size, blockSize: BLOCK, batches: 12 })
          await runWork(plan, lasting.overlay, () => undefined)
          await lasting.overlay.write(new Uint8Array(50).fill(9), from - 50)
          await lasting.close()
        }
        const old = (await wholeOf(files, false)).slice()
        const fresh = resized(old, to)
        const work = files.settled()
        await resizeOverlay(work, CRASH_PATH, to)
        work.mark('resized')
        expectBaseUntouched(work)
        const sizes = new Set<number>()
        const counts = await afterEveryCrash(
          work,
          { seed: 1, most: from + to > 1 << 20 ? 60 : 250 },
          async (space, marks, index) => {
            const content = await wholeOf(space, index % 2 === 0)
            sizes.add(content.length)
            if (marks.length > 0) expect(content.length).toBe(to)
            expect(isEqual(content, content.length === to ? fresh : old)).toBe(true)
            if (index % 4 !== 0) return
            // Whatever was left behind: what is cut off now is not seen again.
            const [small, large] = [Math.min(from, to) - 10, Math.max(from, to) + BLOCK]
            await resizeOverlay(space, CRASH_PATH, small)
            await resizeOverlay(space, CRASH_PATH, large)
            expect(isEqual(await wholeOf(space), resized(old.slice(0, small), large))).toBe(true)
          },
        )
        expect([...sizes].sort()).toEqual([from, to].sort())
        process.stdout.write(`${name}, ${staged ? 'staged' : 'clean'}: ${describeCounts(counts)}\n`)
      },
    )
  }
})
