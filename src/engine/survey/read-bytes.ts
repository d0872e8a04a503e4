// Small reads of outside input, of which most are about to find nothing. What the disk knows to be
// zeroes is not read: a read would put pages into the kernel's cache of the file, and where those lie in
// blocks that are allocated and were never written, the kernel tells data from then on. Looking for a
// partition table would change the map.

import { PlatterError } from '../base/errors'
import { alignDown, alignUp } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { EXTENT_ZERO, ExtentList } from '../disk/extents'

/** A server may describe a byte at a time; after so many answers the rest is read whatever it is. */
const MAX_ANSWERS = 32

/** The bytes of a range, whatever the disk's block sizes; `undefined` when it reaches past the end. */
export async function readBytes(
  disk: Disk,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (offset < 0 || offset + length > disk.size) return undefined
  const { minimum } = disk.blockSize
  const from = alignDown(offset, minimum)
  const end = Math.min(disk.size, alignUp(offset + length, minimum))
  const bytes = new Uint8Array(end - from)
  for (let at = from, answers = 0; at < end; answers++) {
    const list = answers < MAX_ANSWERS ? await askExtents(disk, at, end - at, signal) : undefined
    for (const extent of list ?? ExtentList.of(at, end - at, 0)) {
      if ((extent.flags & EXTENT_ZERO) === 0) {
        const start = extent.offset - from
        const target = bytes.subarray(start, start + extent.length)
        await readWhole(disk, target, extent.offset, signal)
      }
      at = extent.offset + extent.length
    }
  }
  return bytes.subarray(offset - from, offset - from + length)
}

/** `undefined` where the answer is of no use: then the bytes themselves will tell. */
async function askExtents(
  disk: Disk,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<ExtentList | undefined> {
  if (!disk.capabilities.extents || disk.blockSize.minimum > 1) return undefined
  try {
    const list = await disk.extents(offset, length, { signal })
    return list.offset === offset && list.end > offset && list.end <= offset + length
      ? list
      : undefined
  } catch (error) {
    if (signal?.aborted || !(error instanceof PlatterError)) throw error
    return undefined
  }
}

async function readWhole(
  disk: Disk,
  target: Uint8Array,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { minimum, maximum } = disk.blockSize
  const step = Math.max(minimum, alignDown(maximum, minimum))
  for (let done = 0; done < target.length; done += step) {
    await disk.read(target.subarray(done, done + step), offset + done, { signal })
  }
}
