// Reads and writes of any offset and length on a disk that wants its own block size: a span is cut at
// what the disk takes at most, and widened to whole blocks where it is not aligned.

import { alignDown, alignUp, type ByteRange, endOf, isAligned, splitByUnit } from '../base/ranges'
import type { CallOptions, Disk } from '../disk/disk'
import { eachInFlight } from './settle'

/** The longest request that this disk takes and that is a multiple of its preferred block. */
export const longestRequest = ({ blockSize }: Disk): number =>
  alignDown(blockSize.maximum, blockSize.preferred) ||
  Math.max(blockSize.minimum, alignDown(blockSize.maximum, blockSize.minimum))

/** The whole smallest blocks of `disk` that the range touches; its last one may end with the disk. */
export function widen(disk: Disk, range: ByteRange): ByteRange {
  const { minimum } = disk.blockSize
  const offset = alignDown(range.offset, minimum)
  return { offset, length: Math.min(disk.size, alignUp(endOf(range), minimum)) - offset }
}

/** True when the disk takes a request for this range as it is, its length aside. */
export function fits(disk: Disk, { offset, length }: ByteRange): boolean {
  const { minimum } = disk.blockSize
  const alignedEnd = isAligned(length, minimum) || offset + length === disk.size
  return isAligned(offset, minimum) && alignedEnd
}

export async function readSpan(
  disk: Disk,
  target: Uint8Array,
  offset: number,
  options: CallOptions,
): Promise<void> {
  const whole = { offset, length: target.length }
  if (target.length <= disk.blockSize.maximum && fits(disk, whole)) {
    return disk.read(target, offset, options)
  }
  for (const part of splitByUnit(whole, longestRequest(disk))) {
    const into = target.subarray(part.offset - offset, endOf(part) - offset)
    if (fits(disk, part)) await disk.read(into, part.offset, options)
    else {
      const wide = await readWidened(disk, part, options)
      into.set(wide.bytes.subarray(part.offset - wide.offset, endOf(part) - wide.offset))
    }
  }
}

/** Bytes between two ranges that are read along with them rather than cost another request. */
const READ_GAP = 64 * 1024
const READS_IN_FLIGHT = 8

/** The bytes of each range; the ranges are ascending and apart. */
export async function readRanges(
  disk: Disk,
  ranges: readonly ByteRange[],
  options: CallOptions = {},
): Promise<Uint8Array[]> {
  const groups: ByteRange[] = []
  for (const range of ranges) {
    const last = groups.at(-1)
    if (last !== undefined && range.offset <= endOf(last) + READ_GAP) {
      groups[groups.length - 1] = { offset: last.offset, length: endOf(range) - last.offset }
    } else groups.push(range)
  }
  const buffers = groups.map((group) => new Uint8Array(group.length))
  await eachInFlight(groups.keys(), READS_IN_FLIGHT, (i) =>
    readSpan(disk, buffers[i]!, groups[i]!.offset, options),
  )
  let group = 0
  return ranges.map((range) => {
    while (range.offset >= endOf(groups[group]!)) group++
    const from = range.offset - groups[group]!.offset
    return buffers[group]!.subarray(from, from + range.length)
  })
}

/**
 * Where the disk wants larger blocks than the span's, the rest of them is read and written back: the
 * caller sees to it that nobody else changes it meanwhile.
 */
export async function writeSpan(disk: Disk, source: Uint8Array, offset: number): Promise<void> {
  const whole = { offset, length: source.length }
  if (source.length <= disk.blockSize.maximum && fits(disk, whole))
    return disk.write(source, offset)
  for (const part of splitByUnit(whole, longestRequest(disk))) {
    const from = source.subarray(part.offset - offset, endOf(part) - offset)
    if (fits(disk, part)) await disk.write(from, part.offset)
    else {
      const wide = await readWidened(disk, part, {})
      wide.bytes.set(from, part.offset - wide.offset)
      await disk.write(wide.bytes, wide.offset)
    }
  }
}

const ZEROES_PIECE = 1024 * 1024

/** The range, whole blocks of the disk, reads as zeroes; a hole where that is as good. */
export async function zeroSpan(disk: Disk, range: ByteRange, fast: boolean): Promise<void> {
  if (disk.capabilities.zero) {
    const needsFast = fast && disk.capabilities.fastZero
    await disk.zero(range.offset, range.length, { mayTrim: true, ...(needsFast && { fast }) })
    return
  }
  for (const part of splitByUnit(range, ZEROES_PIECE)) {
    await writeSpan(disk, new Uint8Array(part.length), part.offset)
  }
}

async function readWidened(disk: Disk, part: ByteRange, options: CallOptions) {
  const { offset, length } = widen(disk, part)
  const bytes = new Uint8Array(length)
  await disk.read(bytes, offset, options)
  return { bytes, offset }
}
