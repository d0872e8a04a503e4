// What a cell is, in words and numbers: for the tooltip, the status and the screen reader. All numbers
// are the frame's own.

import type { CellColumns } from '../../bridge/frames'
import type { CellClass, ClassBytes, PartitionInfo } from '../../bridge/model'
import { CELL_CLASSES } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import { endOf, intersect } from '../../engine/base/ranges'
import { formatExact, formatHex, formatPercent, formatSize } from '../../engine/base/size-text'
import { CLASS_TITLES } from '../widgets/class-words'

export function bytesOfCell(columns: CellColumns, at: number): ClassBytes | undefined {
  const bytes: Partial<Record<CellClass, number>> = {}
  for (const name of CELL_CLASSES) bytes[name] = columns[name][at] ?? 0
  const known = bytes as ClassBytes
  return known.data + known.zero + known.hole + known.unknown > 0 ? known : undefined
}

export interface ClassLine {
  readonly name: CellClass
  readonly label: string
  readonly percent: string
  readonly size: string
}

/** The classes that a cell holds, with shares of the cell and exact bytes. */
export function classLines(bytes: ClassBytes, length: number): ClassLine[] {
  return CELL_CLASSES.filter((name) => bytes[name] > 0).map((name) => ({
    name,
    label: CLASS_TITLES[name],
    percent: formatPercent(bytes[name], length),
    size: sizeText(bytes[name]),
  }))
}

/** `64 KiB` where that is exact, else with all its digits: `1,234 bytes`. */
export function sizeText(bytes: number): string {
  const short = formatSize(bytes, 2)
  const isExact = [1, 1024, 1024 ** 2, 1024 ** 3, 1024 ** 4, 1024 ** 5].some(
    (unit, i) => short === `${bytes / unit} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][i]}`,
  )
  return isExact ? short : formatExact(bytes)
}

/** The partitions that a range touches, most of them one or none. */
export function partitionsIn(
  partitions: readonly PartitionInfo[],
  range: ByteRange,
): readonly PartitionInfo[] {
  return partitions.filter((partition) => intersect(partition, range) !== undefined)
}

/** `p2 root · ext4` */
export function partitionText({ number, name, type, fileSystem }: PartitionInfo): string {
  const title = name === '' ? type : name
  return `p${number} ${title}${fileSystem === undefined ? '' : ` · ${fileSystem}`}`
}

/** One sentence for a screen reader. */
export function spokenCell(
  range: ByteRange,
  bytes: ClassBytes | undefined,
  partitions: readonly PartitionInfo[],
): string {
  const parts = [`offset ${formatHex(range.offset)}`, sizeText(range.length)]
  if (bytes === undefined) parts.push('loading')
  else {
    for (const { name, percent, size } of classLines(bytes, range.length)) {
      if (name === 'written') parts.push(`staged ${size}`)
      else if (name === 'zeroed') parts.push(`staged as zeroes ${size}`)
      else parts.push(`${CLASS_TITLES[name].toLowerCase()} ${percent.replace(' %', ' percent')}`)
    }
  }
  for (const partition of partitionsIn(partitions, range)) {
    parts.push(`partition ${partition.number} ${partition.name}`.trim())
  }
  return parts.join(', ')
}

/** Start of a row for the gutter: hexadecimal, as wide as the largest offset of the disk needs. */
export const offsetDigits = (size: number): number =>
  Math.max(8, (size > 0 ? size - 1 : 0).toString(16).length)

export const offsetText = (offset: number, digits: number): string =>
  offset.toString(16).toUpperCase().padStart(digits, '0')

/** How many rows lie between two labels so that they do not touch: a power of two. */
export function labelEvery(rowPx: number, labelPx: number): number {
  let every = 1
  while (every * rowPx < labelPx) every *= 2
  return every
}

/** First and last byte of a range and how long it is. */
export const spanText = (range: ByteRange): string =>
  `${formatHex(range.offset)} to ${formatHex(endOf(range) - 1)}, ${sizeText(range.length)}`
