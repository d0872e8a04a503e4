import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { randomBytes } from '../testing/overlay-setup'
import { withTempDir } from '../testing/peer-process'
import { createFileDisk } from './file-create'
import { openFileDisk } from './file-disk'
import { FileRangeCopy } from './file-range-copy'
import { hasHoleCalls } from './hole-libc'
import { HoleWorker } from './hole-worker'

const SIZE = 300_000

describe.runIf(hasHoleCalls())('ranges copied by the kernel', () => {
  it('are the bytes of the source, at their place, and nothing else changes', async () => {
    await withTempDir(async (dir) => {
      const worker = new HoleWorker()
      const bytes = randomBytes(SIZE, 3)
      await writeFile(join(dir, 'a'), bytes)
      const source = await openFileDisk(join(dir, 'a'), { holes: worker })
      const target = await createFileDisk(join(dir, 'b'), SIZE, { holes: worker })
      const ranges = await FileRangeCopy.open(source, target, worker)
      expect(await ranges?.copy({ offset: 100_001, length: 150_000 }, 0)).toEqual([])
      const expected = new Uint8Array(SIZE)
      expected.set(bytes.subarray(100_001, 250_001), 100_001)
      expectSameBytes(await readWhole(target), expected)
      // Behind the end of the source there is nothing to copy: the caller has to find out.
      expect(await ranges?.copy({ offset: SIZE - 10, length: 20 }, 0)).toBeUndefined()
      expect(await ranges?.copy({ offset: 0, length: 10 }, 0)).toBeUndefined()
      await ranges?.close()
      await source.close()
      await target.close()
      await worker.close()
    })
  })

  it('are refused when another file has taken the name', async () => {
    await withTempDir(async (dir) => {
      const worker = new HoleWorker()
      await writeFile(join(dir, 'a'), 'old')
      await writeFile(join(dir, 'c'), 'new')
      const source = await openFileDisk(join(dir, 'a'), { holes: worker })
      const target = await createFileDisk(join(dir, 'b'), 3, { holes: worker })
      await rename(join(dir, 'c'), join(dir, 'a'))
      await expectCode(FileRangeCopy.open(source, target, worker), 'TARGET_CHANGED')
      await source.close()
      await target.close()
      await worker.close()
    })
  })
})
