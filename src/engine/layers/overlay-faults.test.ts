// Every request of an operation fails once. Whatever fails: a block that was not written stays exactly
// as it was, one that was holds old or new bytes, what is staged elsewhere is not touched, and the
// operation succeeds when it is tried again.

import { describe, expect, it } from 'vitest'
import { BLOCK_WRITTEN } from '../base/block-leaf'
import { Prng } from '../base/prng'
import { type ByteRange, splitByUnit } from '../base/ranges'
import { MemoryDisk } from '../disk/memory-disk'
import type { ByteModel } from '../testing/byte-model'
import { expectSameBytes, readWhole } from '../testing/expect-disk'
import { failNth, failureOf } from '../testing/fail-nth'
import { makeOverlay, randomBytes, trimInBlocks } from '../testing/overlay-setup'
import { commitOverlay } from './commit'
import type { Fault } from './fault'
import type { OverlayDisk } from './overlay'

const BLOCK = 4096

interface Change extends ByteRange {
  readonly apply: (overlay: OverlayDisk) => Promise<unknown>
  readonly model: (model: ByteModel) => void
}

/** Some blocks written, some zeroed, most clean; the same for the same seed. */
async function prepared(seed: number) {
  const parts = makeOverlay({ size: 20 * BLOCK + 33, baseSize: 19 * BLOCK })
  const prng = new Prng(seed)
  for (let i = 0; i < 6; i++) {
    const offset = prng.below(19) * BLOCK
    if (i % 2 === 0) {
      const bytes = prng.fill(new Uint8Array(BLOCK))
      await parts.overlay.write(bytes, offset)
      parts.model.write(bytes, offset)
    } else {
      await parts.overlay.zero(offset, BLOCK)
      parts.model.zero(offset, BLOCK)
    }
  }
  return parts
}

function changeOf(kind: 'write' | 'zero' | 'trim', seed: number, size: number): Change {
  const prng = new Prng(seed * 77)
  const offset = prng.below(size)
  const length = Math.min(size - offset, 1 + prng.below(5 * BLOCK))
  const bytes = randomBytes(length, seed)
  if (kind === 'write') {
    return {
      offset,
      length,
      apply: (overlay) => overlay.write(bytes, offset, { fua: true }),
      model: (model) => model.write(bytes, offset),
    }
  }
  if (kind === 'zero') {
    return {
      offset,
      length,
      apply: (overlay) => overlay.zero(offset, length),
      model: (model) => model.zero(offset, length),
    }
  }
  return {
    offset,
    length,
    apply: (overlay) => overlay.trim(offset, length),
    model: (model) => trimInBlocks(BLOCK)(model, offset, length),
  }
}

/** After a failure: in written blocks old or new bytes, and in all others the old ones. */
function noteFailure(overlay: OverlayDisk, model: ByteModel, change: Change): void {
  const after = model.bytes.slice()
  const before = model.bytes.slice()
  change.model(model)
  after.set(model.bytes)
  model.write(before, 0)
  for (const part of splitByUnit(change, BLOCK)) {
    if (overlay.blocks.states.get(Math.floor(part.offset / BLOCK)) !== BLOCK_WRITTEN) continue
    model.mayHaveWritten(after.subarray(part.offset, part.offset + part.length), part.offset)
  }
}

async function attempt(change: Change, seed: number, side: 'base' | 'store', fault: Fault) {
  const parts = await prepared(seed)
  const { overlay, model, baseMemory, baseBytes } = parts
  const statesBefore = [...overlay.stagedRuns()]
  const injector = parts[side].fault
  injector.plan([fault])
  const error = await failureOf(change.apply(overlay))
  await overlay.blocks.settled()
  const struck = injector.failures > 0
  if (error === undefined) {
    // A store that does not give space back fails no change.
    change.model(model)
  } else {
    expect(error).toMatchObject({ code: fault.code })
    expect((error as Error).message).toMatch(/no block was newly staged$/)
    expect([...overlay.stagedRuns()]).toEqual(statesBefore)
    noteFailure(overlay, model, change)
  }
  injector.plan([])
  expect(model.mismatch(await readWhole(overlay), 0)).toBe(undefined)
  await change.apply(overlay)
  change.model(model)
  expect(model.mismatch(await readWhole(overlay), 0)).toBe(undefined)
  await overlay.close()
  expectSameBytes(await readWhole(baseMemory), baseBytes)
  return struck
}

describe('each request of a change fails once', () => {
  for (const kind of ['write', 'zero', 'trim'] as const) {
    for (const [code, side, effect] of [
      ['NO_SPACE', 'store', 'half'],
      ['IO_ERROR', 'store', 'none'],
      ['IO_ERROR', 'store', 'all'],
      ['IO_ERROR', 'base', 'none'],
    ] as const) {
      it(`a ${kind}, with ${code} from the ${side} after ${effect} of it`, async () => {
        let struck = 0
        for (let seed = 1; seed <= 40; seed++) {
          const change = changeOf(kind, seed, 20 * BLOCK + 33)
          struck += await failNth({ code, effect }, (fault) => attempt(change, seed, side, fault))
        }
        // Trims make no request but to free space, and none to the base.
        if (kind === 'trim' && side === 'base') expect(struck).toBe(0)
        else expect(struck).toBeGreaterThan(kind === 'trim' ? 2 : 8)
      })
    }
  }
})

it('each request of a discard fails once, and the blocks are forgotten all the same', async () => {
  const struck = await failNth({ code: 'IO_ERROR' }, async (fault) => {
    const { overlay, store, baseMemory } = await prepared(3)
    store.fault.plan([fault])
    const bytes = overlay.staged()
    const ranges = [
      { offset: 0, length: 5 * BLOCK },
      { offset: 8 * BLOCK, length: 12 * BLOCK + 33 },
      { offset: 5 * BLOCK, length: 3 * BLOCK },
    ]
    expect(await overlay.discard(ranges)).toBe(bytes.written + bytes.zeroed)
    const failed = store.fault.failures > 0
    store.fault.plan([])
    expect(overlay.releaseError !== undefined).toBe(failed)
    const now = await readWhole(overlay)
    expectSameBytes(now.subarray(0, baseMemory.size), await readWhole(baseMemory))
    return failed
  })
  expect(struck).toBeGreaterThan(0)
})

it('each request to the store fails once in a commit, and nothing is lost', async () => {
  let failures = 0
  const struck = await failNth({ code: 'IO_ERROR' }, async (fault) => {
    const { overlay, store, model } = await prepared(4)
    const staged = overlay.staged()
    const target = MemoryDisk.from(model.bytes.slice().fill(0xcc))
    store.fault.plan([fault])
    const error = await failureOf(commitOverlay({ overlay, target, verify: true }))
    const hit = store.fault.failures > 0
    store.fault.plan([])
    if (error === undefined) {
      expect(overlay.staged()).toEqual({ written: 0, zeroed: 0 })
      expect(overlay.releaseError !== undefined).toBe(hit)
      return hit
    }
    failures++
    expect(error).toMatchObject({ code: 'IO_ERROR' })
    expect(overlay.staged()).toEqual(staged)
    expect(model.mismatch(await readWhole(overlay), 0)).toBe(undefined)
    return hit
  })
  expect([struck > 2, failures]).toEqual([true, 2])
})
