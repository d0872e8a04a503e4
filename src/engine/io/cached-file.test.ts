import { open } from 'node:fs/promises'
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
