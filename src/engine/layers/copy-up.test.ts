// Blocks that are kept because they were read. The first test is the first of the two ways in which
// nbdkit's cow filter was seen to lose acknowledged writes, with its cow-on-read.

import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import { expectSameBytes, readWhole } from '../testing/expect-disk'
import { isPending } from '../testing/fail-nth'
import { GateDisk } from '../testing/gate-disk'
import { randomBytes } from '../testing/overlay-setup'
import { commitOverlay } from './commit'
import { FaultDisk } from './fault'
import { describeRequest, LogDisk } from './log'
import { OverlayDisk } from './overlay'

const BLOCK = 4096
const SIZE = 20 * BLOCK + 100

function makeCopying(options: { readonly baseBytes?: Uint8Array; readonly size?: number } = {}) {
  const baseBytes = options.baseBytes ?? randomBytes(SIZE, 1)
  const size = options.size ?? SIZE
  const baseLog: string[] = []
  const baseGate = new GateDisk(MemoryDisk.from(baseBytes))
  const base = new LogDisk({
    disk: baseGate,
    onRequest: (request) => baseLog.push(describeRequest(request)),
  })
  const storeFault = new FaultDisk({ disk: new MemoryDisk(Math.ceil(size / BLOCK) * BLOCK) })
  const storeGate = new GateDisk(storeFault)
  const overlay = new OverlayDisk({
    base,
    store: storeGate,
    blockSize: BLOCK,
    size,
    copyOnRead: true,
    copyOnCache: true,
  })
  const content = new Uint8Array(size)
  content.set(baseBytes.subarray(0, size))
  return { overlay, base, baseGate, baseLog, baseBytes, storeFault, storeGate, content }
}

const isRead = ({ operation }: { operation: string }) => operation === 'read'
const isWrite = ({ operation }: { operation: string }) => operation === 'write'

describe('copying up what is read does not lose a write', () => {
  for (const begin of ['read', 'cache'] as const) {
    it(`to the same block while a ${begin} waits for the base`, async () => {
      const { overlay, baseGate, content } = makeCopying()
      const held = baseGate.hold(isRead, 'after')
      const slow =
        begin === 'read' ? overlay.read(new Uint8Array(BLOCK), 0) : overlay.cache(0, BLOCK)
      await held.reached
      const bytes = randomBytes(BLOCK, 2)
      const write = overlay.write(bytes, 0)
      expect(await isPending(write)).toBe(true)
      held.release()
      await Promise.all([slow, write])
      content.set(bytes)
      expectSameBytes(await readWhole(overlay), content)
    })
  }

  it('that came while the copy waited for the lock: it looks again', async () => {
    const { overlay, storeGate, baseLog, content } = makeCopying()
    const held = storeGate.hold(isWrite)
    const bytes = randomBytes(2 * BLOCK, 2)
    const write = overlay.write(bytes, 0)
    await held.reached
    const target = new Uint8Array(3 * BLOCK)
    const read = overlay.read(target, 0)
    expect(await isPending(read)).toBe(true)
    held.release()
    await Promise.all([write, read])
    content.set(bytes)
    expectSameBytes(target, content.subarray(0, 3 * BLOCK))
    expect(baseLog).toEqual([`read ${2 * BLOCK}+${BLOCK}`])
    expectSameBytes(await readWhole(overlay), content)
  })

  it('to one block while another is copied', async () => {
    const { overlay, baseGate, content } = makeCopying()
    const held = baseGate.hold(isRead)
    const read = overlay.read(new Uint8Array(10), 5 * BLOCK)
    await held.reached
    await overlay.write(new Uint8Array(BLOCK), 4 * BLOCK)
    await overlay.zero(6 * BLOCK, BLOCK)
    held.release()
    await read
    content.fill(0, 4 * BLOCK, 5 * BLOCK)
    content.fill(0, 6 * BLOCK, 7 * BLOCK)
    expectSameBytes(await readWhole(overlay), content)
  })

  it('nor what is discarded or trimmed meanwhile', async () => {
    const { overlay, baseGate, content } = makeCopying()
    const held = baseGate.hold(isRead, 'after')
    const read = overlay.read(new Uint8Array(2 * BLOCK), 0)
    await held.reached
    const trim = overlay.trim(0, BLOCK)
    const discard = overlay.discard([{ offset: BLOCK, length: BLOCK }])
    held.release()
    await Promise.all([read, trim, discard])
    content.fill(0, 0, BLOCK)
    expect(overlay.stagedIn(BLOCK, BLOCK)).toEqual({ written: 0, zeroed: 0 })
    expectSameBytes(await readWhole(overlay), content)
  })

  it('a commit takes blocks that are copied while it runs for changed ones', async () => {
    const { overlay, baseGate, base, content } = makeCopying()
    const bytes = randomBytes(BLOCK, 3)
    await overlay.write(bytes, 0)
    content.set(bytes)
    const held = baseGate.hold(isWrite)
    const commit = commitOverlay({ overlay, target: base, verify: false })
    await held.reached
    await overlay.read(new Uint8Array(BLOCK), 7 * BLOCK)
    held.release()
    await commit
    expect([...overlay.stagedRuns()]).toEqual([
      { offset: 7 * BLOCK, length: BLOCK, state: 'written' },
    ])
    expectSameBytes(await readWhole(overlay), content)
  })
})

describe('copying up', () => {
  it('asks the base once for each block that a read or a cache touches', async () => {
    const { overlay, baseLog, content } = makeCopying()
    await overlay.read(new Uint8Array(10), BLOCK - 5)
    expect(baseLog).toEqual([`read 0+${2 * BLOCK}`])
    await overlay.cache(2 * BLOCK, BLOCK)
    await overlay.read(new Uint8Array(3 * BLOCK), 0)
    expect(baseLog.slice(1)).toEqual([`read ${2 * BLOCK}+${BLOCK}`])
    expect(overlay.staged()).toEqual({ written: 3 * BLOCK, zeroed: 0 })
    expectSameBytes(await readWhole(overlay), content)
    const reads = baseLog.length
    expectSameBytes(await readWhole(overlay), content)
    expect(baseLog.length).toBe(reads)
  })

  it('is only done when it was asked for', async () => {
    const base = MemoryDisk.from(randomBytes(SIZE, 1))
    const store = new MemoryDisk(21 * BLOCK)
    const overlay = new OverlayDisk({ base, store, blockSize: BLOCK, copyOnCache: true })
    await readWhole(overlay)
    expect(overlay.staged().written).toBe(0)
    await overlay.cache(0, 1)
    expect(overlay.staged().written).toBe(BLOCK)
    const other = new OverlayDisk({ base, store, blockSize: BLOCK, copyOnRead: true })
    await other.cache(0, SIZE)
    expect(other.staged().written).toBe(0)
    expect(other.placed.place(0, 10)).toBe(undefined)
  })

  it('keeps zeroes as zeroes, and nothing of what lies past the end of the base', async () => {
    const baseBytes = randomBytes(6 * BLOCK + 10, 1)
    baseBytes.fill(0, BLOCK, 3 * BLOCK)
    const { overlay, content } = makeCopying({ baseBytes, size: SIZE })
    expectSameBytes(await readWhole(overlay), content)
    expect([...overlay.stagedRuns()]).toEqual([
      { offset: 0, length: BLOCK, state: 'written' },
      { offset: BLOCK, length: 2 * BLOCK, state: 'zeroed' },
      { offset: 3 * BLOCK, length: 4 * BLOCK, state: 'written' },
    ])
    expectSameBytes(await readWhole(overlay), content)
  })

  it('that the store has no room for costs the copy and not the read', async () => {
    const { overlay, storeFault, content } = makeCopying()
    storeFault.plan([{ operation: 'write', code: 'NO_SPACE' }])
    expectSameBytes(await readWhole(overlay), content)
    await overlay.cache(0, BLOCK)
    expect(overlay.copyError).toMatchObject({ code: 'NO_SPACE' })
    expect(overlay.staged()).toEqual({ written: 0, zeroed: 0 })
  })

  it('stops when it is cancelled', async () => {
    const { overlay, baseGate } = makeCopying()
    const controller = new AbortController()
    controller.abort()
    const held = baseGate.hold(isRead)
    const { signal } = controller
    await expect(overlay.read(new Uint8Array(1), 0, { signal })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    held.release()
    expect(overlay.staged().written).toBe(0)
  })

  it('tells of what changed', async () => {
    const { overlay } = makeCopying()
    const seen: number[][] = []
    overlay.onChange = ({ offset, length }) => seen.push([offset, length])
    await overlay.read(new Uint8Array(10), 5)
    expect(seen).toEqual([[0, BLOCK]])
  })
})
