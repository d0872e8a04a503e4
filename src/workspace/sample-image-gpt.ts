// A GUID partition table as UEFI 2.10 section 5 lays it out: protective MBR, header and entries at the
// start, entries and header again at the end. Little-endian. Sectors are 512 bytes.

import { crc32 } from 'node:zlib'
import type { SamplePiece } from './sample-image-piece'

export const SECTOR = 512
const ENTRY_COUNT = 128
const ENTRY_LENGTH = 128
const ENTRY_SECTORS = (ENTRY_COUNT * ENTRY_LENGTH) / SECTOR
const HEADER_LENGTH = 92

export const EFI_SYSTEM = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
export const LINUX_FILE_SYSTEM = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'

export interface SamplePartition {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly firstSector: number
  readonly sectorCount: number
}

export function* partitionTable(
  diskId: string,
  sectorCount: number,
  partitions: readonly SamplePartition[],
): Generator<SamplePiece> {
  const entries = encodeEntries(partitions)
  const last = sectorCount - 1
  yield { offset: 0, bytes: protectiveMbr(sectorCount) }
  const header = (own: number, other: number, entriesAt: number) =>
    encodeHeader(diskId, { own, other, entriesAt, last, entriesCrc: crc32(entries) })
  yield { offset: SECTOR, bytes: header(1, last, 2) }
  yield { offset: 2 * SECTOR, bytes: entries }
  yield { offset: (last - ENTRY_SECTORS) * SECTOR, bytes: entries }
  yield { offset: last * SECTOR, bytes: header(last, 1, last - ENTRY_SECTORS) }
}

function protectiveMbr(sectorCount: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR)
  const view = new DataView(bytes.buffer)
  // One record of type 0xEE over the disk; cylinders, heads and sectors as the specification gives them.
  bytes.set([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], 446)
  view.setUint32(454, 1, true)
  view.setUint32(458, sectorCount - 1, true)
  bytes.set([0x55, 0xaa], 510)
  return bytes
}

function encodeEntries(partitions: readonly SamplePartition[]): Uint8Array {
  const bytes = new Uint8Array(ENTRY_COUNT * ENTRY_LENGTH)
  const view = new DataView(bytes.buffer)
  partitions.forEach((partition, i) => {
    const at = i * ENTRY_LENGTH
    bytes.set(encodeGuid(partition.type), at)
    bytes.set(encodeGuid(partition.id), at + 16)
    view.setBigUint64(at + 32, BigInt(partition.firstSector), true)
    const lastSector = partition.firstSector + partition.sectorCount - 1
    view.setBigUint64(at + 40, BigInt(lastSector), true)
    for (let c = 0; c < partition.name.length; c++) {
      view.setUint16(at + 56 + 2 * c, partition.name.charCodeAt(c), true)
    }
  })
  return bytes
}

interface HeaderPlaces {
  readonly own: number
  readonly other: number
  readonly entriesAt: number
  readonly last: number
  readonly entriesCrc: number
}

function encodeHeader(diskId: string, places: HeaderPlaces): Uint8Array {
  const bytes = new Uint8Array(SECTOR)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode('EFI PART'))
  view.setUint32(8, 0x00010000, true)
  view.setUint32(12, HEADER_LENGTH, true)
  view.setBigUint64(24, BigInt(places.own), true)
  view.setBigUint64(32, BigInt(places.other), true)
  view.setBigUint64(40, BigInt(2 + ENTRY_SECTORS), true)
  view.setBigUint64(48, BigInt(places.last - ENTRY_SECTORS - 1), true)
  bytes.set(encodeGuid(diskId), 56)
  view.setBigUint64(72, BigInt(places.entriesAt), true)
  view.setUint32(80, ENTRY_COUNT, true)
  view.setUint32(84, ENTRY_LENGTH, true)
  view.setUint32(88, places.entriesCrc, true)
  // The checksum is taken while its own field is 0.
  view.setUint32(16, crc32(bytes.subarray(0, HEADER_LENGTH)), true)
  return bytes
}

/** The first three groups of digits are stored little-endian, the other two as they are written. */
function encodeGuid(text: string): Uint8Array {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
  const digits = text.replaceAll('-', '')
  return Uint8Array.from(order, (i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}
