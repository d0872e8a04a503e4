// A commit that was cut short and is undone instead of finished: the old base is there again, and all that
// was staged is staged still, at whatever moment the commit was cut, and whenever the undoing is.

import { describe, expect, it } from 'vitest'
import type { CrashFiles } from '../engine/testing/crash-files'
import { describeCounts } from '../engine/testing/crash-states'
import { planWork, runWork } from '../engine/testing/overlay-work'
import { type CommitLastingOptions, commitLasting, undoInterrupted } from './commit-lasting'
import {
  afterEveryCrash,
  CRASH_BLOCK as BLOCK,
  CRASH_BASE,
  contentOf,
  isEqual,
  openAt,
  overlayOnCrashFiles,
} from './overlay-crash.test-helper'

const SIZE = 10 * BLOCK
const WHOLE = { offset: 0, length: SIZE }
const UNDO = '/d/undo'

interface Case {
  readonly name: string
  readonly baseSize: number
  readonly ranges?: CommitLastingOptions['ranges']
}

const CASES: readonly Case[] = [
  { name: 'of everything', baseSize: SIZE },
  { name: 'of ranges', baseSize: SIZE, ranges: [{ offset: 2 * BLOCK, length: 4 * BLOCK }] },
  { name: 'into a base that grows', baseSize: 6 * BLOCK + 100 },
]

const baseOf = (files: CrashFiles): Uint8Array => files.bytesOf(CRASH_BASE) as Uint8Array

/** What the overlay reads as, and whether a commit of it was cut short. */
async function look(files: CrashFiles) {
  const lasting = await openAt(files, { writable: false, interrupted: true })
  const content = await contentOf(lasting, WHOLE)
  const isCut = lasting.header?.state === 'committing'
  await lasting.close()
  return { content, isCut }
}

async function undoAt(files: CrashFiles): Promise<void> {
  const lasting = await openAt(files, { interrupted: true })
  try {
    await undoInterrupted(files, lasting, {})
  } finally {
    await lasting.close()
  }
}

async function commitAt(files: CrashFiles, options: Partial<CommitLastingOptions>): Promise<void> {
  const lasting = await openAt(files)
  await commitLasting(files, lasting, { verify: false, ...options })
  await lasting.close()
}

async function tryUndo({ name, baseSize, ranges }: Case): Promise<void> {
  const made = await overlayOnCrashFiles({ version: 2, baseSize, size: SIZE })
  const before = baseOf(made)
  const staging = await openAt(made)
  const plan = planWork({ seed: 4, size: SIZE, blockSize: BLOCK, batches: 14 })
  await runWork(plan, staging.overlay, () => undefined)
  const view = await contentOf(staging, WHOLE)
  await staging.close()
  const files = await made.settled()
  await commitAt(files, { undoPath: UNDO, ranges })
  const after = baseOf(files)

  let undone = 0
  const counts = await afterEveryCrash(files, { seed: 1, most: 250 }, async (space) => {
    if (!(await look(space)).isCut) return
    const cut = await space.settled()
    await undoAt(cut)
    expect(isEqual(baseOf(cut), before)).toBe(true)
    const { content, isCut } = await look(cut)
    expect([isEqual(content, view), isCut]).toEqual([true, false])
    if (undone++ % 20 === 0) {
      // Cut short itself, it can be done again.
      await afterEveryCrash(cut, { seed: 2, most: 25 }, async (twice) => {
        if ((await look(twice)).isCut) await undoAt(twice)
        expect(isEqual(baseOf(twice), before)).toBe(true)
        expect(isEqual((await look(twice)).content, view)).toBe(true)
      })
    }
    if (undone % 5 !== 0) return
    await commitAt(cut, { ranges })
    expect(isEqual(baseOf(cut), after)).toBe(true)
  })
  process.stdout.write(`undone instead, ${name}: ${describeCounts(counts)}; ${undone} undone\n`)
  expect(undone).toBeGreaterThan(20)
}

describe('after every crash of a commit, undoing it keeps what was staged', () => {
  it.each(CASES)('$name', (one) => tryUndo(one), 60_000)
})
