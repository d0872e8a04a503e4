// Every file operation of a commit and of an undoing fails in turn, for want of space and for a device that
// breaks: nothing is lost, everything is closed, and another try comes to the bytes that were to be.

import { describe, expect, it } from 'vitest'
import { FaultFiles, type FileFault } from '../engine/testing/fault-files'
import {
  baseOf,
  checkCommit,
  commitAt,
  expectBytes,
  SMALL,
  type Staged,
  stage,
  UNDO,
  type Variant,
} from './commit-crash.test-helper'
import { CRASH_BLOCK as BLOCK } from './overlay-crash.test-helper'

const FAULTS: readonly Omit<FileFault, 'nth'>[] = [
  { code: 'NO_SPACE', effect: 'none' },
  { code: 'NO_SPACE', effect: 'half' },
  { code: 'IO_ERROR', effect: 'all' },
]
/** Far above the calls of one commit of these. */
const MOST_CALLS = 2000

const VARIANTS: readonly Variant[] = [
  { name: 'everything', version: 2, baseSize: SMALL, undo: false },
  { name: 'everything, undo', version: 2, baseSize: SMALL, undo: true },
  {
    name: 'a base that grows, undo',
    version: 2,
    baseSize: 5 * BLOCK + 1024,
    size: SMALL,
    undo: true,
  },
  {
    name: 'ranges, undo',
    version: 2,
    baseSize: SMALL,
    undo: true,
    ranges: [{ offset: BLOCK, length: 4 * BLOCK }],
  },
]

/** Each call fails once; resolves with how many there are. */
async function eachCallFails(
  staged: Staged,
  fault: Omit<FileFault, 'nth'>,
  act: (space: FaultFiles) => Promise<unknown>,
  check: (files: Staged['files'], isDone: boolean, struck: string) => Promise<void>,
): Promise<number> {
  for (let nth = 1; nth < MOST_CALLS; nth++) {
    const files = await staged.files.settled()
    const space = new FaultFiles(files)
    space.plan({ nth, ...fault })
    const error = await act(space).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const { struck } = space
    space.plan(undefined)
    expect(files.openDisks, `left open after ${struck}`).toBe(0)
    if (error !== undefined) expect(error).toMatchObject({ code: fault.code })
    try {
      await check(await files.settled(), error === undefined, struck ?? 'nothing')
    } catch (reason) {
      const { message } = reason as Error
      throw new Error(`after call ${nth} (${struck}) failed: ${message}`, { cause: reason })
    }
    if (struck === undefined) return nth - 1
  }
  throw new Error(`it still fails at call ${MOST_CALLS}`)
}

describe('when one call of a commit fails, nothing is lost, and it can be finished or undone', () => {
  for (const variant of VARIANTS) {
    it(`${variant.name}`, async () => {
      const staged = await stage(variant, 3)
      let calls = 0
      for (const fault of FAULTS) {
        calls += await eachCallFails(
          staged,
          fault,
          (space) => commitAt(space, variant),
          (files, isDone) => checkCommit(files, variant, staged, isDone),
        )
      }
      process.stdout.write(`commit of ${variant.name}: ${calls} failures\n`)
      expect(calls).toBeGreaterThan(100)
    })
  }
})

it('when one call of an undoing fails, undoing again comes to the old bytes', async () => {
  const variant = VARIANTS[2] as Variant
  const staged = await stage(variant, 3)
  await commitAt(staged.files, variant)
  const committed = { ...staged, files: await staged.files.settled() }
  for (const fault of FAULTS) {
    await eachCallFails(
      committed,
      fault,
      (space) => commitAt(space, {}, UNDO),
      async (files, isDone) => {
        if (isDone) expectBytes(baseOf(files), staged.before, 'the base when told so')
        await commitAt(files, {}, UNDO)
        expectBytes(baseOf(files), staged.before, 'the base after undoing again')
      },
    )
  }
})
