// Every call on a file fails once, in every operation on lasting overlays, until the operation completes
// without meeting the failure. Each time: what had been acknowledged is there, the rest is old or new, no
// file is left open, and the same overlay works on.

import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../engine/base/errors'
import { ByteModel } from '../engine/testing/byte-model'
import { CrashFiles } from '../engine/testing/crash-files'
import { expectSameBytes, readWhole } from '../engine/testing/expect-disk'
import { failureOf } from '../engine/testing/fail-nth'
import { FaultFiles, type FileFault } from '../engine/testing/fault-files'
import { randomBytes } from '../engine/testing/overlay-setup'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import { goBack, makeCheckpoint, mergeDown } from './lasting-overlay-checkpoints'
import { createLastingOverlay } from './lasting-overlay-create'
import { resizeOverlay } from './lasting-overlay-resize'

const BLOCK = 4096
const BASE_SIZE = 12 * BLOCK
const SIZE = 14 * BLOCK + 512
const PATH = '/d/staged.acow'
const BASE = '/d/base.img'
const MOST_CALLS = 400

const FAULTS: readonly [ErrorCode, FileFault['effect']][] = [
  ['NO_SPACE', 'none'],
  ['NO_SPACE', 'half'],
  ['IO_ERROR', 'none'],
  ['IO_ERROR', 'all'],
]

interface Prepared {
  readonly files: CrashFiles
  readonly space: FaultFiles
  readonly model: ByteModel
}

/** An overlay with some of everything in it, closed. */
async function prepare(version: 1 | 2): Promise<Prepared> {
  const files = CrashFiles.of({ [BASE]: randomBytes(BASE_SIZE, 1) })
  const space = new FaultFiles(files)
  await createLastingOverlay(space, {
    path: PATH,
    basePath: BASE,
    version,
    blockSize: BLOCK,
    size: SIZE,
    format: 'raw',
  })
  const content = new Uint8Array(SIZE)
  content.set(randomBytes(BASE_SIZE, 1))
  const model = new ByteModel(content)
  const lasting = await openLastingOverlay(space, PATH, { writable: true })
  for (const [at, length, seed] of [
    [100, 5000, 2],
    [6 * BLOCK, 3 * BLOCK, 3],
    [SIZE - 700, 700, 4],
  ] as const) {
    const bytes = randomBytes(length, seed)
    await lasting.overlay.write(bytes, at)
    model.write(bytes, at)
  }
  await lasting.overlay.zero(9 * BLOCK, BLOCK)
  model.zero(9 * BLOCK, BLOCK)
  await lasting.close()
  return { files, space, model }
}

async function contentNow(space: FaultFiles): Promise<Uint8Array> {
  const lasting = await openLastingOverlay(space, PATH, { writable: false, interrupted: true })
  try {
    return await readWhole(lasting.overlay)
  } finally {
    await lasting.close()
  }
}

/** Each byte is that of one of the two. */
function expectOldOrNew(actual: Uint8Array, old: Uint8Array, fresh: Uint8Array): void {
  expect(actual.length).toBe(old.length)
  let wrong = -1
  for (let at = 0; at < actual.length && wrong === -1; at++) {
    if (actual[at] !== old[at] && actual[at] !== fresh[at]) wrong = at
  }
  expect(wrong === -1 ? 'old or new' : `byte ${wrong} is neither`).toBe('old or new')
}

/** Runs the attempt with the first, second, … call failing; resolves with how many calls there were. */
async function eachCall(
  code: ErrorCode,
  effect: FileFault['effect'],
  from: Prepared,
  attempt: (prepared: Prepared, arm: () => void) => Promise<void>,
): Promise<number> {
  for (let nth = 1; nth <= MOST_CALLS; nth++) {
    const files = from.files.settled()
    const space = new FaultFiles(files)
    const prepared = { files, space, model: new ByteModel(from.model.bytes.slice()) }
    await attempt(prepared, () => prepared.space.plan({ nth, code, effect }))
    const { struck } = prepared.space
    prepared.space.plan(undefined)
    expect(prepared.files.openDisks, `${struck}`).toBe(0)
    expectSameBytes(prepared.files.bytesOf(BASE)!, randomBytes(BASE_SIZE, 1))
    if (struck === undefined) return nth - 1
  }
  throw new Error(`the operation still fails at its call ${MOST_CALLS}`)
}

type Change = (overlay: LastingOverlay['overlay'], model: ByteModel) => Promise<void>

const CHANGES: Readonly<Record<string, Change>> = {
  'a write of whole blocks, over clean and written ones': async (overlay, model) => {
    const bytes = randomBytes(5 * BLOCK, 7)
    model.write(bytes, 4 * BLOCK)
    await overlay.write(bytes, 4 * BLOCK, { fua: true })
  },
  'a write of parts of blocks': async (overlay, model) => {
    const bytes = randomBytes(3 * BLOCK, 7)
    model.write(bytes, 2 * BLOCK + 100)
    await overlay.write(bytes, 2 * BLOCK + 100, { fua: true })
  },
  'a zero': async (overlay, model) => {
    model.zero(5 * BLOCK + 100, 3 * BLOCK)
    await overlay.zero(5 * BLOCK + 100, 3 * BLOCK, { fua: true })
  },
  'a trim': async (overlay, model) => {
    model.zero(6 * BLOCK, 4 * BLOCK)
    await overlay.trim(6 * BLOCK, 4 * BLOCK, { fua: true })
  },
  'writes and a flush': async (overlay, model) => {
    for (const block of [1, 5, 11, 13]) {
      const bytes = randomBytes(700, block)
      model.write(bytes, block * BLOCK)
      await overlay.write(bytes, block * BLOCK)
    }
    await overlay.flush()
  },
  'a discard': async (overlay, model) => {
    const base = new Uint8Array(SIZE)
    base.set(randomBytes(BASE_SIZE, 1))
    model.write(base.subarray(0, 8 * BLOCK), 0)
    await overlay.discard([{ offset: 0, length: 8 * BLOCK }])
  },
}

for (const version of [1, 2] as const) {
  describe(`with one failing call, in an overlay of version ${version}`, () => {
    for (const [name, change] of Object.entries(CHANGES)) {
      it(`${name} is acknowledged or old or new, and the overlay works on`, async () => {
        let most = 0
        const prepared = await prepare(version)
        for (const [code, effect] of FAULTS) {
          const calls = await eachCall(code, effect, prepared, async ({ space, model }, arm) => {
            const old = model.bytes.slice()
            const lasting = await openLastingOverlay(space, PATH, { writable: true })
            arm()
            const failure = await failureOf(change(lasting.overlay, model))
            if (space.struck === undefined) expect(failure).toBe(undefined)
            else if (failure !== undefined) expect(failure).toMatchObject({ code })
            const { struck } = space
            const live = await failureOf(
              readWhole(lasting.overlay).then((bytes) =>
                failure === undefined
                  ? expectSameBytes(bytes, model.bytes)
                  : expectOldOrNew(bytes, old, model.bytes),
              ),
            )
            if (struck !== undefined) expect(live).toBe(undefined)
            await failureOf(lasting.close())
            const strike = space.struck
            space.plan(undefined)
            const after = await contentNow(space)
            if (failure === undefined) expectSameBytes(after, model.bytes)
            else expectOldOrNew(after, old, model.bytes)
            const again = await openLastingOverlay(space, PATH, { writable: true })
            const bytes = randomBytes(SIZE, 9)
            await again.overlay.write(bytes, 0)
            await again.close()
            expectSameBytes(await contentNow(space), bytes)
            space.struck = strike
          })
          most = Math.max(most, calls)
        }
        expect(most).toBeGreaterThan(1)
      })
    }
  })
}

interface Whole {
  readonly before?: (space: FaultFiles, model: ByteModel) => Promise<void>
  readonly act: (space: FaultFiles) => Promise<unknown>
  /** What is read once it is done. */
  readonly after: (model: ByteModel, old: Uint8Array) => Uint8Array
}

const stageMore = async (space: FaultFiles, model: ByteModel): Promise<void> => {
  const lasting = await openLastingOverlay(space, PATH, { writable: true })
  const bytes = randomBytes(4 * BLOCK, 8)
  await lasting.overlay.write(bytes, 3 * BLOCK + 9)
  model.write(bytes, 3 * BLOCK + 9)
  await lasting.overlay.zero(BLOCK, BLOCK)
  model.zero(BLOCK, BLOCK)
  await lasting.close()
}

const resized = (bytes: Uint8Array, size: number): Uint8Array => {
  const result = new Uint8Array(size)
  result.set(bytes.subarray(0, size))
  return result
}

const WHOLE: Readonly<Record<string, Whole>> = {
  'opening and closing': {
    act: async (space) => (await openLastingOverlay(space, PATH, { writable: true })).close(),
    after: ({ bytes }) => bytes,
  },
  'a checkpoint': {
    act: (space) => makeCheckpoint(space, PATH),
    after: ({ bytes }) => bytes,
  },
  'going back': {
    before: async (space, model) => {
      await makeCheckpoint(space, PATH)
      await stageMore(space, model)
    },
    act: (space) => goBack(space, PATH),
    after: (_, old) => old,
  },
  'a merge': {
    before: async (space, model) => {
      await makeCheckpoint(space, PATH)
      await stageMore(space, model)
    },
    act: (space) => mergeDown(space, PATH),
    after: ({ bytes }) => bytes,
  },
  growing: {
    act: (space) => resizeOverlay(space, PATH, 17 * BLOCK + 3),
    after: ({ bytes }) => resized(bytes, 17 * BLOCK + 3),
  },
  'growing what was cut within the base': {
    before: (space) => resizeOverlay(space, PATH, 4 * BLOCK + 7),
    act: (space) => resizeOverlay(space, PATH, 13 * BLOCK),
    after: ({ bytes }) => resized(bytes.slice(0, 4 * BLOCK + 7), 13 * BLOCK),
  },
  shrinking: {
    act: (space) => resizeOverlay(space, PATH, 7 * BLOCK + 3),
    after: ({ bytes }) => resized(bytes, 7 * BLOCK + 3),
  },
}

describe('with one failing call', () => {
  for (const [name, { before, act, after }] of Object.entries(WHOLE)) {
    it(`${name} leaves all as it was or as it was to be, and is completed when done again`, async () => {
      const prepared = await prepare(2)
      const first = prepared.model.bytes.slice()
      await before?.(prepared.space, prepared.model)
      const old = await contentNow(prepared.space)
      const done = after(prepared.model, first)
      for (const [code, effect] of FAULTS) {
        const calls = await eachCall(code, effect, prepared, async ({ space }, arm) => {
          arm()
          const failure = await failureOf(act(space))
          const { struck } = space
          space.plan(undefined)
          if (struck === undefined) expect(failure).toBe(undefined)
          const now = await contentNow(space)
          const same = (bytes: Uint8Array) => Buffer.compare(now, bytes) === 0
          expect(failure === undefined ? same(done) : same(done) || same(old), struck).toBe(true)
          if (!same(done)) {
            await act(space)
            expectSameBytes(await contentNow(space), done)
          }
          const lasting = await openLastingOverlay(space, PATH, {
            writable: true,
            interrupted: true,
          })
          await lasting.close()
          space.struck = struck
        })
        expect(calls).toBeGreaterThan(3)
      }
    })
  }

  it('creating leaves nothing, or all of it', async () => {
    for (const [code, effect] of FAULTS) {
      for (const version of [1, 2] as const) {
        for (let nth = 1; ; nth++) {
          const files = CrashFiles.of({ [BASE]: randomBytes(BASE_SIZE, 1) })
          const space = new FaultFiles(files)
          space.plan({ nth, code, effect })
          const options = { path: PATH, basePath: BASE, version, blockSize: BLOCK }
          const failure = await failureOf(createLastingOverlay(space, options))
          expect(files.openDisks).toBe(0)
          if (failure === undefined) break
          expect(failure).toMatchObject({ code })
          expect(files.paths()).toEqual([BASE])
        }
      }
    }
  })
})
