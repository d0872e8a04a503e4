import { expect, it } from 'vitest'
import { describeDiskContract } from '../testing/disk-contract'
import { fillPattern, PatternDisk } from './pattern-disk'

describeDiskContract(
  'a pattern disk',
  () => {
    const content = new Uint8Array(100_003)
    fillPattern(content, 0)
    return { disk: new PatternDisk(content.length), content }
  },
  { lacks: ['write', 'zero', 'trim', 'fastZero', 'fua', 'extents', 'cache'] },
)

it('holds at every eighth byte its own offset, big-endian', async () => {
  const disk = new PatternDisk(2 ** 52)
  for (const offset of [0, 8, 0xfffffff8, 0x1_0000_0000, 2 ** 45 + 0x12345678]) {
    const target = new Uint8Array(8)
    await disk.read(target, offset)
    expect(new DataView(target.buffer).getBigUint64(0)).toBe(BigInt(offset))
  }
})
