// Version 1 against bytes that are put together here, from the table of the format and nothing else.

import { describe, expect, it } from 'vitest'
import { Prng } from '../../base/prng'
import type { BlockLedger } from '../../disk/block-ledger'
import { MemoryDisk } from '../../disk/memory-disk'
import { expectCode, expectSameBytes, readWhole } from '../../testing/expect-disk'
import { AddCowFile } from './add-cow-file'
import { encodeV1Header } from './add-cow-v1'

/** `sectors` says which bits are set. */
function v1File(options: {
  readonly base?: string
  readonly image?: string
  readonly sectors?: readonly number[]
  readonly count: number
}): Uint8Array<ArrayBuffer> {
  const { base = 'base.img', image = 'staged.img', sectors = [], count } = options
  const file = Buffer.alloc(2560 + Math.ceil(count / 8))
  file.write('ADD_COW', 0, 'latin1')
  file[7] = 0xff
  file.writeUInt32BE(1, 8)
  file.write(base, 12, 'utf8')
  file.write(image, 1036, 'utf8')
  for (const sector of sectors) {
    const at = 2560 + Math.floor(sector / 8)
    file[at] = file[at]! | (1 << (sector % 8))
  }
  return new Uint8Array(file)
}

const openBytes = async (bytes: Uint8Array, imageSize: number): Promise<BlockLedger> => {
  const file = await AddCowFile.open(MemoryDisk.from(bytes))
  return file.ledger(imageSize)
}

const setSectors = ({ states }: BlockLedger) =>
  [...states.stagedRuns()].flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, i) => first + i),
  )

describe('an overlay file of version 1', () => {
  it('has its header where the format says', () => {
    const header = encodeV1Header({ baseName: 'bäse.img', imageName: '/d/staged.img' })
    const expected = v1File({ base: 'bäse.img', image: '/d/staged.img', count: 0 })
    expectSameBytes(header, expected)
  })

  it('is read as it was written by somebody else', async () => {
    const sectors = [0, 7, 8, 9, 15, 16, 31, 100, 101, 102, 199]
    const bytes = v1File({ base: '../b', image: 'i', sectors, count: 200 })
    const file = await AddCowFile.open(MemoryDisk.from(bytes))
    expect(file.facts).toEqual({
      version: 1,
      baseName: '../b',
      imageName: 'i',
      baseFormat: 'raw',
      imageFormat: 'raw',
      clusterSize: 512,
    })
    expect(file.header).toBe(undefined)
    expect(setSectors(await file.ledger(200 * 512))).toEqual(sectors)
  })

  it('is written as somebody else reads it', async () => {
    const count = 70_003
    const prng = new Prng(5)
    const disk = MemoryDisk.from(v1File({ sectors: [3, 69_000], count }))
    const ledger = await (await AddCowFile.open(disk)).ledger(count * 512)
    const set = new Set([3, 69_000])
    for (let round = 0; round < 20; round++) {
      const changed = ledger.states.clone()
      changed.set(0, count, 0)
      for (let i = 0; i < 20; i++) {
        const first = prng.below(count)
        const length = Math.min(count - first, 1 + prng.below(40))
        const state = prng.bool() ? 1 : 0
        ledger.states.set(first, length, state)
        changed.set(first, length, 1)
        for (let at = first; at < first + length; at++) {
          if (state === 1) set.add(at)
          else set.delete(at)
        }
      }
      for (let from = 0; from < count; ) {
        const batch = ledger.take(changed, from)
        await batch.record()
        from = batch.end
      }
      expectSameBytes(await readWhole(disk), v1File({ sectors: [...set], count }))
    }
  })

  it('notes states as they are when they are taken', async () => {
    const disk = MemoryDisk.from(v1File({ count: 16 }))
    const ledger = await (await AddCowFile.open(disk)).ledger(16 * 512)
    const changed = ledger.states.clone()
    ledger.states.set(2, 1, 1)
    changed.set(2, 1, 1)
    const batch = ledger.take(changed, 0)
    ledger.states.set(3, 1, 1)
    await batch.record()
    expectSameBytes(await readWhole(disk), v1File({ sectors: [2], count: 16 }))
  })

  it('may be longer than its bits, with zeroes', async () => {
    const bytes = new Uint8Array(9000)
    bytes.set(v1File({ sectors: [5], count: 10 }))
    expect(setSectors(await openBytes(bytes, 10 * 512))).toEqual([5])
  })
})

describe('an overlay file of version 1 is refused', () => {
  const good = v1File({ count: 20 })
  const changed = (at: number, ...values: number[]) => {
    const bytes = good.slice()
    bytes.set(values, at)
    return bytes
  }
  const size = 20 * 512

  it('when its magic is another one', async () => {
    for (let at = 0; at < 8; at++) {
      await expectCode(openBytes(changed(at, 0), size), 'NOT_AN_OVERLAY')
    }
    await expectCode(openBytes(good.slice(0, 11), size), 'NOT_AN_OVERLAY')
    await expectCode(openBytes(new Uint8Array(0), size), 'NOT_AN_OVERLAY')
  })

  it('when its version is not known', async () => {
    for (const version of [0, 3, 0xff]) {
      await expectCode(openBytes(changed(11, version), size), 'OVERLAY_VERSION')
    }
    await expectCode(openBytes(changed(8, 1), size), 'OVERLAY_VERSION')
  })

  it('when its header, or a bit, is missing', async () => {
    await expectCode(openBytes(good.slice(0, 2559), size), 'OVERLAY_SIZE')
    await expectCode(openBytes(good, 25 * 512), 'OVERLAY_SIZE')
    await expectCode(openBytes(good, 20 * 512 + 1), 'OVERLAY_SIZE')
    await expectCode(openBytes(good, 0), 'OVERLAY_SIZE')
  })

  it('when bits past the end are set', async () => {
    await expectCode(openBytes(changed(2562, 0x10), size), 'OVERLAY_BITS')
    await expectCode(openBytes(changed(2562, 0x0f), 12 * 512), 'OVERLAY_BITS')
    expect(setSectors(await openBytes(changed(2562, 0x08), size))).toEqual([19])
  })

  it('when a name is missing', async () => {
    await expectCode(openBytes(changed(12, 0), size), 'OVERLAY_NAME_MISSING')
    await expectCode(openBytes(changed(1036, 0), size), 'OVERLAY_NAME_MISSING')
  })

  it('when a name does not end in its field, or is no text', async () => {
    const long = Array.from({ length: 1024 }, () => 0x61)
    await expectCode(openBytes(changed(12, ...long), size), 'OVERLAY_NAME_UNTERMINATED')
    await expectCode(openBytes(changed(1036, ...long), size), 'OVERLAY_NAME_UNTERMINATED')
    await expectCode(openBytes(changed(12, 0xff, 0xfe), size), 'OVERLAY_NAME_UNTERMINATED')
    const longest = changed(12, ...long.slice(1))
    const file = await AddCowFile.open(MemoryDisk.from(longest))
    expect(file.facts.baseName.length).toBe(1023)
  })

  it('to be written with a name that does not fit, or has a NUL', () => {
    const write = (baseName: string) => () => encodeV1Header({ baseName, imageName: 'i' })
    expect(write('x'.repeat(1023))).not.toThrow()
    expect(write('x'.repeat(1024))).toThrow(/do not fit/)
    expect(write('ü'.repeat(512))).toThrow(/do not fit/)
    expect(write('a\0b')).toThrow(/NUL/)
  })
})
