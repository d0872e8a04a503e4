// File systems and devices that only an administrator can set up: a block device, one that is full, one
// that is mounted read-only.

import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { describeDiskContract } from '../testing/disk-contract'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { hasLoopDevices, loopDevice as makeLoopDevice } from '../testing/loop-device'
import { createFileDisk } from './file-create'
import { openFileDisk } from './file-disk'
import { hasHoleCalls } from './hole-libc'
import { createTempDisk } from './temp-disk'

const MIB = 1024 * 1024
const isAdministrator = process.getuid?.() === 0 && hasHoleCalls()

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-devices-'))
})
afterAll(() => rm(dir, { recursive: true }))

let count = 0

const loopDevice = (content: Uint8Array, ...options: string[]) =>
  makeLoopDevice(join(dir, `loop-${count++}`), content, ...options)

/** Gives `act` a directory on a small file system in memory. */
async function onTmpfs(act: (path: string, remount: (option: string) => void) => Promise<void>) {
  const path = join(dir, `mount-${count++}`)
  await mkdir(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'platter-test', path])
  try {
    const remount = (option: string) => execFileSync('mount', ['-o', `remount,${option}`, path])
    await act(path, remount)
  } finally {
    execFileSync('umount', [path])
  }
}

if (hasLoopDevices) {
  describeDiskContract(
    'a block device',
    async () => {
      const content = new Prng(5).fill(new Uint8Array(256 * 1024))
      const { device, dispose } = await loopDevice(content)
      return { disk: await openFileDisk(device, { writable: true }), content, dispose }
    },
    { lacks: ['extents'] },
  )
}

describe.skipIf(!hasLoopDevices)('a block device', () => {
  it('has the size of the device, is one data extent and takes an unknown space', async () => {
    const { device, dispose } = await loopDevice(new Uint8Array(3 * MIB))
    const disk = await openFileDisk(device)
    expect(disk.kind).toBe('block device')
    expect(disk.size).toBe(3 * MIB)
    expect(await disk.allocatedBytes()).toBeUndefined()
    expect(disk.extentsNote).toBe(
      `${device}: a block device does not tell holes: all of it counts as data`,
    )
    expect((await disk.extents(0, disk.size)).toArray()).toEqual([
      { offset: 0, length: 3 * MIB, flags: 0 },
    ])
    await disk.close()
    await dispose()
  })

  it('is zeroed to the byte, in sectors and parts of them', async () => {
    const content = new Prng(6).fill(new Uint8Array(MIB))
    const { device, file, dispose } = await loopDevice(content)
    const disk = await openFileDisk(device, { writable: true })
    for (const [offset, length] of [
      [1000, 100_000],
      [200_000, 10],
      [4096 * 80, 8192],
      [MIB - 5000, 5000],
    ] as const) {
      await disk.zero(offset, length, { mayTrim: offset % 2 === 0 })
      content.fill(0, offset, offset + length)
    }
    expectSameBytes(await readWhole(disk), content)
    await disk.flush()
    await disk.close()
    await dispose()
    expectSameBytes(await readFile(file), content)
  })

  it('is not opened for writing while it is mounted', async () => {
    const { device, dispose } = await loopDevice(new Uint8Array(8 * MIB))
    execFileSync('mke2fs', ['-q', '-t', 'ext2', device])
    const mountPoint = join(dir, `mount-${count++}`)
    await mkdir(mountPoint)
    execFileSync('mount', [device, mountPoint])
    try {
      const opening = openFileDisk(device, { writable: true })
      await expectCode(opening, 'IN_USE')
      await expect(opening).rejects.toThrow(/the device or file is in use \(EBUSY\)$/)
      const disk = await openFileDisk(device)
      await disk.close()
    } finally {
      execFileSync('umount', [mountPoint])
      await dispose()
    }
  })

  it('that is read-only is not opened for writing', async () => {
    const { device, dispose } = await loopDevice(new Uint8Array(MIB), '--read-only')
    try {
      await expectCode(openFileDisk(device, { writable: true }), 'READ_ONLY')
      const disk = await openFileDisk(device)
      expect(await disk.whyNotWritable()).toBe('the block device is read-only')
      await disk.close()
    } finally {
      await dispose()
    }
  })
})

describe.skipIf(!isAdministrator)('a file system', () => {
  it('that is full makes writes fail with NO_SPACE, and what was written stays', () =>
    onTmpfs(async (path) => {
      const disk = await createTempDisk(8 * MIB, path)
      const bytes = new Prng(7).fill(new Uint8Array(512 * 1024))
      await disk.write(bytes, 0)
      await expectCode(disk.write(new Uint8Array(MIB), MIB), 'NO_SPACE')
      const back = new Uint8Array(bytes.length)
      await disk.read(back, 0)
      expectSameBytes(back, bytes)
      await disk.close()
    }))

  it('that cannot zero in place is written to, and gives holes back', () =>
    onTmpfs(async (path) => {
      const content = new Prng(8).fill(new Uint8Array(256 * 1024))
      const disk = await createFileDisk(join(path, 'disk.img'), content.length)
      await disk.write(content, 0)
      await expectCode(disk.zero(0, 65_536, { fast: true }), 'NOT_SUPPORTED')
      expectSameBytes(await readWhole(disk), content)
      await disk.zero(10, 65_536)
      content.fill(0, 10, 65_546)
      expect(await disk.allocatedBytes()).toBe(256 * 1024)
      await disk.zero(131_072, 65_536, { mayTrim: true, fast: true })
      content.fill(0, 131_072, 196_608)
      expect(await disk.allocatedBytes()).toBe(192 * 1024)
      expectSameBytes(await readWhole(disk), content)
      expect((await disk.extents(0, disk.size)).toArray()).toEqual([
        { offset: 0, length: 131_072, flags: 0 },
        { offset: 131_072, length: 65_536, flags: 3 },
        { offset: 196_608, length: 65_536, flags: 0 },
      ])
      await disk.close()
    }))

  it('that is read-only is named as the reason', () =>
    onTmpfs(async (path, remount) => {
      const file = join(path, 'disk.img')
      await writeFile(file, 'x'.repeat(512))
      remount('ro')
      const opening = openFileDisk(file, { writable: true })
      await expectCode(opening, 'READ_ONLY')
      await expect(opening).rejects.toThrow(/is mounted read-only \(EROFS\)$/)
      const disk = await openFileDisk(file)
      expect(await disk.whyNotWritable()).toBe('the file system is mounted read-only (EROFS)')
      await disk.close()
      await expectCode(createFileDisk(join(path, 'new.img'), 512), 'READ_ONLY')
    }))
})
