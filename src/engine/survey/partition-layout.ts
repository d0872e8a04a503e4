// What a table says of its partitions, held against the disk that it stands on. Whatever the table
// claims, a partition that comes out of here lies inside the disk and is not empty.

import { safeNumber } from '../base/bytes'
import type { ByteRange } from '../base/ranges'
import { endOf } from '../base/ranges'
import type { Problems } from './problems'

/** The same shape as the bridge's. */
export interface PartitionInfo extends ByteRange {
  /** 1 for the first; numbers may be missing. */
  readonly number: number
  readonly name: string
  readonly type: string
  readonly fileSystem?: string
}

/** A partition as a table claims it, in its sectors; nothing of it has been checked. */
export interface ClaimedPartition {
  readonly number: number
  readonly name: string
  readonly type: string
  readonly firstSector: bigint
  readonly sectorCount: bigint
}

export function layOutPartitions(
  claims: readonly ClaimedPartition[],
  sectorBytes: number,
  diskSize: number,
  problems: Problems,
): PartitionInfo[] {
  const partitions: PartitionInfo[] = []
  for (const { number, name, type, firstSector, sectorCount } of claims) {
    const start = firstSector * BigInt(sectorBytes)
    const end = start + sectorCount * BigInt(sectorBytes)
    if (sectorCount <= 0n) {
      problems.add(`Partition ${number} has no sectors and is not shown.`)
    } else if (start >= BigInt(diskSize)) {
      problems.add(
        `Partition ${number} starts at byte ${start}, past the end of the disk of ${diskSize} bytes, and is not shown.`,
      )
    } else {
      if (end > BigInt(diskSize)) {
        problems.add(
          `Partition ${number} ends at byte ${end}, past the end of the disk of ${diskSize} bytes, and is shown cut.`,
        )
      }
      const offset = safeNumber(start, 'partition start')
      const to = end > BigInt(diskSize) ? diskSize : safeNumber(end, 'partition end')
      partitions.push({ number, name, type, offset, length: to - offset })
    }
  }
  noteOverlaps(partitions, problems)
  return partitions
}

function noteOverlaps(partitions: readonly PartitionInfo[], problems: Problems): void {
  let farthest: PartitionInfo | undefined
  for (const partition of [...partitions].sort((a, b) => a.offset - b.offset)) {
    if (farthest !== undefined && partition.offset < endOf(farthest)) {
      problems.add(`Partitions ${farthest.number} and ${partition.number} overlap.`)
    }
    if (farthest === undefined || endOf(partition) > endOf(farthest)) farthest = partition
  }
}
