import { afterEach, describe, expect, it, vi } from 'vitest'
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
