// The target's side of a commit: takes staged pieces, and is read back.

import { assert } from '../base/assert'
import { firstDifference, isAllZero } from '../base/bytes'
import { hasCode, PlatterError } from '../base/errors'
import { endOf, splitByUnit } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import type { StagedPiece } from './overlay-carry'
import { eachInFlight } from './settle'
import { fits, readRanges, readSpan, widen, writeSpan } from './span-io'

const REQUESTS_IN_FLIGHT = 4
const ZERO_CHUNK = 1024 * 1024

/** Writes the pieces, which are ascending; they are not stable before a flush. */
export async function putPieces(target: Disk, pieces: readonly StagedPiece[]): Promise<void> {
  await eachInFlight(clusters(target, pieces), REQUESTS_IN_FLIGHT, (cluster) =>
    cluster.every((piece) => fits(target, piece))
      ? eachInFlight(cluster, 1, (piece) => putPiece(target, piece))
      : rewrite(target, cluster),
  )
}

/** Pieces that meet in one of the target's smallest blocks go together. */
function clusters(target: Disk, pieces: readonly StagedPiece[]): StagedPiece[][] {
  const found: StagedPiece[][] = []
  let clusterEnd = -1
  for (const piece of pieces) {
    const wide = widen(target, piece)
    if (wide.offset < clusterEnd) found.at(-1)!.push(piece)
    else found.push([piece])
    clusterEnd = endOf(wide)
  }
  return found
}

async function putPiece(target: Disk, { offset, length, bytes }: StagedPiece): Promise<void> {
  if (bytes !== undefined) return writeSpan(target, bytes, offset)
  if (target.capabilities.zero) {
    try {
      return await target.zero(offset, length, { mayTrim: true })
    } catch (error) {
      if (!hasCode(error, 'NOT_SUPPORTED')) throw error
    }
  }
  const zeroes = new Uint8Array(Math.min(ZERO_CHUNK, length))
  for (const part of splitByUnit({ offset, length }, ZERO_CHUNK)) {
    await writeSpan(target, zeroes.subarray(0, part.length), part.offset)
  }
}

/** Blocks of the target that the pieces only cut: read, changed and written back whole. */
async function rewrite(target: Disk, cluster: readonly StagedPiece[]): Promise<void> {
  const offset = cluster[0]!.offset
  const whole = widen(target, { offset, length: endOf(cluster.at(-1)!) - offset })
  const buffer = new Uint8Array(whole.length)
  await readSpan(target, buffer, whole.offset, {})
  for (const piece of cluster) {
    const at = piece.offset - whole.offset
    if (piece.bytes === undefined) buffer.fill(0, at, at + piece.length)
    else buffer.set(piece.bytes, at)
  }
  await writeSpan(target, buffer, whole.offset)
}

/** VERIFY_FAILED with the offset of the first byte of a piece that the target does not hold. */
export async function verifyPieces(target: Disk, pieces: readonly StagedPiece[]): Promise<void> {
  const withBytes = pieces.filter((piece) => piece.bytes !== undefined)
  const read = await readRanges(target, withBytes)
  for (const [i, { offset, bytes }] of withBytes.entries()) {
    const at = firstDifference(read[i]!, bytes!)
    if (at !== undefined) refuse(offset + at, read[i]![at]!, bytes![at]!)
  }
  for (const piece of pieces) if (piece.bytes === undefined) await verifyZeroes(target, piece)
}

/** What the target itself calls zero is not read: a trimmed terabyte would take hours. */
async function verifyZeroes(target: Disk, { offset, length }: StagedPiece): Promise<void> {
  const end = offset + length
  for (let at = offset; at < end; ) {
    const wide = widen(target, { offset: at, length: end - at })
    const list = await target.extents(wide.offset, wide.length)
    assert(list.end > at, 'the target told no extents')
    for (const extent of list) {
      const stop = Math.min(end, endOf(extent))
      if ((extent.flags & EXTENT_ZERO) === 0) await verifyReadZeroes(target, at, stop)
      at = Math.max(at, stop)
    }
  }
}

async function verifyReadZeroes(target: Disk, from: number, to: number): Promise<void> {
  if (to <= from) return
  for (const part of splitByUnit({ offset: from, length: to - from }, ZERO_CHUNK)) {
    const actual = new Uint8Array(part.length)
    await readSpan(target, actual, part.offset, {})
    if (isAllZero(actual)) continue
    const at = actual.findIndex((byte) => byte !== 0)
    refuse(part.offset + at, actual[at]!, 0)
  }
}

function refuse(offset: number, actual: number, expected: number): never {
  throw new PlatterError(
    'VERIFY_FAILED',
    `read back: byte ${offset} is ${actual}, and ${expected} was written`,
    { data: { offset, actual, expected } },
  )
}
