// The target's side of a commit: takes staged pieces, and is read back.
//
// A target that prefers blocks larger than the pieces gets them whole: pieces that meet in one of its
// blocks are assembled, what they leave out of it is read from it, and it is written once. So none of
// its blocks is written twice, and none in part. Zeroes that cover whole blocks are one zero request.

import { assert } from '../base/assert'
import { firstDifference, isAllZero } from '../base/bytes'
import { hasCode, PlatterError } from '../base/errors'
import { alignDown, alignUp, type ByteRange, endOf, splitByUnit } from '../base/ranges'
import type { BlockSize, Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import type { StagedPiece } from './overlay-carry'
import { eachInFlight } from './settle'
import { readRanges, readSpan, widen, writeSpan } from './span-io'

const REQUESTS_IN_FLIGHT = 4
const ZERO_CHUNK = 1024 * 1024
/** Blocks that a target prefers and that are larger than this are not assembled in memory. */
const MAX_UNIT = 8 * 1024 * 1024

/** What the target is written in, bytes. */
export const assemblyUnit = ({ minimum, preferred, maximum }: BlockSize): number =>
  preferred % minimum === 0 && preferred <= Math.min(MAX_UNIT, maximum) ? preferred : minimum

/** Writes the pieces, which are ascending and apart; they are not stable before a flush. */
export async function putPieces(target: Disk, pieces: readonly StagedPiece[]): Promise<void> {
  await eachInFlight(assemble(target, pieces), REQUESTS_IN_FLIGHT, (run) => putRun(target, run))
}

/** Whole units of the target with the pieces that lie in them; no unit is in two runs. */
interface UnitRun extends ByteRange {
  readonly pieces: StagedPiece[]
}

function assemble(target: Disk, pieces: readonly StagedPiece[]): UnitRun[] {
  const unit = assemblyUnit(target.blockSize)
  const down = (offset: number) => (offset === target.size ? offset : alignDown(offset, unit))
  const up = (offset: number) => Math.min(target.size, alignUp(offset, unit))
  const runs: UnitRun[] = []
  const add = (piece: StagedPiece, joins: boolean): void => {
    if (piece.length === 0) return
    const offset = down(piece.offset)
    const end = up(endOf(piece))
    const last = runs.at(-1)
    const meets = last !== undefined && offset <= endOf(last)
    if (meets && (offset < endOf(last) || (joins && !isOnlyZeroes(last)))) {
      last.pieces.push(piece)
      runs[runs.length - 1] = { ...last, length: end - last.offset }
    } else runs.push({ offset, length: end - offset, pieces: [piece] })
  }
  for (const piece of pieces) {
    const from = up(piece.offset)
    const to = down(endOf(piece))
    if (piece.bytes !== undefined || to <= from) add(piece, piece.bytes !== undefined)
    else {
      add({ offset: piece.offset, length: from - piece.offset }, false)
      add({ offset: from, length: to - from }, false)
      add({ offset: to, length: endOf(piece) - to }, false)
    }
  }
  return runs
}

const isOnlyZeroes = ({ pieces }: UnitRun): boolean =>
  pieces.every(({ bytes }) => bytes === undefined)

async function putRun(target: Disk, run: UnitRun): Promise<void> {
  const [first] = run.pieces
  assert(first !== undefined, 'a run of nothing')
  const isWhole = first.offset === run.offset && first.length === run.length
  if (!isWhole) return putAssembled(target, run)
  if (first.bytes !== undefined) await writeSpan(target, first.bytes, first.offset)
  else await putZeroes(target, run)
}

async function putAssembled(target: Disk, run: UnitRun): Promise<void> {
  const whole = new Uint8Array(run.length)
  const missing = gapsIn(run)
  const read = await readRanges(target, missing)
  for (const [i, { offset }] of missing.entries()) whole.set(read[i]!, offset - run.offset)
  for (const { offset, bytes } of run.pieces) {
    if (bytes !== undefined) whole.set(bytes, offset - run.offset)
  }
  if (isOnlyZeroes(run) && isAllZero(whole)) await putZeroes(target, run)
  else await writeSpan(target, whole, run.offset)
}

/** What of the run no piece has. */
function gapsIn(run: UnitRun): ByteRange[] {
  const gaps: ByteRange[] = []
  let at = run.offset
  for (const piece of [...run.pieces, { offset: endOf(run), length: 0 }]) {
    if (piece.offset > at) gaps.push({ offset: at, length: piece.offset - at })
    at = endOf(piece)
  }
  return gaps
}

async function putZeroes(target: Disk, { offset, length }: ByteRange): Promise<void> {
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
