import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { withTempDir } from '../testing/peer-process'
import { CachedFile } from './cached-file'

describe('a read out of the page cache', () => {
  it('fills all of the buffer from its offset, or leaves the read to others', () =>
    withTempDir(async (dir) => {
      const bytes = new Prng(3).fill(new Uint8Array(100_000))
      const file = await open(join(dir, 'f'), 'w+')
      await file.write(bytes)
      const cached = await CachedFile.of(file.fd)
      const read = (target: Uint8Array, offset: number) => cached.readNow(target, offset)
      for (const [offset, length] of [
        [0, 4096],
        [12_345, 50_001],
        [99_999, 1],
      ] as const) {
        const around = new Uint8Array(length + 20).fill(0xee)
        // Where the system or the file system has no such call, it says so and that is right as well.
        const done = read(around.subarray(10, 10 + length), offset)
        const expected = done ? bytes.subarray(offset, offset + length) : around.subarray(10, -10)
        expect(Buffer.compare(around.subarray(10, -10), expected)).toBe(0)
        expect([...around.subarray(0, 10), ...around.subarray(-10)].every((b) => b === 0xee)).toBe(
          true,
        )
      }
      // More than the file has, a place beyond it, too much at once, and no file.
      expect(read(new Uint8Array(4096), 99_000)).toBe(false)
      expect(read(new Uint8Array(1), 100_000)).toBe(false)
      expect(read(new Uint8Array(300_000), 0)).toBe(false)
      await file.close()
      expect(read(new Uint8Array(1), 0)).toBe(false)
    }))
})

describe('what is known of an open file at once', () => {
  const SIZE = 1024 * 1024

  const withFile = (
    test: (cached: CachedFile, file: FileHandle) => Promise<void>,
    mayWait = true,
  ) =>
    withTempDir(async (dir) => {
      const file = await open(join(dir, 'f'), 'w+')
      try {
        await file.truncate(SIZE)
        await test(await CachedFile.of(file.fd, mayWait), file)
      } finally {
        await file.close()
      }
    })

  it('tells its holes, up to the end that the file has now', () =>
    withFile(async (cached, file) => {
      await file.write(new Uint8Array(64 * 1024).fill(1), 0, 64 * 1024, 256 * 1024)
      expect(cached.holeAt(0, SIZE)).toBe(256 * 1024)
      expect(cached.holeAt(0, 4096)).toBe(4096)
      expect(cached.holeAt(300 * 1024, 4096)).toBe(0)
      expect(cached.holeAt(320 * 1024, SIZE - 320 * 1024)).toBe(SIZE - 320 * 1024)
      await file.truncate(SIZE / 2)
      expect(cached.holeAt(SIZE / 2 - 4096, 8192)).toBe(0)
      expect(cached.holeAt(SIZE / 2, 4096)).toBe(0)
      expect(cached.sizeNow()).toBe(SIZE / 2)
    }))

  it('tells whether a range is in memory', () =>
    withFile(async (cached, file) => {
      await file.write(new Uint8Array(64 * 1024).fill(1), 0, 64 * 1024, 256 * 1024)
      expect(cached.isInMemory(256 * 1024, 64 * 1024)).toBe(true)
      expect(cached.isInMemory(256 * 1024 + 5000, 100)).toBe(true)
      // Nobody has read the hole in front of it.
      expect(cached.isInMemory(256 * 1024 - 4096, 8192)).toBe(false)
    }))

  it('writes at once where that was allowed', () =>
    withFile(async (cached, file) => {
      const bytes = new Prng(4).fill(new Uint8Array(10_000))
      expect(cached.writeNow(bytes, 777)).toBe(true)
      const { buffer } = await file.read(new Uint8Array(10_000), 0, 10_000, 777)
      expect(Buffer.compare(buffer, bytes)).toBe(0)
      expect(cached.writeNow(new Uint8Array(300_000), 0)).toBe(false)
    }))

  it('says that it did not write what the system refused', () =>
    withTempDir(async (dir) => {
      await writeFile(join(dir, 'f'), 'abc')
      const file = await open(join(dir, 'f'), 'r')
      const cached = await CachedFile.of(file.fd, true)
      expect(cached.writeNow(Uint8Array.of(1), 0)).toBe(false)
      await file.close()
      expect(await readFile(join(dir, 'f'), 'utf8')).toBe('abc')
    }))

  it('knows nothing where the system has no such calls', () => {
    const cached = new CachedFile(1, undefined)
    expect(cached.readNow(new Uint8Array(1), 0)).toBe(false)
    expect(cached.writeNow(new Uint8Array(1), 0)).toBe(false)
    expect(cached.isInMemory(0, 1)).toBe(false)
    expect(cached.holeAt(0, 1)).toBe(0)
    expect(cached.sizeNow()).toBeUndefined()
  })
})
