// The suite that every Disk passes: `describeDiskContract` makes a fresh disk for each behaviour. What a
// disk cannot do is declared beside it and checked, so that a capability cannot get lost unseen.

import { readSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { alignDown } from '../base/ranges'
import type { Capabilities, Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import type { PlacedReads } from '../disk/placement'
import { describeContractChanges } from './disk-contract-changes'
import { runDiskModel } from './disk-model'
import { expectCode, expectSameBytes, readWhole } from './expect-disk'

export interface DiskUnderTest {
  readonly disk: Disk
  /** What the disk holds now, all of it; at least 64 KiB, so that there is something to test. */
  readonly content: Uint8Array
  /** Lets go of what lies under the disk, after the disk was closed. */
  readonly dispose?: () => Promise<void>
}

export interface DiskContractOptions {
  /** The capabilities that the disk does not have. */
  readonly lacks?: readonly (keyof Capabilities)[]
  /** The block size minimum that the disk must have; 1 unless told. */
  readonly minimum?: number
  /** Seeds of the model runs; five unless told. */
  readonly seeds?: readonly number[]
  /** Steps of each model run; 200 unless told. */
  readonly steps?: number
}

/** Runs a test with a fresh disk and what it holds, and closes the disk after it. */
export type WithDisk = (test: (disk: Disk, content: Uint8Array) => Promise<void>) => Promise<void>

export function describeDiskContract(
  name: string,
  makeDisk: () => DiskUnderTest | Promise<DiskUnderTest>,
  options: DiskContractOptions = {},
): void {
  const withDisk: WithDisk = async (test) => {
    const { disk, content, dispose } = await makeDisk()
    try {
      await test(disk, content)
    } finally {
      await disk.close()
      await dispose?.()
    }
  }
  const lacks = new Set(options.lacks ?? [])
  describe(`the disk contract of ${name}`, () => {
    describeShape(withDisk, lacks, options.minimum ?? 1)
    describeReads(withDisk)
    describeRefusals(withDisk)
    describeExtents(withDisk)
    describeClose(withDisk)
    describeContractChanges(withDisk, lacks)
    for (const seed of options.seeds ?? [1, 2, 3, 4, 5]) {
      it(`agrees with a byte array under random work (seed ${seed})`, () =>
        withDisk(async (disk, content) => {
          await runDiskModel(disk, { seed, content, steps: options.steps ?? 200 })
        }))
    }
  })
}

/** The range by its placements; what cannot be placed is taken from `content`. */
function placedBytes(
  placed: PlacedReads,
  offset: number,
  length: number,
  content: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(length).fill(0xa5)
  for (let at = 0; at < length; ) {
    const placement = placed.place(offset + at, length - at)
    if (placement === undefined) {
      bytes.set(content.subarray(offset + at, offset + length), at)
      return bytes
    }
    expect(placement.length).toBeGreaterThan(0)
    expect(placement.length).toBeLessThanOrEqual(length - at)
    const into = bytes.subarray(at, at + placement.length)
    if (placement.file === undefined) into.fill(0)
    else readSync(placement.file.fd, into, 0, into.length, placement.offset)
    at += placement.length
  }
  return bytes
}

function describeShape(
  withDisk: WithDisk,
  lacks: ReadonlySet<keyof Capabilities>,
  minimum: number,
): void {
  it('has a size and block sizes that make sense', () =>
    withDisk(async (disk, content) => {
      expect(disk.size).toBe(content.length)
      expect(disk.size).toBeGreaterThanOrEqual(64 * 1024)
      const { preferred, maximum } = disk.blockSize
      expect(disk.blockSize.minimum).toBe(minimum)
      expect(Number.isInteger(Math.log2(preferred))).toBe(true)
      expect(preferred).toBeGreaterThanOrEqual(minimum)
      expect(maximum).toBeGreaterThanOrEqual(preferred)
    }))

  it('has the capabilities that were declared', () =>
    withDisk(async (disk) => {
      const missing = Object.entries(disk.capabilities)
        .filter(([, has]) => !has)
        .map(([name]) => name)
      expect(missing.sort()).toEqual([...lacks].sort())
    }))
}

function describeReads(withDisk: WithDisk): void {
  it('reads what it holds, whole and in pieces of any aligned length', () =>
    withDisk(async (disk, content) => {
      expectSameBytes(await readWhole(disk), content)
      const unit = disk.blockSize.minimum
      const prng = new Prng(7)
      for (let i = 0; i < 50; i++) {
        const offset = alignDown(prng.below(disk.size), unit)
        const length = Math.min(disk.size - offset, unit * (1 + prng.below(Math.ceil(9000 / unit))))
        const target = new Uint8Array(length)
        await disk.read(target, offset)
        expectSameBytes(target, content.subarray(offset, offset + length))
      }
    }))

  it('fills the target and nothing beside it', () =>
    withDisk(async (disk, content) => {
      const unit = Math.max(512, disk.blockSize.minimum)
      const around = new Uint8Array(unit * 3).fill(0xa5)
      await disk.read(around.subarray(unit, 2 * unit), unit)
      expectSameBytes(around.subarray(0, unit), new Uint8Array(unit).fill(0xa5))
      expectSameBytes(around.subarray(unit, 2 * unit), content.subarray(unit, 2 * unit))
      expectSameBytes(around.subarray(2 * unit), new Uint8Array(unit).fill(0xa5))
    }))

  it('places no bytes but those that it reads', () =>
    withDisk(async (disk, content) => {
      const prng = new Prng(8)
      for (let i = 0; i < 20 && disk.placed !== undefined; i++) {
        const offset = prng.below(disk.size)
        const length = 1 + prng.below(Math.min(disk.size - offset, 200_000))
        expectSameBytes(
          placedBytes(disk.placed, offset, length, content),
          content.subarray(offset, offset + length),
        )
      }
    }))

  it('reads the last bytes', () =>
    withDisk(async (disk, content) => {
      const unit = Math.max(512, disk.blockSize.minimum)
      const offset = alignDown(disk.size - 1, unit)
      const target = new Uint8Array(disk.size - offset)
      await disk.read(target, offset)
      expectSameBytes(target, content.subarray(offset))
    }))

  it('serves many overlapping reads at once', () =>
    withDisk(async (disk, content) => {
      const unit = Math.max(512, disk.blockSize.minimum)
      const reads = Array.from({ length: 64 }, async (_, i) => {
        const offset = alignDown((i * 7919) % (disk.size - 4 * unit), unit)
        const target = new Uint8Array(3 * unit)
        await disk.read(target, offset)
        expectSameBytes(target, content.subarray(offset, offset + target.length))
      })
      await Promise.all(reads)
    }))

  it('gives the caller bytes of its own', () =>
    withDisk(async (disk, content) => {
      const target = new Uint8Array(disk.blockSize.preferred)
      await disk.read(target, 0)
      target.fill(0x77)
      expectSameBytes(await readWhole(disk), content)
    }))

  it('resolves for a length of 0, at the end as well', () =>
    withDisk(async (disk) => {
      const end = alignDown(disk.size, disk.blockSize.minimum)
      await disk.read(new Uint8Array(0), 0)
      await disk.read(new Uint8Array(0), end)
      await disk.cache(0, 0)
      expect((await disk.extents(end, 0)).count).toBe(0)
    }))
}

function describeRefusals(withDisk: WithDisk): void {
  it('refuses what lies outside of it', () =>
    withDisk(async (disk) => {
      const unit = disk.blockSize.minimum
      const end = alignDown(disk.size, unit)
      const bytes = new Uint8Array(2 * unit)
      await expectCode(disk.read(bytes, end), 'OUT_OF_RANGE')
      await expectCode(disk.read(bytes, -unit), 'OUT_OF_RANGE')
      await expectCode(disk.read(bytes, 0.5), 'OUT_OF_RANGE')
      await expectCode(disk.read(bytes, Number.NaN), 'OUT_OF_RANGE')
      await expectCode(disk.read(bytes, Number.MAX_SAFE_INTEGER), 'OUT_OF_RANGE')
      await expectCode(disk.extents(0, disk.size + unit), 'OUT_OF_RANGE')
      await expectCode(disk.extents(0, -unit), 'OUT_OF_RANGE')
      await expectCode(disk.cache(end, 2 * unit), 'OUT_OF_RANGE')
    }))

  it('refuses what is not aligned to its smallest block', () =>
    withDisk(async (disk) => {
      const unit = disk.blockSize.minimum
      if (unit === 1) await disk.read(new Uint8Array(1), 1)
      else {
        await expectCode(disk.read(new Uint8Array(unit), 1), 'MISALIGNED')
        await expectCode(disk.read(new Uint8Array(unit - 1), 0), 'MISALIGNED')
      }
    }))

  it('refuses a call that was cancelled before it began', () =>
    withDisk(async (disk, content) => {
      const controller = new AbortController()
      controller.abort()
      const { signal } = controller
      const target = new Uint8Array(disk.blockSize.preferred).fill(9)
      await expectCode(disk.read(target, 0, { signal }), 'ABORTED')
      await expectCode(disk.extents(0, disk.size, { signal }), 'ABORTED')
      if (disk.capabilities.write) await expectCode(disk.write(target, 0, { signal }), 'ABORTED')
      expectSameBytes(await readWhole(disk), content)
    }))
}

function describeExtents(withDisk: WithDisk): void {
  it('tells extents that cover the disk, and calls zero only what reads as zeroes', () =>
    withDisk(async (disk, content) => {
      let at = 0
      while (at < disk.size) {
        const list = await disk.extents(at, disk.size - at)
        expect(list.offset).toBe(at)
        expect(list.end).toBeGreaterThan(at)
        expect(list.end).toBeLessThanOrEqual(disk.size)
        for (const { offset, length, flags } of list) {
          expect(length).toBeGreaterThan(0)
          if ((flags & EXTENT_ZERO) === 0) continue
          expectSameBytes(content.subarray(offset, offset + length), new Uint8Array(length))
        }
        at = list.end
      }
    }))

  it('keeps extents inside the range asked for', () =>
    withDisk(async (disk) => {
      const unit = Math.max(512, disk.blockSize.minimum)
      for (const first of [false, true]) {
        const list = await disk.extents(3 * unit, 5 * unit, { first })
        expect(list.offset).toBe(3 * unit)
        expect(list.end).toBeGreaterThan(3 * unit)
        expect(list.end).toBeLessThanOrEqual(8 * unit)
      }
    }))
}

function describeClose(withDisk: WithDisk): void {
  it('lets calls in progress finish when it is closed, and refuses later ones', () =>
    withDisk(async (disk, content) => {
      const target = new Uint8Array(disk.blockSize.preferred)
      const reading = disk.read(target, 0)
      await Promise.all([reading, disk.close()])
      expectSameBytes(target, content.subarray(0, target.length))
      await expectCode(disk.read(target, 0), 'CLOSED')
      await expectCode(disk.extents(0, disk.size), 'CLOSED')
      if (disk.capabilities.flush) await expectCode(disk.flush(), 'CLOSED')
      await disk.close()
    }))
}
