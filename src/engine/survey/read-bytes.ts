import { alignDown, alignUp } from '../base/ranges'
import type { Disk } from '../disk/disk'

/** The bytes of a range, whatever the disk's block sizes; `undefined` when it reaches past the end. */
export async function readBytes(
  disk: Disk,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (offset < 0 || offset + length > disk.size) return undefined
  const { minimum, maximum } = disk.blockSize
  const from = alignDown(offset, minimum)
  const end = Math.min(disk.size, alignUp(offset + length, minimum))
  const bytes = new Uint8Array(end - from)
  const step = Math.max(minimum, alignDown(maximum, minimum))
  for (let at = from; at < end; at += step) {
    const part = bytes.subarray(at - from, Math.min(end, at + step) - from)
    await disk.read(part, at, { signal })
  }
  return bytes.subarray(offset - from, offset - from + length)
}
