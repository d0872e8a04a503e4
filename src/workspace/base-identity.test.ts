import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CrashFiles } from '../engine/testing/crash-files'
import { randomBytes } from '../engine/testing/overlay-setup'
import { baseDifference, identifyBase, sampleOffsets } from './base-identity'

const identify = async (bytes: Uint8Array) => {
  const files = CrashFiles.of({ '/base': bytes })
  const disk = await files.open('/base', { writable: false })
  const identity = await identifyBase(files, '/base', disk)
  await disk.close()
  return identity
}

describe('the samples of a base', () => {
  it('are 64 blocks from the first to the last, spread evenly', () => {
    for (const size of [262_145, 1 << 20, 10 ** 9 + 1, 16 * 1024 ** 4, Number.MAX_SAFE_INTEGER]) {
      const offsets = sampleOffsets(size)
      expect(offsets.length).toBe(64)
      expect(offsets[0]).toBe(0)
      const last = offsets[63]!
      expect(size - 4096 - last).toBeGreaterThanOrEqual(0)
      expect(size - 4096 - last).toBeLessThan(512)
      for (const [i, offset] of offsets.entries()) {
        expect(offset % 512).toBe(0)
        expect(Math.abs(offset - (i * (size - 4096)) / 63)).toBeLessThanOrEqual(512)
      }
    }
  })

  it('are all of one that is short', () => {
    expect(sampleOffsets(262_144)).toEqual(Array.from({ length: 64 }, (_, i) => i * 4096))
    expect(sampleOffsets(4097)).toEqual([0, 4096])
    expect(sampleOffsets(1)).toEqual([0])
  })

  it('are hashed with the size before them', async () => {
    const bytes = randomBytes(300_000, 1)
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(300_000n)
    const hash = createHash('sha256').update(size)
    for (let i = 0; i < 64; i++) {
      const at = Math.floor((i * (300_000 - 4096)) / 63 / 512) * 512
      hash.update(bytes.subarray(at, at + 4096))
    }
    expect(Buffer.from((await identify(bytes)).sampleHash)).toEqual(hash.digest())
  })
})

describe('what is different about a base', () => {
  it('is its size, its samples or its time, and nothing when only its place is', async () => {
    const known = await identify(randomBytes(300_000, 1))
    const other = await identify(randomBytes(300_000, 2))
    expect(baseDifference(known, { ...known })).toBe(undefined)
    expect(baseDifference(known, { ...known, inode: 9n, device: 9n })).toBe(undefined)
    expect(baseDifference(known, { ...known, size: 5 })).toMatch(/300000 bytes and has 5/)
    expect(baseDifference(known, other)).toMatch(/samples/)
    const touched = { ...known, modifiedNs: 10n ** 18n }
    expect(baseDifference(known, touched)).toMatch(/last written at 1970.* and at 2001/)
    expect(baseDifference(known, { ...touched, inode: 9n })).toMatch(/another file than the one/)
    const unsampled = { ...known, sampleHash: new Uint8Array(32) }
    expect(baseDifference(unsampled, other)).toBe(undefined)
  })
})
