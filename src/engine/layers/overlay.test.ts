import { Prng } from '../base/prng'
import { MemoryDisk } from '../disk/memory-disk'
import { describeDiskContract } from '../testing/disk-contract'
import { OverlayDisk } from './overlay'

const random = (length: number) => new Prng(length).fill(new Uint8Array(length))

for (const blockSize of [4096, 65536]) {
  describeDiskContract(`an overlay with blocks of ${blockSize} bytes`, () => {
    const content = random(300_001)
    const base = MemoryDisk.from(content, { readOnly: true })
    const store = new MemoryDisk(Math.ceil(content.length / blockSize) * blockSize)
    return { disk: new OverlayDisk({ base, store, blockSize }), content }
  })
}
