// Where an offset is, in words: partition and class. Pure.

import type { CellDetail, PartitionInfo } from '../../bridge/model'
import { endOf } from '../../engine/base/ranges'

export const partitionAt = (
  partitions: readonly PartitionInfo[],
  offset: number,
): PartitionInfo | undefined =>
  partitions.find((each) => offset >= each.offset && offset < endOf(each))

export const partitionText = (partition: PartitionInfo | undefined): string =>
  partition === undefined
    ? 'no partition'
    : `p${partition.number} ${partition.name === '' ? partition.type : partition.name}`

/** The class of a single byte: what is staged first, for it is what is read. */
export function classText({ bytes, extents }: CellDetail): string {
  if (bytes.written > 0) return 'staged, written'
  if (bytes.zeroed > 0) return 'staged, zeroed'
  if (bytes.unknown > 0) return 'not surveyed'
  return extents[0]?.type ?? ''
}
