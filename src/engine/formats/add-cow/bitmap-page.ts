// One slot of a bitmap page of version 2, to bytes and back.

import type { BlockStates } from '../../base/block-states'
import { ByteReader, ByteWriter, isAllZero } from '../../base/bytes'
import { crc32 } from '../../base/crc32'
import { BITMAP_OFFSET } from './add-cow-header'
import { type BlockWindow, encodeStates } from './state-bits'

export const PAGE_SLOT_BYTES = 4096
const PAGE_HEAD_BYTES = 16
const CRC_OFFSET = 12
export const PAGE_BLOCKS = (PAGE_SLOT_BYTES - PAGE_HEAD_BYTES) * 4
export const PAGE_BYTES = 2 * PAGE_SLOT_BYTES

export const pageCountOf = (blockCount: number): number => Math.ceil(blockCount / PAGE_BLOCKS)

export const pageOf = (block: number): number => Math.floor(block / PAGE_BLOCKS)

/** The blocks that a page has bits for, past the end of the disk too. */
export const windowOf = (page: number): BlockWindow => ({
  first: page * PAGE_BLOCKS,
  count: PAGE_BLOCKS,
})

export const pageSlotOffset = (page: number, sequence: number): number =>
  BITMAP_OFFSET + page * PAGE_BYTES + (sequence % 2) * PAGE_SLOT_BYTES

/** How long the overlay file of so many blocks is. */
export const overlayFileSize = (blockCount: number): number =>
  BITMAP_OFFSET + pageCountOf(blockCount) * PAGE_BYTES

export function encodePage(
  states: BlockStates,
  page: number,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(PAGE_SLOT_BYTES)
  writer.u64(sequence).u32(page).zeros(4)
  const { first, count } = windowOf(page)
  const inside = Math.min(count, states.blockCount - first)
  encodeStates(states, { first, count: inside }, 2, writer.bytes.subarray(PAGE_HEAD_BYTES))
  new DataView(writer.bytes.buffer).setUint32(CRC_OFFSET, crc32(writer.bytes))
  return writer.bytes
}

export type PageSlot =
  | { readonly kind: 'absent' }
  | { readonly kind: 'torn' }
  | { readonly kind: 'whole'; readonly sequence: number; readonly bits: Uint8Array }

/** What slot `index` of a page holds; torn is also what belongs elsewhere. */
export function decodePageSlot(slot: Uint8Array, page: number, index: number): PageSlot {
  if (isAllZero(slot)) return { kind: 'absent' }
  const reader = new ByteReader(slot)
  const sequence = reader.u64()
  const number = reader.u32()
  const crc = reader.u32()
  const copy = slot.slice()
  copy.fill(0, CRC_OFFSET, CRC_OFFSET + 4)
  const fits =
    number === page && sequence > 0n && sequence <= MAX_SEQUENCE && Number(sequence % 2n) === index
  if (!fits || crc !== crc32(copy)) return { kind: 'torn' }
  return { kind: 'whole', sequence: Number(sequence), bits: slot.subarray(PAGE_HEAD_BYTES) }
}

const MAX_SEQUENCE = BigInt(Number.MAX_SAFE_INTEGER - 1)
