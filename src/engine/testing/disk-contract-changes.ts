// The half of the disk contract that changes bytes; disk-contract.ts runs it.

import { expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { alignDown } from '../base/ranges'
import type { Capabilities, Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import type { WithDisk } from './disk-contract'
import { expectCode, expectSameBytes, readWhole } from './expect-disk'

/** A range well inside the disk, aligned as the disk wants it, and random bytes for it. */
function someWrite(disk: Disk, seed: number): { offset: number; source: Uint8Array } {
  const unit = Math.max(512, disk.blockSize.minimum)
  const prng = new Prng(seed)
  const units = Math.min(40, Math.floor(disk.size / unit) - 2)
  const source = prng.fill(new Uint8Array(unit * (1 + prng.below(units))))
  const room = disk.size - source.length
  return { offset: alignDown(prng.below(room), unit), source }
}

export function describeContractChanges(
  withDisk: WithDisk,
  lacks: ReadonlySet<keyof Capabilities>,
): void {
  if (lacks.has('write')) {
    describeReadOnly(withDisk)
    return
  }
  describeWrites(withDisk)
  describeWriteEdges(withDisk)
  if (lacks.has('zero')) describeWithout(withDisk, 'zero')
  else describeZero(withDisk, lacks.has('fastZero'))
  if (lacks.has('trim')) describeWithout(withDisk, 'trim')
  else describeTrim(withDisk)
}

function describeReadOnly(withDisk: WithDisk): void {
  it('refuses every change, and holds what it held', () =>
    withDisk(async (disk, content) => {
      const { offset, source } = someWrite(disk, 1)
      await expectCode(disk.write(source, offset), 'READ_ONLY')
      await expectCode(disk.zero(offset, source.length), 'READ_ONLY')
      await expectCode(disk.trim(offset, source.length), 'READ_ONLY')
      expectSameBytes(await readWhole(disk), content)
    }))
}

function describeWithout(withDisk: WithDisk, operation: 'zero' | 'trim'): void {
  it(`refuses ${operation}, and holds what it held`, () =>
    withDisk(async (disk, content) => {
      const { offset, source } = someWrite(disk, 1)
      await expectCode(disk[operation](offset, source.length), 'NOT_SUPPORTED')
      expectSameBytes(await readWhole(disk), content)
    }))
}

function describeWrites(withDisk: WithDisk): void {
  it('reads back what was written, and leaves the rest alone', () =>
    withDisk(async (disk, content) => {
      for (let seed = 1; seed <= 8; seed++) {
        const { offset, source } = someWrite(disk, seed)
        await disk.write(source, offset, { fua: disk.capabilities.fua && seed % 2 === 0 })
        content.set(source, offset)
      }
      await disk.flush()
      expectSameBytes(await readWhole(disk), content)
    }))

  it('takes many writes beside one another at once', () =>
    withDisk(async (disk, content) => {
      const unit = Math.max(512, disk.blockSize.minimum)
      const count = Math.min(100, Math.floor(disk.size / unit))
      const writes = Array.from({ length: count }, (_, i) => {
        const source = new Uint8Array(unit).fill(i + 1)
        content.set(source, i * unit)
        return disk.write(source, i * unit)
      })
      await Promise.all(writes)
      expectSameBytes(await readWhole(disk), content)
    }))

  it('leaves one of two overlapping writes in every byte', () =>
    withDisk(async (disk) => {
      const unit = Math.max(512, disk.blockSize.minimum)
      const first = new Uint8Array(4 * unit).fill(1)
      const second = new Uint8Array(4 * unit).fill(2)
      await Promise.all([disk.write(first, unit), disk.write(second, 3 * unit)])
      const target = new Uint8Array(6 * unit)
      await disk.read(target, unit)
      expectSameBytes(target.subarray(0, 2 * unit), new Uint8Array(2 * unit).fill(1))
      expect(target.subarray(2 * unit, 4 * unit).every((b) => b === 1 || b === 2)).toBe(true)
      expectSameBytes(target.subarray(4 * unit), new Uint8Array(2 * unit).fill(2))
    }))

  it('keeps no hold on the bytes that it was given', () =>
    withDisk(async (disk) => {
      const { offset, source } = someWrite(disk, 3)
      await disk.write(source, offset)
      const written = source.slice()
      source.fill(0)
      const target = new Uint8Array(written.length)
      await disk.read(target, offset)
      expectSameBytes(target, written)
    }))

  it('calls data what holds more than zeroes', () =>
    withDisk(async (disk) => {
      const { offset, source } = someWrite(disk, 4)
      await disk.write(source, offset)
      const list = await disk.extents(offset, source.length)
      for (const { flags } of list) expect(flags & EXTENT_ZERO).toBe(0)
    }))
}

function describeWriteEdges(withDisk: WithDisk): void {
  it('writes the last bytes', () =>
    withDisk(async (disk, content) => {
      const offset = alignDown(disk.size - 1, Math.max(512, disk.blockSize.minimum))
      const source = new Prng(5).fill(new Uint8Array(disk.size - offset))
      await disk.write(source, offset)
      content.set(source, offset)
      expectSameBytes(await readWhole(disk), content)
    }))

  it('changes nothing when a change is outside of it, misaligned, or empty', () =>
    withDisk(async (disk, content) => {
      const unit = disk.blockSize.minimum
      const end = alignDown(disk.size, unit)
      const { write, zero, trim } = disk.capabilities
      const bytes = new Uint8Array(2 * unit).fill(1)
      if (write) await expectCode(disk.write(bytes, end), 'OUT_OF_RANGE')
      if (zero) await expectCode(disk.zero(end, 2 * unit), 'OUT_OF_RANGE')
      if (trim) await expectCode(disk.trim(-unit, unit), 'OUT_OF_RANGE')
      if (unit > 1) await expectCode(disk.write(bytes.subarray(1), 0), 'MISALIGNED')
      await disk.write(new Uint8Array(0), 0)
      if (zero) await disk.zero(end, 0)
      if (trim) await disk.trim(0, 0)
      expectSameBytes(await readWhole(disk), content)
    }))
}

function describeZero(withDisk: WithDisk, slowOnly: boolean): void {
  it('reads zeroes where it was zeroed, and nowhere else', () =>
    withDisk(async (disk, content) => {
      for (const mayTrim of [false, true]) {
        for (let seed = 11; seed < 15; seed++) {
          const { offset, source } = someWrite(disk, seed)
          await disk.write(source, offset)
          content.set(source, offset)
          const part = alignDown(source.length / 2, disk.blockSize.minimum)
          await disk.zero(offset, part, { mayTrim, fua: disk.capabilities.fua && seed % 2 === 0 })
          content.fill(0, offset, offset + part)
        }
      }
      expectSameBytes(await readWhole(disk), content)
    }))

  if (slowOnly) return
  it('zeroes fast, or refuses and has changed nothing', () =>
    withDisk(async (disk, content) => {
      const { offset, source } = someWrite(disk, 16)
      const length = source.length
      const zeroed = await disk.zero(offset, length, { fast: true }).then(
        () => true,
        (error: { code?: string }) => {
          expect(error.code).toBe('NOT_SUPPORTED')
          return false
        },
      )
      if (zeroed) content.fill(0, offset, offset + length)
      expectSameBytes(await readWhole(disk), content)
    }))
}

function describeTrim(withDisk: WithDisk): void {
  it('keeps all but the trimmed range, and takes writes there again', () =>
    withDisk(async (disk, content) => {
      const { offset, source } = someWrite(disk, 21)
      await disk.trim(offset, source.length)
      const now = await readWhole(disk)
      expectSameBytes(now.subarray(0, offset), content.subarray(0, offset))
      const end = offset + source.length
      expectSameBytes(now.subarray(end), content.subarray(end))
      await disk.write(source, offset)
      content.set(source, offset)
      expectSameBytes(await readWhole(disk), content)
    }))
}
