// Version 2 against bytes that are put together here, from the tables of docs/overlay-format.md, with a
// checksum of another make.

import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../base/errors'
import { Prng } from '../../base/prng'
import { MemoryDisk } from '../../disk/memory-disk'
import { FaultDisk } from '../../layers/fault'
import { LogDisk } from '../../layers/log'
import { expectCode, expectSameBytes, readWhole } from '../../testing/expect-disk'
import { AddCowFile } from './add-cow-file'
import type { AddCowHeader } from './add-cow-header'

const SLOT = 16384
const BITMAP = 32768
const PER_PAGE = 16320

type Put = (slot: Buffer) => void

/** One header slot; `put` changes it before its checksum is made. */
function headerSlot(sequence: number, put: Put = () => undefined): Buffer {
  const slot = Buffer.alloc(SLOT)
  slot.write('ADD_COW', 0, 'latin1')
  slot[7] = 0xff
  slot.writeUInt32BE(2, 8)
  slot.writeUInt32BE(SLOT, 12)
  slot.writeBigUInt64BE(BigInt(sequence), 16)
  slot.writeUInt32BE(65536, 44)
  slot.writeBigUInt64BE(BigInt(SIZE), 48)
  slot.writeBigUInt64BE(BigInt(BITMAP), 56)
  slot.fill(0x11, 64, 80)
  slot.fill(0x22, 80, 96)
  slot.writeUInt32BE(7, 96)
  slot.writeBigUInt64BE(BigInt(SIZE - 5), 112)
  slot.writeBigInt64BE(-3n, 120)
  slot.writeBigUInt64BE(0xffff_ffff_ffff_fff0n, 128)
  slot.writeBigUInt64BE(9n, 136)
  slot.fill(0x33, 144, 176)
  slot.write('raw', 192)
  slot.write('raw', 208)
  slot.write('before', 256)
  slot.write('bäse.img', 1024)
  slot.write('staged.acow.image', 2048)
  put(slot)
  return sum(slot)
}

function sum(slot: Buffer): Buffer {
  slot.writeUInt32BE(crc32(slot.subarray(0, SLOT - 4)), SLOT - 4)
  return slot
}

/** 20,000 clusters and a bit: two pages. */
const SIZE = 20_000 * 65536 + 100
const COUNT = 20_001
const LENGTH = BITMAP + 2 * 8192

const HEADER: AddCowHeader = {
  state: 'clean',
  clusterSize: 65536,
  size: SIZE,
  id: new Uint8Array(16).fill(0x11),
  parentId: new Uint8Array(16).fill(0x22),
  generation: 7,
  base: {
    size: SIZE - 5,
    modifiedNs: -3n,
    inode: 0xffff_ffff_ffff_fff0n,
    device: 9n,
    sampleHash: new Uint8Array(32).fill(0x33),
  },
  baseFormat: 'raw',
  imageFormat: 'raw',
  checkpointName: 'before',
  baseName: 'bäse.img',
  imageName: 'staged.acow.image',
}

/** One slot of a bitmap page with these states, by cluster. */
function pageSlot(page: number, sequence: number, states: Record<number, number>): Buffer {
  const slot = Buffer.alloc(4096)
  slot.writeBigUInt64BE(BigInt(sequence), 0)
  slot.writeUInt32BE(page, 8)
  for (const [cluster, state] of Object.entries(states)) {
    const n = Number(cluster) - page * PER_PAGE
    const at = 16 + Math.floor(n / 4)
    slot[at] = slot[at]! | (state << ((n % 4) * 2))
  }
  slot.writeUInt32BE(crc32(slot), 12)
  return slot
}

function fileOf(...parts: readonly (readonly [number, Buffer])[]): MemoryDisk {
  const bytes = new Uint8Array(LENGTH)
  for (const [at, part] of parts) bytes.set(part, at)
  return MemoryDisk.from(bytes)
}

const dirty: Put = (slot) => slot.writeUInt32BE(1, 40)

const statesOf = async (disk: MemoryDisk) => {
  const { states } = await (await AddCowFile.open(disk)).ledger(0)
  return [...states.stagedRuns()].map(({ first, count, state }) => [first, count, state])
}

describe('an overlay file of version 2', () => {
  it('is written as the tables say', async () => {
    const disk = new MemoryDisk(LENGTH)
    await AddCowFile.fill(disk, HEADER)
    const expected = await readWhole(fileOf([0, headerSlot(1)]))
    expectSameBytes(await readWhole(disk), expected)
  })

  it('is read as it was written by somebody else', async () => {
    const file = await AddCowFile.open(fileOf([SLOT, headerSlot(12)], [0, headerSlot(11, dirty)]))
    expect(file.header).toEqual(HEADER)
  })

  it('keeps what a commit was asked to do', async () => {
    const disk = fileOf([0, headerSlot(1)])
    const file = await AddCowFile.open(disk)
    const ranges = [
      { offset: 65536, length: 4096 },
      { offset: 1 << 20, length: SIZE - (1 << 20) },
    ]
    await file.markCommitting({ ranges, undoName: 'undo me' })
    const second = headerSlot(2, (slot) => {
      slot.writeUInt32BE(2, 40)
      slot.writeUInt32BE(2, 100)
      slot.writeUInt32BE(2, 104)
      slot.write('undo me', 3072)
      for (const [i, { offset, length }] of ranges.entries()) {
        slot.writeBigUInt64BE(BigInt(offset), 4096 + 16 * i)
        slot.writeBigUInt64BE(BigInt(length), 4104 + 16 * i)
      }
    })
    expectSameBytes(
      await readWhole(disk),
      await readWhole(fileOf([0, headerSlot(1)], [SLOT, second])),
    )
    const again = await AddCowFile.open(disk)
    expect(again.header?.commit).toEqual({ ranges, undoName: 'undo me' })
    await again.markCommitting({ undoName: '' })
    expect((await AddCowFile.open(disk)).header?.commit).toEqual({ undoName: '' })
    const base = { ...HEADER.base, size: 5 }
    await again.markCommitted(base)
    expect((await AddCowFile.open(disk)).header).toEqual({ ...HEADER, state: 'dirty', base })
    const many = Array.from({ length: 768 }, (_, i) => ({ offset: i * 2, length: 1 }))
    await expectCode(again.markCommitting({ ranges: many, undoName: '' }), 'LIMIT')
    await again.markCommitting({ ranges: many.slice(1), undoName: '' })
    expect((await AddCowFile.open(disk)).header?.commit?.ranges?.length).toBe(767)
  })

  it('has its states in pages, the newer slot of each', async () => {
    const disk = fileOf(
      [0, headerSlot(1)],
      [BITMAP, pageSlot(0, 4, { 0: 1, 1: 2, 2: 2, 16319: 1 })],
      [BITMAP + 4096, pageSlot(0, 3, { 5: 1 })],
      [BITMAP + 8192 + 4096, pageSlot(1, 1, { 16320: 1, 20000: 2 })],
    )
    expect(await statesOf(disk)).toEqual([
      [0, 1, 1],
      [1, 2, 2],
      [16_319, 2, 1],
      [20_000, 1, 2],
    ])
  })

  it('takes a change of a page into the older slot', async () => {
    const disk = fileOf([0, headerSlot(1, dirty)], [BITMAP, pageSlot(0, 2, { 8: 1 })])
    const ledger = await (await AddCowFile.open(disk)).ledger(0)
    const changed = ledger.states.clone()
    ledger.states.set(9, 2, 2)
    ledger.states.set(20_000, 1, 1)
    changed.set(9, 1, 1)
    changed.set(20_000, 1, 1)
    const batch = ledger.take(changed, 0)
    expect(batch.end).toBe(COUNT)
    ledger.states.set(0, 1, 1)
    await batch.record()
    const expected = fileOf(
      [0, headerSlot(1, dirty)],
      [BITMAP, pageSlot(0, 2, { 8: 1 })],
      [BITMAP + 4096, pageSlot(0, 3, { 8: 1, 9: 2, 10: 2 })],
      [BITMAP + 8192 + 4096, pageSlot(1, 1, { 20000: 1 })],
    )
    expectSameBytes(await readWhole(disk), await readWhole(expected))
  })

  it('agrees with a list of states under random changes', async () => {
    const prng = new Prng(3)
    const disk = fileOf([0, headerSlot(1, dirty)])
    const ledger = await (await AddCowFile.open(disk)).ledger(0)
    const states = new Uint8Array(COUNT)
    for (let round = 0; round < 30; round++) {
      const changed = ledger.states.clone()
      changed.set(0, COUNT, 0)
      for (let i = 0; i < 15; i++) {
        const first = prng.below(COUNT)
        const count = Math.min(COUNT - first, 1 + prng.below(prng.pick([3, 50, 9000])))
        const state = prng.pick([0, 1, 2] as const)
        ledger.states.set(first, count, state)
        changed.set(first, count, 1)
        states.fill(state, first, first + count)
      }
      await ledger.take(changed, 0).record()
      const found = new Uint8Array(COUNT)
      for (const [first, count, state] of await statesOf(disk)) {
        found.fill(state!, first, first! + count!)
      }
      expectSameBytes(found, states)
    }
  })

  it('is dirty from the first change on, and clean after the last', async () => {
    const memory = fileOf([0, headerSlot(1)])
    const log: string[] = []
    const disk = new LogDisk({
      disk: memory,
      onRequest: ({ operation }) => {
        if (operation === 'write' || operation === 'flush') log.push(operation)
      },
    })
    const file = await AddCowFile.open(disk)
    const ledger = await file.ledger(0)
    const begun = [ledger.begin(), ledger.begin()]
    expect(begun[0]).toBeDefined()
    await Promise.all(begun)
    expect(ledger.begin()).toBe(undefined)
    expect(log).toEqual(['write', 'flush'])
    expect((await AddCowFile.open(memory)).header?.state).toBe('dirty')
    await ledger.end()
    expect((await AddCowFile.open(memory)).header?.state).toBe('clean')
    await ledger.end()
    expect(log).toEqual(['write', 'flush', 'write', 'flush'])
  })
})

describe('what a crash leaves in an overlay file of version 2', () => {
  it('is one whole header, whichever was being written', async () => {
    for (const cut of [0, 8, 11, 12, 100, 512, 4096, SLOT - 4, SLOT - 1]) {
      const half = Buffer.concat([headerSlot(6).subarray(0, cut), headerSlot(4).subarray(cut)])
      for (const [torn, whole] of [
        [0, SLOT],
        [SLOT, 0],
      ] as const) {
        const file = await AddCowFile.open(fileOf([torn, half], [whole, headerSlot(5, dirty)]))
        expect(file.header?.state).toBe('dirty')
      }
    }
    const lost = await AddCowFile.open(fileOf([SLOT, headerSlot(5, dirty)]))
    expect(lost.header?.state).toBe('dirty')
  })

  it('is the page before the one that was torn, which is then put right', async () => {
    const torn = pageSlot(0, 3, { 9: 1, 2000: 1 })
    torn.fill(0, 100)
    const disk = fileOf(
      [0, headerSlot(1, dirty)],
      [BITMAP, pageSlot(0, 2, { 8: 1 })],
      [BITMAP + 4096, torn],
      [BITMAP + 8192, torn],
    )
    expect(await statesOf(disk)).toEqual([[8, 1, 1]])
    await (await (await AddCowFile.open(disk)).ledger(0)).end()
    expect(await statesOf(disk)).toEqual([[8, 1, 1]])
    expect((await AddCowFile.open(disk)).header?.state).toBe('clean')
  })

  it('are states past the end, which then are gone', async () => {
    const disk = fileOf(
      [0, headerSlot(1, dirty)],
      [BITMAP + 8192 + 4096, pageSlot(1, 1, { 20000: 1, 20001: 1, 30000: 2 })],
    )
    expect(await statesOf(disk)).toEqual([[20_000, 1, 1]])
    await (await (await AddCowFile.open(disk)).ledger(0)).end()
    expect(await statesOf(disk)).toEqual([[20_000, 1, 1]])
  })

  it('is what was recorded last when a record fails, and it can be recorded again', async () => {
    for (const operation of ['write', 'flush'] as const) {
      for (const effect of ['none', 'half', 'all'] as const) {
        const memory = fileOf([0, headerSlot(1, dirty)], [BITMAP, pageSlot(0, 2, { 8: 1 })])
        const disk = new FaultDisk({ disk: memory })
        const ledger = await (await AddCowFile.open(disk)).ledger(0)
        const changed = ledger.states.clone()
        for (const block of [9, 10]) {
          disk.plan([{ operation, code: 'IO_ERROR', effect, times: 1 }])
          ledger.states.set(block, 1, 1)
          changed.set(block, 1, 1)
          await expectCode(ledger.take(changed, 0).record(), 'IO_ERROR')
          const [, found] = (await statesOf(memory))[0] ?? []
          expect([block - 8, block - 7]).toContain(found)
          await ledger.take(changed, 0).record()
          expect(await statesOf(memory)).toEqual([[8, block - 7, 1]])
        }
      }
    }
  })
})

describe('an overlay file of version 2 is refused', () => {
  const refusals: [string, Put, ErrorCode][] = [
    ['features that nobody knows', (slot) => slot.writeUInt8(1, 31), 'OVERLAY_VERSION'],
    ['another header length', (slot) => slot.writeUInt32BE(4096, 12), 'OVERLAY_SIZE'],
    ['another place of its bitmap', (slot) => slot.writeUInt32BE(4096, 60), 'OVERLAY_SIZE'],
    ['a state that does not exist', (slot) => slot.writeUInt32BE(3, 40), 'OVERLAY_BITS'],
    ['a cluster size of 0', (slot) => slot.writeUInt32BE(0, 44), 'OVERLAY_CLUSTER'],
    ['a cluster size of 2 KiB', (slot) => slot.writeUInt32BE(2048, 44), 'OVERLAY_CLUSTER'],
    ['a cluster size of 4 MiB', (slot) => slot.writeUInt32BE(4 << 20, 44), 'OVERLAY_CLUSTER'],
    ['a cluster size of 12 KiB', (slot) => slot.writeUInt32BE(12288, 44), 'OVERLAY_CLUSTER'],
    ['a disk of nothing', (slot) => slot.writeBigUInt64BE(0n, 48), 'OVERLAY_SIZE'],
    ['a disk above 2^53', (slot) => slot.writeBigUInt64BE(1n << 53n, 48), 'OVERLAY_SIZE'],
    ['a disk whose pages are not there', (slot) => slot.writeUInt8(1, 49), 'OVERLAY_SIZE'],
    ['a disk that needs fewer pages', (slot) => slot.writeBigUInt64BE(9n, 48), 'OVERLAY_SIZE'],
    ['a base above 2^53', (slot) => slot.writeBigUInt64BE(1n << 53n, 112), 'LIMIT'],
    ['no format of the base', (slot) => slot.fill(0, 192, 208), 'OVERLAY_NAME_MISSING'],
    ['no format of the image file', (slot) => slot.fill(0, 208, 224), 'OVERLAY_NAME_MISSING'],
    ['no base', (slot) => slot.fill(0, 1024, 2048), 'OVERLAY_NAME_MISSING'],
    ['no image file', (slot) => slot.fill(0, 2048, 3072), 'OVERLAY_NAME_MISSING'],
    ['an endless base', (slot) => slot.fill(0x61, 1024, 2048), 'OVERLAY_NAME_UNTERMINATED'],
    ['an endless image file', (slot) => slot.fill(0x61, 2048, 3072), 'OVERLAY_NAME_UNTERMINATED'],
    ['an endless undo file', (slot) => slot.fill(0x61, 3072, 4096), 'OVERLAY_NAME_UNTERMINATED'],
    ['an endless checkpoint', (slot) => slot.fill(0x61, 256, 512), 'OVERLAY_NAME_UNTERMINATED'],
    ['an endless format', (slot) => slot.fill(0x61, 192, 208), 'OVERLAY_NAME_UNTERMINATED'],
    ['a base that is no text', (slot) => slot.writeUInt8(0xff, 1024), 'OVERLAY_NAME_UNTERMINATED'],
    ['a commit in a clean file', (slot) => slot.writeUInt32BE(1, 100), 'OVERLAY_BITS'],
    ['committing, and no commit', (slot) => slot.writeUInt32BE(2, 40), 'OVERLAY_BITS'],
    ['an unknown commit', (slot) => commit(slot, 3, []), 'OVERLAY_BITS'],
    ['too many ranges', (slot) => commit(slot, 2, []).writeUInt32BE(768, 104), 'OVERLAY_BITS'],
    ['an empty range', (slot) => commit(slot, 2, [[0, 0]]), 'OVERLAY_BITS'],
    ['a range past the end', (slot) => commit(slot, 2, [[SIZE - 1, 2]]), 'OVERLAY_BITS'],
    [
      'ranges that meet',
      (slot) =>
        commit(slot, 2, [
          [0, 10],
          [9, 10],
        ]),
      'OVERLAY_BITS',
    ],
  ]

  function commit(slot: Buffer, kind: number, ranges: readonly [number, number][]): Buffer {
    slot.writeUInt32BE(2, 40)
    slot.writeUInt32BE(kind, 100)
    slot.writeUInt32BE(ranges.length, 104)
    for (const [i, [offset, length]] of ranges.entries()) {
      slot.writeBigUInt64BE(BigInt(offset), 4096 + 16 * i)
      slot.writeBigUInt64BE(BigInt(length), 4104 + 16 * i)
    }
    return slot
  }

  it.each(refusals)('with %s', async (_, put, code) => {
    await expectCode(AddCowFile.open(fileOf([0, headerSlot(1, put)])), code)
  })

  it('with no header whose checksum is right', async () => {
    const bad = headerSlot(1)
    bad[100] = bad[100]! ^ 1
    await expectCode(AddCowFile.open(fileOf([0, bad])), 'OVERLAY_CHECKSUM')
    await expectCode(AddCowFile.open(fileOf([0, bad], [SLOT, bad])), 'OVERLAY_CHECKSUM')
  })

  it('when it ends in its header', async () => {
    const bytes = await readWhole(fileOf([0, headerSlot(1)]))
    for (const length of [12, SLOT, BITMAP - 1]) {
      const disk = MemoryDisk.from(bytes.slice(0, length))
      await expectCode(AddCowFile.open(disk), 'OVERLAY_SIZE')
    }
  })

  it('with a torn page, a page from elsewhere, or states past the end, when it was closed', async () => {
    const torn = pageSlot(0, 2, { 9: 1 })
    torn[2000] = 1
    const refused: [number, Buffer, ErrorCode][] = [
      [0, torn, 'OVERLAY_CHECKSUM'],
      [0, pageSlot(0, 3, { 9: 1 }), 'OVERLAY_CHECKSUM'],
      [0, pageSlot(1, 2, { 16320: 1 }), 'OVERLAY_CHECKSUM'],
      [8192, pageSlot(1, 2, { 20001: 1 }), 'OVERLAY_BITS'],
    ]
    for (const [at, page, code] of refused) {
      await expectCode(statesOf(fileOf([0, headerSlot(1)], [BITMAP + at, page])), code)
    }
  })

  it('with a block in a state that does not exist, closed or not', async () => {
    const page = pageSlot(0, 2, { 9: 3 })
    for (const put of [undefined, dirty]) {
      const disk = fileOf([0, headerSlot(1, put)], [BITMAP, page])
      await expectCode(statesOf(disk), 'OVERLAY_BITS')
    }
  })
})
