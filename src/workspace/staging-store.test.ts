import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Prng } from '../engine/base/prng'
import { openFileDisk } from '../engine/io/file-disk'
import { LogDisk } from '../engine/layers/log'
import { OverlayDisk } from '../engine/layers/overlay'
import { SliceDisk } from '../engine/layers/slice'
import { describeDiskContract } from '../engine/testing/disk-contract'
import { createStagingStore } from './staging-store'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the store of a temporary overlay', () => {
  it('holds whole blocks', async () => {
    const store = await createStagingStore(100_000, 65_536)
    expect(store.size).toBe(131_072)
    await store.close()
  })

  it('may have no byte at all', async () => {
    const store = await createStagingStore(0, 4096)
    expect(store.size).toBe(0)
    await store.close()
  })

  it('is refused for a disk whose last block would end past what can be counted', async () => {
    await expect(createStagingStore(2 ** 53 - 1, 65_536)).rejects.toMatchObject({
      code: 'BAD_SIZE',
      message: expect.stringContaining('9007199254740991 bytes in whole blocks of 65536'),
    })
  })

  it('says what it was for when it cannot be made', async () => {
    vi.stubEnv('TMPDIR', '/nonexistent')
    await expect(createStagingStore(4096, 4096)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/no place for what is staged: \/nonexistent\/.*no such/),
    })
  })
})

describeDiskContract('a window on an overlay between two files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'platter-'))
  const content = new Prng(2).fill(new Uint8Array(512 * 1024))
  await writeFile(join(dir, 'base'), content.subarray(0, 300_000))
  const base = await openFileDisk(join(dir, 'base'))
  const store = await createStagingStore(content.length, 4096, { mayWait: true })
  const overlay = new OverlayDisk({ base, store, blockSize: 4096, size: content.length })
  await overlay.write(content.subarray(200_001, 250_000), 200_001)
  await overlay.zero(100_000, 50_000)
  await overlay.write(content.subarray(400_000), 400_000)
  content.fill(0, 100_000, 150_000).fill(0, 300_000, 400_000)
  const disk = new SliceDisk({
    disk: new LogDisk({ disk: overlay }),
    offset: 4096,
    length: 500_000,
  })
  return {
    disk,
    content: content.slice(4096, 504_096),
    dispose: async () => {
      await overlay.close()
      await base.close()
      await rm(dir, { recursive: true })
    },
  }
})
