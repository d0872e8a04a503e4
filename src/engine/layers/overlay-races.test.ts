// What happens when requests on one block meet, each order forced by a gate. The first two tests are
// the ways in which nbdkit's cow filter was seen to lose acknowledged writes.

import { describe, expect, it } from 'vitest'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { failureOf, isPending } from '../testing/fail-nth'
import { makeOverlay, randomBytes } from '../testing/overlay-setup'
import { commitOverlay } from './commit'

const BLOCK = 4096

const isRead = (request: { operation: string }) => request.operation === 'read'
const isWrite = (request: { operation: string }) => request.operation === 'write'

describe('an acknowledged write is not lost', () => {
  it('to a read, or a cache, of the same block that began before it and ends after it', async () => {
    for (const begin of ['read', 'cache'] as const) {
      const { overlay, base, model } = makeOverlay()
      const held = base.gate.hold((request) => request.operation === begin, 'after')
      const slow =
        begin === 'read' ? overlay.read(new Uint8Array(BLOCK), 0) : overlay.cache(0, BLOCK)
      await held.reached
      const bytes = randomBytes(BLOCK, 2)
      await overlay.write(bytes, 0)
      model.write(bytes, 0)
      held.release()
      await slow
      expectSameBytes(await readWhole(overlay), model.bytes)
    }
  })

  it('to a write of a part of the block that holds the old rest of it', async () => {
    const { overlay, base, model } = makeOverlay()
    const held = base.gate.hold(isRead, 'after')
    const part = randomBytes(100, 2)
    const partial = overlay.write(part, 50)
    await held.reached
    const whole = randomBytes(BLOCK, 3)
    const aligned = overlay.write(whole, 0)
    expect(await isPending(aligned)).toBe(true)
    held.release()
    await Promise.all([partial, aligned])
    model.write(whole, 0)
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('to another part of the same block, written at the same time', async () => {
    const { overlay, base, model } = makeOverlay()
    const held = base.gate.hold(isRead, 'after')
    const parts = [0, 1, 2, 3].map((i) => {
      const bytes = randomBytes(100, 10 + i)
      model.write(bytes, i * 1000)
      return overlay.write(bytes, i * 1000)
    })
    await held.reached
    const zero = overlay.zero(3500, BLOCK)
    model.zero(3500, BLOCK)
    held.release()
    await Promise.all([...parts, zero])
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('to a zero whose ragged end is still being read', async () => {
    const { overlay, base, model } = makeOverlay()
    const held = base.gate.hold(isRead, 'after')
    const zero = overlay.zero(100, BLOCK)
    await held.reached
    const bytes = randomBytes(2 * BLOCK, 2)
    const write = overlay.write(bytes, 0)
    expect(await isPending(write)).toBe(true)
    held.release()
    await Promise.all([zero, write])
    model.write(bytes, 0)
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('to the space of a trimmed block that is given back late', async () => {
    const { overlay, store, model } = makeOverlay()
    await overlay.write(randomBytes(BLOCK, 2), 0)
    const held = store.gate.hold((request) => request.operation === 'trim')
    await overlay.trim(0, BLOCK)
    await held.reached
    const bytes = randomBytes(BLOCK, 3)
    const write = overlay.write(bytes, 0)
    expect(await isPending(write)).toBe(true)
    held.release()
    await write
    model.write(bytes, 0)
    expectSameBytes(await readWhole(overlay), model.bytes)
  })
})

describe('a request waits for its own blocks and for no others', () => {
  it('while a block is read, changed and written', async () => {
    const { overlay, base } = makeOverlay()
    const held = base.gate.hold(isRead)
    const partial = overlay.write(new Uint8Array(10), 5 * BLOCK + 1)
    await held.reached
    await overlay.write(new Uint8Array(BLOCK), 4 * BLOCK)
    await overlay.write(new Uint8Array(10), 6 * BLOCK)
    await overlay.zero(7 * BLOCK, BLOCK)
    await overlay.read(new Uint8Array(BLOCK), 5 * BLOCK)
    await overlay.extents(0, overlay.size)
    await overlay.discard([{ offset: 6 * BLOCK, length: BLOCK }])
    expect(await isPending(partial)).toBe(true)
    held.release()
    await partial
  })

  it('and a wait that is cancelled changes nothing', async () => {
    const { overlay, base, model } = makeOverlay()
    const held = base.gate.hold(isRead)
    const partial = overlay.write(new Uint8Array(10), 0)
    await held.reached
    const controller = new AbortController()
    const { signal } = controller
    const waiting = [
      overlay.write(new Uint8Array(BLOCK), 0, { signal }),
      overlay.zero(0, BLOCK, { signal }),
      overlay.trim(0, BLOCK, { signal }),
    ]
    controller.abort()
    for (const call of waiting) await expectCode(call, 'ABORTED')
    held.release()
    await partial
    model.write(new Uint8Array(10), 0)
    expectSameBytes(await readWhole(overlay), model.bytes)
  })
})

describe('a read returns bytes that were there', () => {
  it('when its block is discarded before the store was asked', async () => {
    const { overlay, store, model } = makeOverlay()
    const before = model.bytes.slice(0, BLOCK)
    const bytes = randomBytes(BLOCK, 2)
    await overlay.write(bytes, 0)
    const held = store.gate.hold(isRead)
    const target = new Uint8Array(BLOCK)
    const slow = overlay.read(target, 0)
    await held.reached
    const discard = overlay.discard()
    expect(await isPending(discard)).toBe(true)
    // The block reads through already; only its space waits.
    const now = new Uint8Array(BLOCK)
    await overlay.read(now, 0)
    expectSameBytes(now, before)
    expect(store.log.at(-1)).toMatch(/^read/)
    held.release()
    await slow
    expectSameBytes(target, bytes)
    await discard
    expect(store.log.at(-1)).toMatch(/^trim/)
  })

  it('when its block is committed meanwhile', async () => {
    const { overlay, store, baseMemory } = makeOverlay()
    const bytes = randomBytes(2 * BLOCK, 2)
    await overlay.write(bytes, BLOCK)
    const held = store.gate.hold(isRead)
    const target = new Uint8Array(2 * BLOCK)
    const slow = overlay.read(target, BLOCK)
    await held.reached
    const commit = commitOverlay({ overlay, target: baseMemory, verify: true })
    expect(await isPending(commit)).toBe(true)
    expect(overlay.stagedRunCount()).toBe(0)
    held.release()
    await Promise.all([slow, commit])
    expectSameBytes(target, bytes)
    expectSameBytes((await readWhole(overlay)).subarray(BLOCK, 3 * BLOCK), bytes)
  })

  it('and none of a write that failed', async () => {
    for (const how of ['discard', 'trim'] as const) {
      const { overlay, store } = makeOverlay()
      const bytes = randomBytes(BLOCK, 2)
      await overlay.write(bytes, 0)
      const held = store.gate.hold(isRead)
      const target = new Uint8Array(BLOCK)
      const slow = overlay.read(target, 0)
      await held.reached
      const forgotten = how === 'discard' ? overlay.discard() : overlay.trim(0, BLOCK)
      store.fault.plan([{ operation: 'write', code: 'NO_SPACE', effect: 'half' }])
      const failing = failureOf(overlay.write(randomBytes(BLOCK, 3), 0))
      expect(await isPending(failing)).toBe(true)
      held.release()
      await slow
      expectSameBytes(target, bytes)
      await forgotten
      expect(await failing).toMatchObject({ code: 'NO_SPACE' })
    }
  })

  it('in either order beside a write of the same block', async () => {
    const { overlay, base, store, model } = makeOverlay()
    const before = model.bytes.slice(0, BLOCK)
    const held = store.gate.hold(isWrite, 'after')
    const bytes = randomBytes(BLOCK, 2)
    const write = overlay.write(bytes, 0)
    await held.reached
    // The bytes are in the store, and the block does not show them before its state does.
    const target = new Uint8Array(BLOCK)
    await overlay.read(target, 0)
    expectSameBytes(target, before)
    expect(overlay.staged().written).toBe(0)
    expect(base.log).toEqual([`read 0+${BLOCK}`])
    held.release()
    await write
    await overlay.read(target, 0)
    expectSameBytes(target, bytes)
  })
})

describe('a call that fails is over when it rejects', () => {
  it('a write has nothing on its way to the store any more', async () => {
    const { overlay, store, model } = makeOverlay()
    store.fault.plan([{ operation: 'write', range: { offset: 0, length: 1 }, code: 'NO_SPACE' }])
    const held = store.gate.hold((request) => isWrite(request) && request.offset === BLOCK)
    const failing = failureOf(overlay.write(randomBytes(2 * BLOCK, 2), BLOCK - 10))
    await held.reached
    const bytes = randomBytes(BLOCK, 3)
    const next = overlay.write(bytes, BLOCK)
    expect(await isPending(failing)).toBe(true)
    expect(await isPending(next)).toBe(true)
    held.release()
    expect(await failing).toMatchObject({ code: 'NO_SPACE' })
    await next
    model.write(bytes, BLOCK)
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('a read leaves its target alone', async () => {
    const { overlay, base, store } = makeOverlay()
    await overlay.write(randomBytes(BLOCK, 2), 0)
    store.fault.plan([{ operation: 'read', code: 'IO_ERROR' }])
    const held = base.gate.hold(isRead)
    const target = new Uint8Array(2 * BLOCK)
    const failing = failureOf(overlay.read(target, 0))
    await held.reached
    expect(await isPending(failing)).toBe(true)
    held.release()
    expect(await failing).toMatchObject({ code: 'IO_ERROR' })
    target.fill(0)
    expect(await isPending(overlay.flush())).toBe(false)
    expectSameBytes(target, new Uint8Array(2 * BLOCK))
  })
})

it('a block that was staged when extents were asked for is not told by the base, from before a commit', async () => {
  const { overlay, base, baseMemory } = makeOverlay({ size: 40 * 65536 })
  await baseMemory.trim(0, baseMemory.size)
  const at = 10 * 65536
  await overlay.write(randomBytes(BLOCK, 2), at)
  const held = base.gate.hold((request) => request.operation === 'extents', 'after')
  const asked = overlay.extents(0, overlay.size)
  await held.reached
  await commitOverlay({ overlay, target: baseMemory, verify: false })
  expect(overlay.stagedRunCount()).toBe(0)
  held.release()
  const told = (await asked).toArray().find((e) => e.offset <= at && at < e.offset + e.length)
  expect(told?.flags).toBe(0)
})

it('closing waits for what is under way, and for space that is still being given back', async () => {
  const { overlay, store } = makeOverlay()
  await overlay.write(new Uint8Array(BLOCK), 0)
  const heldTrim = store.gate.hold((request) => request.operation === 'trim')
  await overlay.trim(0, BLOCK)
  const heldWrite = store.gate.hold(isWrite)
  const write = overlay.write(new Uint8Array(BLOCK), BLOCK)
  const close = overlay.close()
  expect(await isPending(close)).toBe(true)
  heldWrite.release()
  await write
  expect(await isPending(close)).toBe(true)
  heldTrim.release()
  await close
  await expectCode(store.disk.read(new Uint8Array(1), 0), 'CLOSED')
})
