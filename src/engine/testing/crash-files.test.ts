import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { CrashFiles } from './crash-files'
import { describeDiskContract } from './disk-contract'
import { expectCode } from './expect-disk'

describeDiskContract('a file of a recorded space', async () => {
  const content = new Prng(3).fill(new Uint8Array(100_000))
  content.fill(0, 8192, 20_000)
  const files = CrashFiles.of({ '/d/a': content })
  return { disk: await files.open('/d/a', { writable: true }), content }
})

describe('CrashFiles', () => {
  it('keeps files under their names, and what is open under any', async () => {
    const files = new CrashFiles()
    const disk = await files.create('/d/a', 1000)
    await disk.write(new Uint8Array([1, 2, 3]), 10)
    await files.rename('/d/a', '/d/b')
    await disk.write(new Uint8Array([4]), 13)
    expect(files.paths()).toEqual(['/d/b'])
    expect(files.bytesOf('/d/b')?.subarray(10, 14)).toEqual(new Uint8Array([1, 2, 3, 4]))
    await files.remove('/d/b')
    await disk.write(new Uint8Array([5]), 14)
    expect([files.paths(), files.bytesOf('/d/b')]).toEqual([[], undefined])
    await disk.close()
    expect(files.openDisks).toBe(0)
  })

  it('lets a rename take the place of another file', async () => {
    const files = CrashFiles.of({ '/d/a': Uint8Array.of(1), '/d/b': Uint8Array.of(2) })
    await files.rename('/d/a', '/d/b')
    expect([files.paths(), files.bytesOf('/d/b')]).toEqual([['/d/b'], Uint8Array.of(1)])
  })

  it('refuses names that are taken, and those that are not there', async () => {
    const files = CrashFiles.of({ '/d/a': Uint8Array.of(1) })
    await expectCode(files.create('/d/a', 9), 'ALREADY_EXISTS')
    await expectCode(files.open('/d/b', { writable: false }), 'NOT_FOUND')
    await expectCode(files.rename('/d/b', '/d/c'), 'NOT_FOUND')
    await expectCode(files.remove('/d/b'), 'NOT_FOUND')
    await expectCode(files.resize('/d/b', 3), 'NOT_FOUND')
    expect(await files.facts('/d/b')).toBeUndefined()
  })

  it('opens a file exclusively once, until that is closed', async () => {
    const files = CrashFiles.of({ '/d/a': Uint8Array.of(1) })
    const exclusive = { writable: true, exclusive: true }
    const first = await files.open('/d/a', exclusive)
    await expectCode(files.open('/d/a', exclusive), 'IN_USE')
    await (await files.open('/d/a', { writable: true })).close()
    await first.close()
    await (await files.open('/d/a', exclusive)).close()
  })

  it('tells a file that was changed by its facts', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(10), '/d/b': new Uint8Array(10) })
    const before = await files.facts('/d/a')
    expect(before?.inode).not.toBe((await files.facts('/d/b'))?.inode)
    const disk = await files.open('/d/a', { writable: true })
    await disk.write(Uint8Array.of(1), 0)
    await disk.close()
    const after = await files.facts('/d/a')
    expect([after?.size, after?.inode]).toEqual([10, before?.inode])
    expect(after?.modifiedNs).not.toBe(before?.modifiedNs)
  })

  it('gives disks the size of when they were opened, and refuses one that is gone', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(1000).fill(7) })
    const disk = await files.open('/d/a', { writable: true })
    await files.resize('/d/a', 2000)
    expect(disk.size).toBe(1000)
    await files.resize('/d/a', 500)
    await expectCode(disk.read(new Uint8Array(10), 600), 'SIZE_CHANGED')
    await expectCode(disk.write(new Uint8Array(10), 0), 'SIZE_CHANGED')
    await files.resize('/d/a', 1000)
    const whole = new Uint8Array(1000)
    await disk.read(whole, 0)
    expect(whole).toEqual(new Uint8Array(1000).fill(7, 0, 500))
  })

  it('lets calls that are made together overlap', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(4096) })
    const disk = await files.open('/d/a', { writable: true })
    await Promise.all([0, 512, 1024].map((at) => disk.write(new Uint8Array(512), at)))
    const [first, , last] = files.log.entries
    expect(first?.end).toBeGreaterThan(last?.start ?? Infinity)
  })
})
