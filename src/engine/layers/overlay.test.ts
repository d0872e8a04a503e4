import { describe, expect, it } from 'vitest'
import { BLOCK_ZEROED } from '../base/block-leaf'
import { alignUp, type ByteRange } from '../base/ranges'
import { MemoryDisk } from '../disk/memory-disk'
import { PatternDisk } from '../disk/pattern-disk'
import { describeDiskContract } from '../testing/disk-contract'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { makeOverlay, randomBytes } from '../testing/overlay-setup'
import { OverlayDisk } from './overlay'

const BLOCK = 4096

for (const blockSize of [4096, 65536]) {
  describeDiskContract(`an overlay with blocks of ${blockSize} bytes`, () => {
    const content = randomBytes(300_001, 2)
    const base = MemoryDisk.from(content, { readOnly: true })
    const store = new MemoryDisk(alignUp(content.length, blockSize))
    return { disk: new OverlayDisk({ base, store, blockSize }), content }
  })
}

describe('a write to an overlay', () => {
  it('of whole blocks is one request to the store, and none to the base', async () => {
    const { overlay, base, store } = makeOverlay()
    await overlay.write(randomBytes(10 * BLOCK, 2), 3 * BLOCK)
    expect(store.log).toEqual([`write ${3 * BLOCK}+${10 * BLOCK}`])
    expect(base.log).toEqual([])
  })

  it('smaller than a block keeps the rest of the block, and reads the base once', async () => {
    const { overlay, base, store, model } = makeOverlay()
    const bytes = randomBytes(100, 2)
    await overlay.write(bytes, 5 * BLOCK + 50)
    model.write(bytes, 5 * BLOCK + 50)
    expect(base.log).toEqual([`read ${5 * BLOCK}+${BLOCK}`])
    expect(store.log).toEqual([`write ${5 * BLOCK}+${BLOCK}`])
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('with ragged ends reads the two blocks there, and writes them and the middle', async () => {
    const { overlay, base, store, model } = makeOverlay()
    const bytes = randomBytes(3 * BLOCK, 2)
    await overlay.write(bytes, BLOCK - 10)
    model.write(bytes, BLOCK - 10)
    expect(base.log).toEqual([`read 0+${BLOCK}`, `read ${3 * BLOCK}+${BLOCK}`])
    expect(store.log).toEqual([
      `write 0+${BLOCK}`,
      `write ${3 * BLOCK}+${BLOCK}`,
      `write ${BLOCK}+${2 * BLOCK}`,
    ])
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('into a block that is written already goes straight through', async () => {
    const { overlay, base, store, model } = makeOverlay()
    await overlay.write(model.bytes.slice(0, 2 * BLOCK), 0)
    store.log.length = 0
    const bytes = randomBytes(BLOCK, 3)
    await overlay.write(bytes, 100)
    model.write(bytes, 100)
    expect(store.log).toEqual([`write 100+${BLOCK}`])
    expect(base.log).toEqual([])
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('into a zeroed block needs nothing from the base', async () => {
    const { overlay, base, model } = makeOverlay()
    await overlay.zero(0, BLOCK)
    await overlay.write(new Uint8Array(10).fill(9), 20)
    model.zero(0, BLOCK)
    model.write(new Uint8Array(10).fill(9), 20)
    expect(base.log).toEqual([])
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('up to the end of a disk that is cut in a block is whole there', async () => {
    const { overlay, base, store, model } = makeOverlay({ size: 5 * BLOCK + 123 })
    const bytes = randomBytes(BLOCK + 123, 2)
    await overlay.write(bytes, 4 * BLOCK)
    model.write(bytes, 4 * BLOCK)
    expect(base.log).toEqual([])
    expect(store.log).toEqual([`write ${4 * BLOCK}+${BLOCK + 123}`])
    expect(overlay.staged()).toEqual({ written: BLOCK + 123, zeroed: 0 })
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('never reaches the base, whatever is done', async () => {
    const { overlay, base, baseBytes, baseMemory } = makeOverlay()
    await overlay.write(randomBytes(3 * BLOCK, 2), 77)
    await overlay.zero(BLOCK, 5000, { fua: true })
    await overlay.trim(0, overlay.size)
    await overlay.discard([{ offset: 0, length: 1 }])
    await overlay.flush()
    for (const line of base.log) expect(line).toMatch(/^read /)
    expectSameBytes(await readWhole(baseMemory), baseBytes)
  })

  it('longer than the store takes is cut, and kept to the blocks of the store', async () => {
    const storeBlocks = { minimum: 512, preferred: 4096, maximum: 10_000 }
    const { overlay, store, model } = makeOverlay({ storeBlocks })
    const bytes = randomBytes(20_000, 2)
    await overlay.write(bytes, 1000)
    model.write(bytes, 1000)
    await overlay.write(bytes.subarray(0, 3), 1500)
    model.write(bytes.subarray(0, 3), 1500)
    expectSameBytes(await readWhole(overlay), model.bytes)
    for (const line of store.log) {
      const [, offset, length] = /(\d+)\+(\d+)/.exec(line)!
      expect([Number(offset) % 512, Number(length) % 512]).toEqual([0, 0])
      expect(Number(length)).toBeLessThanOrEqual(8192)
    }
  })
})

describe('zero and trim in an overlay', () => {
  it('of whole blocks touch neither base nor store, and read as zeroes', async () => {
    const { overlay, base, store, model } = makeOverlay()
    await overlay.zero(2 * BLOCK, 3 * BLOCK)
    await overlay.trim(10 * BLOCK, 3 * BLOCK)
    await overlay.zero(20 * BLOCK, BLOCK, { mayTrim: true, fast: true, fua: true })
    for (const [offset, blocks] of [
      [2, 3],
      [10, 3],
      [20, 1],
    ] as const) {
      model.zero(offset * BLOCK, blocks * BLOCK)
    }
    expect([base.log, store.log]).toEqual([[], []])
    expect(overlay.staged()).toEqual({ written: 0, zeroed: 7 * BLOCK })
    expectSameBytes(await readWhole(overlay), model.bytes)
    expect(store.log).toEqual([])
  })

  it('never reveal the base again', async () => {
    const { overlay } = makeOverlay()
    await overlay.write(randomBytes(4 * BLOCK, 2), 0)
    await overlay.trim(0, 8 * BLOCK)
    await overlay.trim(0, 8 * BLOCK)
    const target = new Uint8Array(8 * BLOCK)
    await overlay.read(target, 0)
    expectSameBytes(target, new Uint8Array(8 * BLOCK))
  })

  it('give back the space of written blocks behind the answer', async () => {
    const { overlay, store } = makeOverlay()
    await overlay.write(randomBytes(8 * BLOCK, 2), 0)
    store.log.length = 0
    await overlay.trim(BLOCK, 2 * BLOCK)
    await overlay.zero(5 * BLOCK, BLOCK)
    await overlay.close()
    expect(store.log).toEqual([`trim ${BLOCK}+${2 * BLOCK}`, `trim ${5 * BLOCK}+${BLOCK}`])
  })

  it('with ragged ends zero what was asked and no more', async () => {
    const { overlay, model, base, store } = makeOverlay()
    await overlay.write(model.bytes.slice(6 * BLOCK, 7 * BLOCK), 6 * BLOCK)
    store.log.length = 0
    await overlay.zero(BLOCK + 100, 5 * BLOCK)
    model.zero(BLOCK + 100, 5 * BLOCK)
    expect(base.log).toEqual([`read ${BLOCK}+${BLOCK}`])
    expect(store.log).toEqual([`write ${6 * BLOCK}+100`, `write ${BLOCK}+${BLOCK}`])
    expect(overlay.staged()).toEqual({ written: 2 * BLOCK, zeroed: 4 * BLOCK })
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('make a block zeroed when nothing but zeroes is left in it', async () => {
    const { overlay, model, store } = makeOverlay({ baseSize: 2 * BLOCK + 10 })
    await overlay.zero(2 * BLOCK, 50)
    model.zero(2 * BLOCK, 50)
    expect(store.log).toEqual([])
    expect(overlay.staged()).toEqual({ written: 0, zeroed: BLOCK })
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('a trim leaves alone the blocks that it only cuts', async () => {
    const { overlay, model, base, store } = makeOverlay({ size: 10 * BLOCK + 5 })
    await overlay.trim(BLOCK - 1, 2 * BLOCK + 2)
    await overlay.trim(5, 100)
    await overlay.trim(10 * BLOCK + 1, 4)
    model.zero(BLOCK, 2 * BLOCK)
    expect([base.log, store.log]).toEqual([[], []])
    expectSameBytes(await readWhole(overlay), model.bytes)
    await overlay.trim(10 * BLOCK, 5)
    model.zero(10 * BLOCK, 5)
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('a fast zero is refused untouched when a block at its edge holds bytes', async () => {
    const { overlay, model, base, store } = makeOverlay({ baseSize: 20 * BLOCK })
    await overlay.write(new Uint8Array(BLOCK).fill(1), 8 * BLOCK)
    model.write(new Uint8Array(BLOCK).fill(1), 8 * BLOCK)
    await overlay.zero(4 * BLOCK, BLOCK)
    model.zero(4 * BLOCK, BLOCK)
    for (const log of [base.log, store.log]) log.length = 0
    const fast = { fast: true }
    const refused = overlay.zero(BLOCK, BLOCK + 1, fast)
    await expectCode(refused, 'NOT_SUPPORTED')
    await expect(refused).rejects.toThrow('nothing was changed')
    await expectCode(overlay.zero(4 * BLOCK + 1, 4 * BLOCK, fast), 'NOT_SUPPORTED')
    // A zeroed block, and one beyond the base, take no bytes to zero.
    await overlay.zero(4 * BLOCK + 5, 2 * BLOCK - 5, fast)
    model.zero(4 * BLOCK + 5, 2 * BLOCK - 5)
    await overlay.zero(21 * BLOCK + 1, BLOCK, fast)
    expect([base.log, store.log]).toEqual([[], []])
    expect(overlay.staged()).toEqual({ written: BLOCK, zeroed: 4 * BLOCK })
    expectSameBytes(await readWhole(overlay), model.bytes)
  })
})

describe('the base of an overlay', () => {
  it('that is shorter reads as zeroes beyond its end', async () => {
    const { overlay, model } = makeOverlay({ baseSize: 3 * BLOCK + 7 })
    expectSameBytes(await readWhole(overlay), model.bytes)
    await overlay.write(new Uint8Array(2).fill(1), 3 * BLOCK + 8)
    model.write(new Uint8Array(2).fill(1), 3 * BLOCK + 8)
    await overlay.write(new Uint8Array(2).fill(2), 30 * BLOCK + 8)
    model.write(new Uint8Array(2).fill(2), 30 * BLOCK + 8)
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('that is longer is cut off, and not read beyond the end', async () => {
    const { overlay, model, base } = makeOverlay({ size: 3 * BLOCK + 7, baseSize: 5 * BLOCK })
    await expectCode(overlay.read(new Uint8Array(2), 3 * BLOCK + 6), 'OUT_OF_RANGE')
    await overlay.write(new Uint8Array(1).fill(1), 3 * BLOCK + 5)
    model.write(new Uint8Array(1).fill(1), 3 * BLOCK + 5)
    expect(base.log).toEqual([`read ${3 * BLOCK}+7`])
    expectSameBytes(await readWhole(overlay), model.bytes)
  })

  it('may want blocks larger than the overlay has', async () => {
    const baseBlocks = { minimum: 16384, preferred: 65536, maximum: 65536 }
    const { overlay, model, base } = makeOverlay({ baseBlocks, size: 41 * BLOCK + 1 })
    const bytes = randomBytes(100_000, 2)
    await overlay.write(bytes, 5001)
    model.write(bytes, 5001)
    await overlay.write(bytes.subarray(0, 5), 41 * BLOCK - 4)
    model.write(bytes.subarray(0, 5), 41 * BLOCK - 4)
    expectSameBytes(await readWhole(overlay), model.bytes)
    for (const line of base.log) expect(Number(/\d+/.exec(line)![0]) % 16384).toBe(0)
  })
})

describe('what an overlay has staged', () => {
  it('is told in exact bytes, clipped at the end of the disk', async () => {
    const { overlay } = makeOverlay({ size: 9 * BLOCK + 100 })
    await overlay.write(new Uint8Array(1), 9 * BLOCK + 50)
    await overlay.zero(2 * BLOCK, 2 * BLOCK)
    await overlay.write(new Uint8Array(BLOCK), 4 * BLOCK)
    expect(overlay.staged()).toEqual({ written: BLOCK + 100, zeroed: 2 * BLOCK })
    expect([...overlay.stagedRuns()]).toEqual([
      { offset: 2 * BLOCK, length: 2 * BLOCK, state: 'zeroed' },
      { offset: 4 * BLOCK, length: BLOCK, state: 'written' },
      { offset: 9 * BLOCK, length: 100, state: 'written' },
    ])
    expect(overlay.stagedRunCount()).toBe(3)
    expect([...overlay.stagedRuns(4 * BLOCK - 1, 3)]).toEqual([
      { offset: 4 * BLOCK - 1, length: 1, state: 'zeroed' },
      { offset: 4 * BLOCK, length: 2, state: 'written' },
    ])
    expect(overlay.stagedIn(4 * BLOCK - 1, 3)).toEqual({ written: 2, zeroed: 1 })
    expect(overlay.stagedIn(9 * BLOCK + 99, 1 << 20)).toEqual({ written: 1, zeroed: 0 })
    expect(overlay.stagedIn(1 << 20, 5)).toEqual({ written: 0, zeroed: 0 })
  })

  it('is counted in any range as a slow count of every byte says', async () => {
    const { overlay } = makeOverlay({ size: 30 * BLOCK + 77 })
    const states = new Uint8Array(overlay.size)
    for (const [first, count, zeroed] of [
      [1, 3, true],
      [3, 4, false],
      [20, 1, false],
      [25, 6, true],
    ] as const) {
      const length = Math.min(count * BLOCK, overlay.size - first * BLOCK)
      if (zeroed) await overlay.zero(first * BLOCK, length)
      else await overlay.write(new Uint8Array(length), first * BLOCK)
      states.fill(zeroed ? 2 : 1, first * BLOCK, first * BLOCK + length)
    }
    for (let offset = 0; offset < overlay.size; offset += 1777) {
      for (const length of [1, 500, BLOCK, 3 * BLOCK + 1, overlay.size]) {
        const part = states.subarray(offset, offset + length)
        const bytes = (state: number) => part.reduce((sum, s) => sum + (s === state ? 1 : 0), 0)
        expect(overlay.stagedIn(offset, length)).toEqual({ written: bytes(1), zeroed: bytes(2) })
      }
    }
  })

  it('leads from run to run in both directions', async () => {
    const { overlay } = makeOverlay({ size: 40 * BLOCK + 1 })
    await overlay.zero(2 * BLOCK, 2 * BLOCK)
    await overlay.write(new Uint8Array(BLOCK), 4 * BLOCK)
    await overlay.write(new Uint8Array(1), 40 * BLOCK)
    const forward: number[] = []
    for (let at: number | undefined = 0; at !== undefined; at = overlay.nextStaged(at))
      forward.push(at)
    expect(forward).toEqual([0, 2 * BLOCK, 4 * BLOCK, 40 * BLOCK])
    const back: number[] = []
    for (let at: number | undefined = overlay.size; at !== undefined; ) {
      back.push(at)
      at = overlay.nextStaged(at, true)
    }
    expect(back).toEqual([overlay.size, 40 * BLOCK, 4 * BLOCK, 2 * BLOCK])
    expect(overlay.nextStaged(4 * BLOCK + 1, true)).toBe(4 * BLOCK)
    expect(overlay.nextStaged(overlay.size)).toBe(undefined)
  })

  it('is announced when it can be seen', async () => {
    const { overlay } = makeOverlay()
    const seen: [number, number, number, number][] = []
    overlay.onChange = ({ offset, length }: ByteRange) => {
      const { written, zeroed } = overlay.staged()
      seen.push([offset, length, written, zeroed])
    }
    await overlay.write(new Uint8Array(10), 5)
    await overlay.zero(BLOCK, 2 * BLOCK)
    await overlay.trim(BLOCK + 1, 3 * BLOCK)
    await overlay.trim(1, 10)
    await overlay.discard([{ offset: 0, length: 1 }])
    await overlay.flush()
    expect(seen).toEqual([
      [5, 10, BLOCK, 0],
      [BLOCK, 2 * BLOCK, BLOCK, 2 * BLOCK],
      [2 * BLOCK, 2 * BLOCK, BLOCK, 3 * BLOCK],
      [0, BLOCK, 0, 3 * BLOCK],
    ])
  })
})

describe('what is discarded is announced', () => {
  const announced = async (blocks: readonly number[]) => {
    const { overlay } = makeOverlay({ size: 5000 * BLOCK })
    const seen: number[][] = []
    for (const block of blocks) await overlay.zero(block * BLOCK, BLOCK)
    overlay.onChange = ({ offset, length }) => seen.push([offset / BLOCK, length / BLOCK])
    await overlay.discard()
    return seen
  }

  it('run by run, and nothing where nothing was staged', async () => {
    expect(await announced([])).toEqual([])
    expect(await announced([3, 4, 4000])).toEqual([
      [3, 2],
      [4000, 1],
    ])
  })

  it('as one range when the runs are many', async () => {
    const many = Array.from({ length: 1001 }, (_, i) => 10 + 2 * i)
    expect(await announced(many)).toEqual([[10, 2001]])
  })
})

describe('discarding', () => {
  it('reveals the base in every block that the ranges touch, and tells the bytes', async () => {
    const { overlay, model, store } = makeOverlay({ size: 20 * BLOCK + 9 })
    const before = model.bytes.slice()
    await overlay.write(new Uint8Array(overlay.size).fill(3), 0)
    await overlay.zero(5 * BLOCK, BLOCK)
    store.log.length = 0
    const bytes = await overlay.discard([
      { offset: 20 * BLOCK + 8, length: 1 },
      { offset: 4 * BLOCK, length: 2 * BLOCK },
      { offset: 5 * BLOCK + 1, length: BLOCK },
      { offset: 7, length: 0 },
    ])
    expect(bytes).toBe(3 * BLOCK + 9)
    expect(store.log).toEqual([`trim ${4 * BLOCK}+${3 * BLOCK}`, `trim ${20 * BLOCK}+${BLOCK}`])
    model.write(new Uint8Array(20 * BLOCK).fill(3), 0)
    model.write(before.subarray(4 * BLOCK, 7 * BLOCK), 4 * BLOCK)
    expectSameBytes(await readWhole(overlay), model.bytes)
    expect(await overlay.discard()).toBe(17 * BLOCK)
    expect(await overlay.discard()).toBe(0)
    expect(await overlay.discard([])).toBe(0)
    expectSameBytes(await readWhole(overlay), before)
  })

  it('outside of the disk is refused before anything is forgotten', async () => {
    const { overlay } = makeOverlay()
    await overlay.write(new Uint8Array(BLOCK), 0)
    const ranges = [
      { offset: 0, length: BLOCK },
      { offset: overlay.size, length: 1 },
    ]
    await expectCode(overlay.discard(ranges), 'OUT_OF_RANGE')
    expect(overlay.staged().written).toBe(BLOCK)
  })

  it('succeeds when the store cannot give the space back, and says why it did not', async () => {
    const { overlay, store, model } = makeOverlay()
    await overlay.write(new Uint8Array(BLOCK), 0)
    store.fault.plan([{ operation: 'trim', code: 'IO_ERROR' }])
    expect(await overlay.discard()).toBe(BLOCK)
    expect(overlay.releaseError).toMatchObject({ code: 'IO_ERROR' })
    expectSameBytes(await readWhole(overlay), model.bytes)
  })
})

describe('the extents of an overlay', () => {
  const extentsOf = async (disk: OverlayDisk, offset = 0, length = disk.size - offset) =>
    (await disk.extents(offset, length)).toArray().map((e) => [e.offset, e.length, e.flags])

  it('are its own states first, the base between them, and a hole beyond the base', async () => {
    const base = new MemoryDisk(10 * 65536)
    await base.write(new Uint8Array(65536).fill(1), 2 * 65536)
    await base.write(new Uint8Array(65536).fill(1), 6 * 65536)
    const size = 20 * 65536
    const overlay = new OverlayDisk({ base, store: new MemoryDisk(size), blockSize: BLOCK, size })
    await overlay.write(new Uint8Array(BLOCK), 65536)
    await overlay.write(new Uint8Array(BLOCK), 3 * 65536)
    await overlay.zero(6 * 65536, BLOCK)
    await overlay.write(new Uint8Array(BLOCK), 15 * 65536)
    expect(await extentsOf(overlay)).toEqual([
      [0, 65536, 3],
      [65536, BLOCK, 0],
      [65536 + BLOCK, 65536 - BLOCK, 3],
      [2 * 65536, 65536 + BLOCK, 0],
      [3 * 65536 + BLOCK, 3 * 65536, 3],
      [6 * 65536 + BLOCK, 65536 - BLOCK, 0],
      [7 * 65536, 8 * 65536, 3],
      [15 * 65536, BLOCK, 0],
      [15 * 65536 + BLOCK, 5 * 65536 - BLOCK, 3],
    ])
    expect(await extentsOf(overlay, 65536 + 5, 10)).toEqual([[65541, 10, 0]])
    const first = await overlay.extents(2 * 65536, 9 * 65536, { first: true })
    expect(first.count).toBe(1)
  })

  it('ask the base once for all of its parts', async () => {
    const { overlay, base } = makeOverlay()
    for (let block = 1; block < 40; block += 3) {
      await overlay.write(new Uint8Array(BLOCK), block * BLOCK)
    }
    await overlay.extents(0, overlay.size)
    expect(base.log).toEqual([`extents 0+${40 * BLOCK}`])
    base.log.length = 0
    await overlay.extents(BLOCK, BLOCK)
    expect(base.log).toEqual([])
  })

  it('go on where a base that answers in parts stopped', async () => {
    const { overlay, base } = makeOverlay()
    const extents = base.gate.extents.bind(base.gate)
    base.gate.extents = (offset, length, options) =>
      extents(offset, Math.min(length, 5000), options)
    await overlay.zero(2 * BLOCK, BLOCK)
    expect(await extentsOf(overlay)).toEqual([
      [0, 2 * BLOCK, 0],
      [2 * BLOCK, BLOCK, 3],
      [3 * BLOCK, 37 * BLOCK, 0],
    ])
  })

  it('end early rather than grow without limit', async () => {
    const size = 2 ** 31
    const overlay = new OverlayDisk({
      base: new PatternDisk(size),
      store: new MemoryDisk(size),
      blockSize: BLOCK,
    })
    const { states } = overlay.blocks
    for (let block = 0; block < states.blockCount; block += 4) states.set(block, 1, BLOCK_ZEROED)
    const list = await overlay.extents(0, size)
    expect(list.count).toBe(1 << 16)
    expect(list.end).toBeLessThan(size)
  })
})

describe('an overlay is refused', () => {
  const base = new MemoryDisk(100_000)
  const store = new MemoryDisk(131_072)
  for (const [why, options, message] of [
    ['blocks of no power of two', { blockSize: 5000 }, '5000 bytes is not a power of two'],
    ['blocks too small', { blockSize: 2048 }, '2048 bytes is not a power of two from 4096'],
    ['blocks too large', { blockSize: 4 << 20 }, '4194304 bytes is not'],
    ['a size that is none', { size: 1.5 }, '1.5 is not a size'],
    ['a store without room for the last block', { size: 131_073 }, 'take 135168'],
    ['a read-only store', { store: new PatternDisk(131_072) }, 'read-only'],
    [
      'a store with larger blocks',
      {
        store: new MemoryDisk(131_072, {
          blockSize: { minimum: 8192, preferred: 8192, maximum: 65536 },
        }),
      },
      "not multiples of the store's 8192",
    ],
  ] as const) {
    it(`with ${why}`, () => {
      expect(() => new OverlayDisk({ base, store, blockSize: BLOCK, ...options })).toThrow(message)
    })
  }
})

it('closing an overlay closes its store and leaves its base open', async () => {
  const base = new MemoryDisk(65536)
  const store = new MemoryDisk(65536)
  const overlay = new OverlayDisk({ base, store, blockSize: BLOCK })
  await overlay.close()
  await overlay.close()
  await expectCode(overlay.discard(), 'CLOSED')
  await expectCode(store.read(new Uint8Array(1), 0), 'CLOSED')
  await base.read(new Uint8Array(1), 0)
})

it('says where bytes lie, and that those of its store must be copied: their space may be given back', async () => {
  const file = { fd: 3, readNow: () => true, isInMemory: () => true, holeAt: () => 0 }
  const placed = { place: (offset: number, length: number) => ({ offset, length, file }) }
  const base = Object.assign(new MemoryDisk(4 * BLOCK), { placed })
  const store = Object.assign(new MemoryDisk(4 * BLOCK), { placed })
  const overlay = new OverlayDisk({ base, store, blockSize: BLOCK })
  await overlay.write(new Uint8Array(BLOCK), BLOCK)
  await overlay.zero(2 * BLOCK, BLOCK)
  const at = (block: number) => overlay.placed.place(block * BLOCK, 4 * BLOCK - block * BLOCK)
  expect(at(0)).toEqual({ offset: 0, length: BLOCK, file })
  expect(at(1)).toEqual({ offset: BLOCK, length: BLOCK, file, mustCopy: true })
  expect(at(2)).toEqual({ offset: 0, length: BLOCK, file: undefined })
})

it('an overlay of nothing has nothing staged and no extents', async () => {
  const overlay = new OverlayDisk({
    base: new MemoryDisk(0),
    store: new MemoryDisk(0),
    blockSize: BLOCK,
  })
  expect([overlay.staged(), overlay.stagedRunCount()]).toEqual([{ written: 0, zeroed: 0 }, 0])
  expect((await overlay.extents(0, 0)).count).toBe(0)
  expect(await overlay.discard()).toBe(0)
  expect([overlay.nextStaged(0), overlay.nextStaged(0, true)]).toEqual([undefined, undefined])
})

it('a whole 8 PiB disk opens, is trimmed and is counted at once', async () => {
  const base = new PatternDisk(2 ** 53 - 1)
  const overlay = new OverlayDisk({
    base,
    store: new MemoryDisk(2 ** 53 - 65536),
    blockSize: 65536,
    size: 2 ** 53 - 65536 - 1,
  })
  await overlay.trim(0, overlay.size)
  expect(overlay.staged()).toEqual({ written: 0, zeroed: overlay.size })
  expect(overlay.stagedIn(2 ** 52, 5)).toEqual({ written: 0, zeroed: 5 })
  const target = new Uint8Array(100_000).fill(1)
  await overlay.read(target, overlay.size - target.length)
  expectSameBytes(target, new Uint8Array(target.length))
  expect(await overlay.discard()).toBe(overlay.size)
})
