// The partition table of a master boot record, with the chain of logical partitions that an extended
// partition holds. Nothing here trusts a number that was read: the chain has a limit and may not turn
// back, and its records have to lie inside the extended partition.

import { Fields } from './fields'
import { mbrTypeName } from './mbr-types'
import type { ClaimedPartition } from './partition-layout'
import type { Problems } from './problems'

export const MBR_BYTES = 512

const MBR_SIGNATURE = 0xaa55
const TABLE_OFFSET = 446
const ENTRY_BYTES = 16
const ENTRY_COUNT = 4
const EMPTY_TYPE = 0x00
const PROTECTIVE_TYPE = 0xee
const EXTENDED_TYPES = [0x05, 0x0f, 0x85]
const FIRST_LOGICAL_NUMBER = 5

/** No tool makes more; a chain that goes on is made to keep a reader busy. */
export const MAX_LOGICAL_PARTITIONS = 128

export interface MbrEntry {
  /** 1 to 4. */
  readonly number: number
  readonly type: number
  readonly firstSector: number
  readonly sectorCount: number
}

/** The used entries of a boot record; `undefined` when the sector is none. */
export function parseMbr(sector: Uint8Array): MbrEntry[] | undefined {
  const fields = new Fields(sector)
  if (fields.u16(510) !== MBR_SIGNATURE) return undefined
  const entries: MbrEntry[] = []
  for (let i = 0; i < ENTRY_COUNT; i++) {
    const at = TABLE_OFFSET + i * ENTRY_BYTES
    const status = fields.u8(at)
    if (status !== 0x00 && status !== 0x80) return undefined
    const type = fields.u8(at + 4)
    if (type === EMPTY_TYPE) continue
    const [firstSector, sectorCount] = [fields.u32(at + 8), fields.u32(at + 12)]
    entries.push({ number: i + 1, type, firstSector, sectorCount })
  }
  return entries
}

export const isProtective = (entry: MbrEntry): boolean => entry.type === PROTECTIVE_TYPE

/** Entries that a real table could have: behind the boot record, inside the disk, apart from each other. */
export function isPlausible(entries: readonly MbrEntry[], diskSectors: number): boolean {
  let end = 1
  for (const entry of [...entries].sort((a, b) => a.firstSector - b.firstSector)) {
    if (entry.firstSector < end || entry.sectorCount === 0) return false
    end = entry.firstSector + entry.sectorCount
  }
  return end <= diskSectors
}

/** Reads one sector of the disk; `undefined` when it cannot be, which it has noted as a problem. */
export type ReadSector = (sector: number, what: string) => Promise<Uint8Array | undefined>

/** Primary partitions and logical ones; the extended partition that holds the latter is not listed. */
export async function listMbrPartitions(
  entries: readonly MbrEntry[],
  readSector: ReadSector,
  problems: Problems,
): Promise<ClaimedPartition[]> {
  const claims: ClaimedPartition[] = []
  let extended: MbrEntry | undefined
  for (const entry of entries) {
    if (!EXTENDED_TYPES.includes(entry.type)) claims.push(claimOf(entry.number, entry, 0))
    else if (extended === undefined) extended = entry
    else problems.add(`Partition ${entry.number} is a second extended partition; it is not read.`)
  }
  if (extended !== undefined) {
    claims.push(...(await listLogicalPartitions(extended, readSector, problems)))
  }
  return claims
}

async function listLogicalPartitions(
  extended: MbrEntry,
  readSector: ReadSector,
  problems: Problems,
): Promise<ClaimedPartition[]> {
  const claims: ClaimedPartition[] = []
  const seen = new Set<number>()
  for (let record: number | undefined = extended.firstSector; record !== undefined; ) {
    const number = FIRST_LOGICAL_NUMBER + claims.length
    const stop = reasonToStop(record, extended, seen)
    if (stop !== undefined) {
      problems.add(
        `The chain of logical partitions ${stop}; those from ${number} on are not shown.`,
      )
      break
    }
    seen.add(record)
    const sector = await readSector(record, `The record of logical partition ${number}`)
    if (sector === undefined) break
    const entries = parseMbr(sector)
    if (entries === undefined) {
      problems.add(`The record of logical partition ${number} at sector ${record} is not one.`)
      break
    }
    const logical = entries.find((entry) => !EXTENDED_TYPES.includes(entry.type))
    if (logical !== undefined) claims.push(claimOf(number, logical, record))
    const next = entries.find((entry) => EXTENDED_TYPES.includes(entry.type))
    record = next === undefined ? undefined : extended.firstSector + next.firstSector
  }
  return claims
}

function reasonToStop(
  record: number,
  extended: MbrEntry,
  seen: ReadonlySet<number>,
): string | undefined {
  if (seen.has(record)) return `comes back to sector ${record}`
  if (seen.size >= MAX_LOGICAL_PARTITIONS) return `is longer than ${MAX_LOGICAL_PARTITIONS} records`
  const outside = record >= extended.firstSector + extended.sectorCount
  return outside ? `leaves the extended partition for sector ${record}` : undefined
}

const claimOf = (number: number, entry: MbrEntry, base: number): ClaimedPartition => ({
  number,
  name: '',
  type: mbrTypeName(entry.type),
  firstSector: BigInt(base) + BigInt(entry.firstSector),
  sectorCount: BigInt(entry.sectorCount),
})
