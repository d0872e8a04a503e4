import { PlatterError } from '../../engine/base/errors'
import { formatExact, formatSize, groupDigits } from '../../engine/base/size-text'
import { type ImageReport, reportExports, reportImage } from '../../workspace/image-report'
import { isNbdUri } from '../../workspace/locators'
import { labelled, table } from '../columns'
import { print } from '../print'
import { printable } from '../printable'

export interface InfoOptions {
  readonly json?: boolean
  readonly list?: boolean
  readonly format?: string
}

export async function runInfo(image: string, options: InfoOptions): Promise<void> {
  await print(options.list ? await listText(image, options) : await infoText(image, options))
}

async function infoText(image: string, options: InfoOptions): Promise<string> {
  const report = await reportImage(image, { format: options.format })
  if (options.json) return `${JSON.stringify(report, undefined, 2)}\n`
  return describeReport(report)
}

async function listText(image: string, options: InfoOptions): Promise<string> {
  if (!isNbdUri(image)) {
    throw new PlatterError('BAD_REQUEST', `${image}: --list needs an NBD URI`)
  }
  const report = await reportExports(image)
  if (options.json) return `${JSON.stringify(report, undefined, 2)}\n`
  const rows = report.exports.map((entry) => [
    JSON.stringify(entry.name),
    entry.size === undefined ? '?' : groupDigits(entry.size),
    entry.readOnly === undefined ? '?' : entry.readOnly ? 'read-only' : 'writable',
    entry.error ?? entry.description,
  ])
  return table(['export', 'bytes', 'access', 'description'], rows, [1])
}

function describeReport(report: ImageReport): string {
  const { blockSize: block } = report
  const can = Object.entries(report.capabilities).filter(([, yes]) => yes)
  return [
    labelled([
      ['image', report.locator],
      ['format', report.format],
      ['size', `${formatSize(report.size)} (${formatExact(report.size)})`],
      ...(report.allocated === undefined
        ? []
        : ([
            ['allocated', `${formatSize(report.allocated)} (${formatExact(report.allocated)})`],
          ] as const)),
      [
        'block sizes',
        `minimum ${block.minimum}, preferred ${block.preferred}, maximum ${block.maximum}`,
      ],
      ['capabilities', can.length === 0 ? 'read' : `read, ${can.map(([name]) => name).join(', ')}`],
      [
        'access',
        report.readOnlyReason === undefined ? 'writable' : `read-only: ${report.readOnlyReason}`,
      ],
      ...nbdRows(report),
      ['partitions', partitionSummary(report)],
      ...(report.fileSystem === undefined ? [] : ([['file system', report.fileSystem]] as const)),
    ]),
    partitionTable(report),
    ...report.partitions.problems.map((problem) => `problem: ${printable(problem)}\n`),
    ...(report.notes ?? []).map((note) => `note: ${printable(note)}\n`),
  ].join('')
}

function nbdRows({ nbd }: ImageReport): (readonly [string, string])[] {
  if (nbd === undefined) return []
  return [
    ['export', JSON.stringify(nbd.exportName)],
    ['protocol', `${nbd.handshake} ${nbd.tls ? 'with' : 'without'} TLS`],
    ['replies', nbd.extended ? 'extended' : nbd.structured ? 'structured' : 'simple'],
    ['contexts', contextNames(nbd).join(', ') || 'none'],
  ]
}

const contextNames = (info: NonNullable<ImageReport['nbd']>): readonly string[] =>
  (info.offeredContexts ?? info.contexts.map(({ name }) => name)).map(printable)

function partitionSummary({ partitions }: ImageReport): string {
  if (partitions.scheme === 'none') return 'no partition table'
  const count = partitions.partitions.length
  return `${partitions.scheme.toUpperCase()}, ${count} ${count === 1 ? 'partition' : 'partitions'}`
}

function partitionTable({ partitions }: ImageReport): string {
  if (partitions.partitions.length === 0) return ''
  const rows = partitions.partitions.map((partition) => [
    `  ${partition.number}`,
    groupDigits(partition.offset),
    groupDigits(partition.length),
    formatSize(partition.length),
    partition.fileSystem ?? '-',
    partition.type,
    partition.name,
  ])
  return table(['  #', 'offset', 'bytes', 'size', 'content', 'type', 'name'], rows, [1, 2, 3])
}
