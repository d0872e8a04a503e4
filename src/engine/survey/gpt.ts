// A GUID partition table: a header and an array of entries at the start of the disk, and a copy of both
// at its end, each under two checksums. The primary is used when it is whole, else the copy; from a
// table whose checksums fail nothing is taken. Counts and sizes are bounded before anything is read.
//
// UEFI Specification, "GUID Partition Table (GPT) Disk Layout".

import { safeNumber } from '../base/bytes'
import { crc32 } from '../base/crc32'
import { isPowerOfTwo } from '../base/ranges'
import { formatHex } from '../base/size-text'
import { Fields } from './fields'
import { formatGuid, gptTypeName } from './gpt-types'
import type { ClaimedPartition } from './partition-layout'
import type { Problems } from './problems'

const SIGNATURE = 'EFI PART'
const PRIMARY_SECTOR = 1
const LEAST_HEADER_BYTES = 92
const LEAST_ENTRY_BYTES = 128
const UNUSED_TYPE = '00000000-0000-0000-0000-000000000000'
const NAME_OFFSET = 56
const NAME_BYTES = 72

/** Tools make 128 entries of 128 bytes; a table above these limits is made to cost memory. */
export const MAX_GPT_ENTRIES = 4096
export const MAX_GPT_ENTRY_BYTES = 4096
export const MAX_GPT_TABLE_BYTES = 1024 * 1024

/** Reads whole sectors; `undefined` when that fails, which has then been noted as a problem. */
export type ReadSectors = (
  sector: number,
  byteCount: number,
  what: string,
) => Promise<Uint8Array | undefined>

export interface GptDisk {
  readonly sectorBytes: number
  /** Whole sectors of the disk. */
  readonly sectorCount: number
  readonly read: ReadSectors
}

interface GptHeader {
  readonly alternateSector: bigint
  readonly firstUsable: bigint
  readonly lastUsable: bigint
  readonly entriesSector: number
  readonly entryCount: number
  readonly entryBytes: number
  readonly entriesCrc: number
}

interface GptTable {
  readonly header: GptHeader
  /** The entries, checked against their checksum; absent when that failed. */
  readonly entries?: Uint8Array
}

export const hasGptSignature = (sector: Uint8Array): boolean => new Fields(sector).has(0, SIGNATURE)

export async function listGptPartitions(
  disk: GptDisk,
  problems: Problems,
): Promise<ClaimedPartition[]> {
  const lastSector = disk.sectorCount - 1
  const primary = await readTable(disk, PRIMARY_SECTOR, 'primary', problems)
  const backup = await readBackup(disk, primary?.header, problems)
  const chosen = primary?.entries === undefined ? backup : primary
  if (chosen?.entries === undefined) {
    problems.add('Neither GPT is whole, so no partitions are shown.')
    return []
  }
  if (chosen === backup) problems.add('The partitions shown are those of the backup GPT.')
  else if (backup?.entries !== undefined && !sameEntries(primary, backup)) {
    problems.add('The primary and the backup GPT differ; the partitions shown are the primary’s.')
  }
  if (chosen.header.lastUsable > BigInt(lastSector)) {
    problems.add(
      `The GPT is for a disk with usable sectors up to ${chosen.header.lastUsable}, but the last sector is ${lastSector}.`,
    )
  }
  return parseEntries(chosen.header, chosen.entries, problems)
}

const sameEntries = (a: GptTable | undefined, b: GptTable): boolean =>
  a?.header.entriesCrc === b.header.entriesCrc && a.header.entryCount === b.header.entryCount

async function readBackup(
  disk: GptDisk,
  primary: GptHeader | undefined,
  problems: Problems,
): Promise<GptTable | undefined> {
  const last = disk.sectorCount - 1
  const claimed = primary?.alternateSector ?? BigInt(last)
  if (claimed > BigInt(last)) {
    problems.add(`The backup GPT would be at sector ${claimed}, but the last sector is ${last}.`)
    return undefined
  }
  if (claimed !== BigInt(last)) {
    problems.add(`The backup GPT is at sector ${claimed} instead of the last sector ${last}.`)
  }
  return await readTable(disk, safeNumber(claimed, 'backup GPT sector'), 'backup', problems)
}

async function readTable(
  disk: GptDisk,
  at: number,
  which: string,
  problems: Problems,
): Promise<GptTable | undefined> {
  const sector = await disk.read(at, disk.sectorBytes, `The ${which} GPT header`)
  if (sector === undefined) return undefined
  const header = parseHeader(sector, at, disk)
  if (typeof header === 'string') {
    problems.add(`The ${which} GPT header at sector ${at} ${header}.`)
    return undefined
  }
  const length = header.entryCount * header.entryBytes
  const entries = await disk.read(header.entriesSector, length, `The ${which} GPT`)
  if (entries === undefined) return { header }
  const crc = crc32(entries)
  if (crc === header.entriesCrc) return { header, entries }
  problems.add(
    `The entries of the ${which} GPT are damaged: their checksum is ${formatHex(crc, 8)}, the header says ${formatHex(header.entriesCrc, 8)}.`,
  )
  return { header }
}

/** The header in the sector `at`, or what is wrong with it. */
function parseHeader(sector: Uint8Array, at: number, disk: GptDisk): GptHeader | string {
  const fields = new Fields(sector)
  if (!fields.has(0, SIGNATURE)) return 'is missing'
  const headerBytes = fields.u32(12)
  if (headerBytes < LEAST_HEADER_BYTES || headerBytes > sector.length) {
    return `has an impossible size of ${headerBytes} bytes`
  }
  const claimedCrc = fields.u32(16)
  const crc = headerCrc(sector.subarray(0, headerBytes))
  if (crc !== claimedCrc) {
    return `is damaged: its checksum is ${formatHex(crc, 8)}, it says ${formatHex(claimedCrc, 8)}`
  }
  if (fields.u64(24) !== BigInt(at)) return `says that it belongs to sector ${fields.u64(24)}`
  const entryCount = fields.u32(80)
  const entryBytes = fields.u32(84)
  const tableBytes = entryCount * entryBytes
  if (!isPowerOfTwo(entryBytes) || entryBytes < LEAST_ENTRY_BYTES) {
    return `has entries of ${entryBytes} bytes, which is not 128 times a power of two`
  }
  if (
    entryCount > MAX_GPT_ENTRIES ||
    entryBytes > MAX_GPT_ENTRY_BYTES ||
    tableBytes > MAX_GPT_TABLE_BYTES
  ) {
    return `claims ${entryCount} entries of ${entryBytes} bytes, above what is read`
  }
  const entriesSector = fields.u64(72)
  const sectors = Math.ceil(tableBytes / disk.sectorBytes)
  if (entriesSector + BigInt(sectors) > BigInt(disk.sectorCount)) {
    return `puts its entries at sector ${entriesSector}, past the end of the disk`
  }
  return {
    alternateSector: fields.u64(32),
    firstUsable: fields.u64(40),
    lastUsable: fields.u64(48),
    entriesSector: safeNumber(entriesSector, 'GPT entries sector'),
    entryCount,
    entryBytes,
    entriesCrc: fields.u32(88),
  }
}

/** The header's checksum counts its own four bytes as zero. */
function headerCrc(header: Uint8Array): number {
  const copy = header.slice()
  copy.fill(0, 16, 20)
  return crc32(copy)
}

function parseEntries(
  header: GptHeader,
  entries: Uint8Array,
  problems: Problems,
): ClaimedPartition[] {
  const claims: ClaimedPartition[] = []
  for (let i = 0; i < header.entryCount; i++) {
    const bytes = entries.subarray(i * header.entryBytes, (i + 1) * header.entryBytes)
    const guid = formatGuid(bytes.subarray(0, 16))
    if (guid === UNUSED_TYPE) continue
    const fields = new Fields(bytes)
    const [firstSector, lastSector] = [fields.u64(32), fields.u64(40)]
    const number = i + 1
    if (firstSector < header.firstUsable || lastSector > header.lastUsable) {
      problems.add(
        `Partition ${number} takes sectors ${firstSector} to ${lastSector}, outside the usable ${header.firstUsable} to ${header.lastUsable}.`,
      )
    }
    claims.push({
      number,
      name: readName(bytes.subarray(NAME_OFFSET, NAME_OFFSET + NAME_BYTES)),
      type: gptTypeName(guid),
      firstSector,
      sectorCount: lastSector - firstSector + 1n,
    })
  }
  return claims
}

/** Control and direction characters could make a name look like something else where it is printed. */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function readName(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-16le').decode(bytes)
  const end = text.indexOf('\0')
  return (end < 0 ? text : text.slice(0, end)).replace(UNPRINTABLE, '\ufffd')
}
