// A commit on files that record everything, and what has to be there whenever it was cut short.

import { expect } from 'vitest'
import type { ByteRange } from '../engine/base/ranges'
import type { FileSpace } from '../engine/disk/file-space'
import type { CrashFiles } from '../engine/testing/crash-files'
import { planWork, runWork } from '../engine/testing/overlay-work'
import { commitLasting, undoInterrupted } from './commit-lasting'
import { openLastingOverlay } from './lasting-overlay'
import {
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

export const UNDO = '/d/undo.acow'
export const SMALL = 12 * BLOCK + 512

export interface Variant extends CrashSetup {
  readonly name: string
  readonly undo: boolean
  readonly ranges?: readonly ByteRange[]
}

export interface Staged {
  readonly files: CrashFiles
  /** The base before the commit, and after it; what the overlay reads as. */
  readonly before: Uint8Array
  readonly after: Uint8Array
  readonly wanted: Uint8Array
}

/** Something is staged, stably, and nothing is recorded yet. */
export async function stage(variant: Variant, seed: number): Promise<Staged> {
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

export async function commitAt(files: FileSpace, variant: Partial<Variant>, path = CRASH_PATH) {
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

export const baseOf = (files: CrashFiles): Uint8Array => files.bytesOf(CRASH_BASE) as Uint8Array

/** What the overlay reads as, and whether a commit of it was cut short; nothing is written. */
export async function look(files: CrashFiles, variant: Variant) {
  const lasting = await openAt(files, { writable: false, interrupted: true })
  try {
    const content = await contentOf(lasting, regionOf(variant))
    const staged = lasting.overlay.staged()
    return { content, staged: staged.written + staged.zeroed, state: lasting.header?.state }
  } finally {
    await lasting.close()
  }
}

export function expectBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (!isEqual(actual, expected)) {
    const at = actual.findIndex((byte, i) => byte !== expected[i])
    throw new Error(
      `${what}: ${actual.length} of ${expected.length} bytes, different from ${at} on`,
    )
  }
}

/** `isOver`: somebody was told that the commit is complete. */
export async function checkCommit(
  space: CrashFiles,
  variant: Variant,
  staged: Staged,
  isOver: boolean,
) {
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
