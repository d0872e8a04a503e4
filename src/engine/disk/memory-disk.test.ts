import { expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { describeDiskContract } from '../testing/disk-contract'
import { readWhole } from '../testing/expect-disk'
import { MemoryDisk } from './memory-disk'

const random = (length: number) => new Prng(length).fill(new Uint8Array(length))

describeDiskContract('a memory disk', () => {
  const content = random(300_001)
  content.fill(0, 65536, 200_000)
  return { disk: MemoryDisk.from(content), content }
})

describeDiskContract(
  'a memory disk with blocks of 512 bytes',
  () => {
    const content = random(256 * 1024 + 100)
    const blockSize = { minimum: 512, preferred: 4096, maximum: 1 << 20 }
    return { disk: MemoryDisk.from(content, { blockSize }), content }
  },
  { minimum: 512 },
)

describeDiskContract(
  'a read-only memory disk',
  () => {
    const content = random(128 * 1024)
    return { disk: MemoryDisk.from(content, { readOnly: true }), content }
  },
  { lacks: ['write', 'zero', 'trim', 'fastZero', 'fua'] },
)

it('holds nothing for what was never written or was trimmed', async () => {
  const disk = new MemoryDisk(4 * 65536)
  await disk.write(random(65536), 65536)
  expect((await disk.extents(0, disk.size)).toArray().map((e) => [e.offset, e.flags])).toEqual([
    [0, 3],
    [65536, 0],
    [131072, 3],
  ])
  await disk.trim(0, disk.size)
  expect((await disk.extents(0, disk.size)).toArray()).toEqual([
    { offset: 0, length: disk.size, flags: 3 },
  ])
  expect((await readWhole(disk)).every((b) => b === 0)).toBe(true)
})
