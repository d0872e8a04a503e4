// The header of version 2, as docs/overlay-format.md has it: one slot to bytes and back. Which of the
// two slots counts, and when one is written, is in header-slots.ts.

import { assert } from '../../base/assert'
import { ByteReader, ByteWriter } from '../../base/bytes'
import { crc32 } from '../../base/crc32'
import { PlatterError } from '../../base/errors'
import { type ByteRange, isPowerOfTwo } from '../../base/ranges'
import {
  decodeName,
  decodeNeededName,
  encodeName,
  hasMagic,
  MAGIC,
  NAME_BYTES,
} from './add-cow-fields'

export const SLOT_BYTES = 16 * 1024
export const BITMAP_OFFSET = 2 * SLOT_BYTES
export const MIN_CLUSTER = 4 * 1024
export const MAX_CLUSTER = 2 * 1024 * 1024
/** As many as fit between the names and the checksum. */
export const MAX_COMMIT_RANGES = 767
export const ID_BYTES = 16
export const SAMPLE_HASH_BYTES = 32

const FORMAT_BYTES = 16
const CHECKPOINT_NAME_BYTES = 256
const RANGES_OFFSET = 4096
const STATES = ['clean', 'dirty', 'committing'] as const
const COMMIT_KINDS = { none: 0, everything: 1, ranges: 2 } as const

const UNDO_KINDS = [undefined, 'pending', 'done'] as const

export type UndoKind = 'pending' | 'done'
export type OverlayState = (typeof STATES)[number]

/** The base at creation, or after the last commit. */
export interface BaseIdentity {
  readonly size: number
  readonly modifiedNs: bigint
  readonly inode: bigint
  readonly device: bigint
  /** SHA-256 of its samples; zeroes when none was taken. */
  readonly sampleHash: Uint8Array
}

/** What a commit that is under way was asked to do. */
export interface CommitMark {
  /** Ascending and apart; everything when absent. */
  readonly ranges?: readonly ByteRange[] | undefined
  /** Of the reverse overlay; empty without one. */
  readonly undoName: string
}

export interface AddCowHeader {
  readonly state: OverlayState
  readonly clusterSize: number
  /** Of the disk, bytes. */
  readonly size: number
  readonly id: Uint8Array
  /** Of the frozen overlay that is the base; zeroes when the base is none. */
  readonly parentId: Uint8Array
  /** How many checkpoints lie below. */
  readonly generation: number
  readonly base: BaseIdentity
  readonly baseFormat: string
  readonly imageFormat: string
  /**
   * Of an undo file: `pending` while the commit that it undoes may be under way, and then `base` is as it
   * was before; `done` when that commit is over. Absent in every other overlay.
   */
  readonly undo?: UndoKind | undefined
  /** Empty while it is not frozen. */
  readonly checkpointName: string
  readonly baseName: string
  readonly imageName: string
  /** While the state is committing. */
  readonly commit?: CommitMark | undefined
}

export function encodeHeader(header: AddCowHeader, sequence: number): Uint8Array<ArrayBuffer> {
  const { base, commit } = header
  const ranges = commit?.ranges ?? []
  checkCommit(header)
  const kind = commit === undefined ? 'none' : commit.ranges === undefined ? 'everything' : 'ranges'
  const writer = new ByteWriter(SLOT_BYTES)
  writer.put(MAGIC).u32(2).u32(SLOT_BYTES).u64(sequence).u64(0).u64(0)
  writer.u32(STATES.indexOf(header.state)).u32(header.clusterSize).u64(header.size)
  writer.u64(BITMAP_OFFSET).put(header.id).put(header.parentId).u32(header.generation)
  writer.u32(COMMIT_KINDS[kind]).u32(ranges.length).u32(UNDO_KINDS.indexOf(header.undo))
  writer.u64(base.size).u64(BigInt.asUintN(64, base.modifiedNs))
  writer.u64(BigInt.asUintN(64, base.inode)).u64(BigInt.asUintN(64, base.device))
  writer.put(base.sampleHash).zeros(16)
  writer.put(encodeName(header.baseFormat, FORMAT_BYTES, 'the format of the base'))
  writer.put(encodeName(header.imageFormat, FORMAT_BYTES, 'the format of the image file'))
  writer.zeros(32)
  writer.put(encodeName(header.checkpointName, CHECKPOINT_NAME_BYTES, 'the name of the checkpoint'))
  writer.zeros(512)
  writer.put(encodeName(header.baseName, NAME_BYTES, 'the name of the base'))
  writer.put(encodeName(header.imageName, NAME_BYTES, 'the name of the image file'))
  writer.put(encodeName(commit?.undoName ?? '', NAME_BYTES, 'the name of the undo file'))
  for (const { offset, length } of ranges) writer.u64(offset).u64(length)
  writer.zeros((MAX_COMMIT_RANGES - ranges.length) * 16 + 12)
  return writer.u32(crc32(writer.bytes.subarray(0, SLOT_BYTES - 4))).done()
}

function checkCommit({ state, commit }: AddCowHeader): void {
  assert((state === 'committing') === (commit !== undefined), `${state} and a commit disagree`)
  const count = commit?.ranges?.length ?? 0
  if (count <= MAX_COMMIT_RANGES) return
  throw new PlatterError(
    'LIMIT',
    `commit: ${count} ranges are chosen, and an overlay file notes at most ${MAX_COMMIT_RANGES}; nothing was changed`,
    { data: { ranges: count, most: MAX_COMMIT_RANGES } },
  )
}

/** The sequence number of a slot whose checksum is right. */
export function sequenceOf(slot: Uint8Array): number | undefined {
  if (slot.length < SLOT_BYTES || !hasMagic(slot)) return undefined
  const reader = new ByteReader(slot)
  reader.skip(SLOT_BYTES - 4)
  if (reader.u32() !== crc32(slot.subarray(0, SLOT_BYTES - 4))) return undefined
  const fields = new ByteReader(slot)
  fields.skip(16)
  return fields.u64Safe('the sequence number of a header')
}

/** Of a slot whose checksum is right; refuses every field that cannot be. */
export function decodeHeader(slot: Uint8Array): AddCowHeader {
  const reader = new ByteReader(slot)
  reader.skip(12)
  checkShape(reader)
  const state = STATES[reader.u32()]
  const clusterSize = reader.u32()
  if (state === undefined) throw damaged('OVERLAY_BITS', 'its state does not exist')
  if (!isPowerOfTwo(clusterSize) || clusterSize < MIN_CLUSTER || clusterSize > MAX_CLUSTER) {
    const range = `a power of two from ${MIN_CLUSTER} to ${MAX_CLUSTER}`
    throw damaged('OVERLAY_CLUSTER', `a cluster size of ${clusterSize} bytes is not ${range}`)
  }
  const size = boundedSize(reader.u64(), clusterSize)
  const bitmapOffset = reader.u64()
  if (bitmapOffset !== BigInt(BITMAP_OFFSET)) {
    throw damaged('OVERLAY_SIZE', `its bitmap is at ${bitmapOffset}, not at ${BITMAP_OFFSET}`)
  }
  const id = reader.bytes(ID_BYTES).slice()
  const parentId = reader.bytes(ID_BYTES).slice()
  const generation = reader.u32()
  const kind = reader.u32()
  const rangeCount = reader.u32()
  const undoKind = reader.u32()
  if (undoKind >= UNDO_KINDS.length) throw damaged('OVERLAY_BITS', 'its kind does not exist')
  const undo = UNDO_KINDS[undoKind]
  const base: BaseIdentity = {
    size: reader.u64Safe('the size of the base'),
    modifiedNs: BigInt.asIntN(64, reader.u64()),
    inode: reader.u64(),
    device: reader.u64(),
    sampleHash: reader.bytes(SAMPLE_HASH_BYTES).slice(),
  }
  reader.skip(16)
  const baseFormat = decodeNeededName(reader.bytes(FORMAT_BYTES), 'the format of the base')
  const imageFormat = decodeNeededName(reader.bytes(FORMAT_BYTES), 'the format of the image file')
  reader.skip(32)
  const checkpointName = decodeName(
    reader.bytes(CHECKPOINT_NAME_BYTES),
    'the name of the checkpoint',
  )
  reader.skip(512)
  const baseName = decodeNeededName(reader.bytes(NAME_BYTES), 'the name of the base')
  const imageName = decodeNeededName(reader.bytes(NAME_BYTES), 'the name of the image file')
  const undoName = decodeName(reader.bytes(NAME_BYTES), 'the name of the undo file')
  const commit = decodeCommit(slot, state, { kind, rangeCount, undoName, size })
  return {
    state,
    clusterSize,
    size,
    id,
    parentId,
    generation,
    base,
    baseFormat,
    imageFormat,
    checkpointName,
    baseName,
    imageName,
    ...(commit === undefined ? {} : { commit }),
    ...(undo === undefined ? {} : { undo }),
  }
}

/** Header length, sequence number and features. */
function checkShape(reader: ByteReader): void {
  const length = reader.u32()
  if (length !== SLOT_BYTES) {
    throw damaged('OVERLAY_SIZE', `its header is ${length} bytes long, not ${SLOT_BYTES}`)
  }
  reader.skip(8)
  const incompatible = reader.u64()
  if (incompatible !== 0n) {
    const bits = `0x${incompatible.toString(16)}`
    throw new PlatterError(
      'OVERLAY_VERSION',
      `the overlay uses features that this version of Platter does not know (${bits})`,
    )
  }
  reader.skip(8)
}

function boundedSize(size: bigint, clusterSize: number): number {
  const most = BigInt(Number.MAX_SAFE_INTEGER - clusterSize)
  if (size > 0n && size <= most) return Number(size)
  throw damaged('OVERLAY_SIZE', `a disk of ${size} bytes is not one of 1 to ${most}`)
}

interface CommitFields {
  readonly kind: number
  readonly rangeCount: number
  readonly undoName: string
  readonly size: number
}

function decodeCommit(
  slot: Uint8Array,
  state: OverlayState,
  { kind, rangeCount, undoName, size }: CommitFields,
): CommitMark | undefined {
  const known = kind <= COMMIT_KINDS.ranges && rangeCount <= MAX_COMMIT_RANGES
  if (!known || (kind === COMMIT_KINDS.none) !== (state !== 'committing')) {
    throw damaged('OVERLAY_BITS', `a commit of kind ${kind} in state ${state} cannot be`)
  }
  if (kind === COMMIT_KINDS.none) return undefined
  if (kind === COMMIT_KINDS.everything) return { undoName }
  const reader = new ByteReader(slot.subarray(RANGES_OFFSET))
  const ranges: ByteRange[] = []
  for (let at = 0, i = 0; i < rangeCount; i++) {
    const offset = reader.u64Safe('the offset of a committed range')
    const length = reader.u64Safe('the length of a committed range')
    if (offset < at || length === 0 || length > size - offset) {
      throw damaged('OVERLAY_BITS', `a committed range ${offset}+${length} cannot be`)
    }
    at = offset + length
    ranges.push({ offset, length })
  }
  return { ranges, undoName }
}

const damaged = (code: 'OVERLAY_SIZE' | 'OVERLAY_CLUSTER' | 'OVERLAY_BITS', why: string) =>
  new PlatterError(code, `the overlay is damaged: ${why}`)
