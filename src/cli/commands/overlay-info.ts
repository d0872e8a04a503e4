import { formatExact, formatSize } from '../../engine/base/size-text'
import { describeOverlay } from '../../workspace/overlay-actions'
import { labelled, table } from '../columns'
import { print } from '../print'

export interface OverlayInfoOptions {
  readonly json?: boolean
}

export async function runOverlayInfo(file: string, { json }: OverlayInfoOptions): Promise<void> {
  const report = await describeOverlay(file)
  await print(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : describe(report))
}

type Report = Awaited<ReturnType<typeof describeOverlay>>

const STATES = {
  clean: 'clean',
  dirty: 'in use, or not closed properly',
  committing: 'a commit was cut short',
} as const

function describe(report: Report): string {
  const { state, commit, baseChanged } = report
  const rows: (readonly [string, string])[] = [
    ['overlay', report.file],
    ['version', `${report.version}`],
    ['state', state === undefined ? 'not recorded' : STATES[state]],
    ['size', sizeText(report.size)],
    ['block size', `${report.blockSize}`],
    ['base', report.base],
    ['base format', report.baseFormat],
    ['base size', sizeText(report.baseSize)],
  ]
  if (baseChanged !== undefined) rows.push(['base changed', baseChanged])
  if (commit !== undefined) {
    const count = commit.ranges?.length
    rows.push(['commit of', count === undefined ? 'everything' : `${count} ranges`])
    rows.push(['undo file', commit.undo ?? 'none'])
  }
  return labelled(rows) + layers(report)
}

function layers(report: Report): string {
  const rows = report.layers.map((layer, i) => [
    `  ${i + 1}`,
    formatSize(layer.written),
    formatSize(layer.zeroed),
    `${layer.runs}`,
    layer.checkpoint === '' ? '(current)' : layer.checkpoint,
  ])
  return table(['  #', 'written', 'zeroed', 'runs', 'checkpoint'], rows, [1, 2, 3])
}

const sizeText = (bytes: number): string => `${formatSize(bytes)} (${formatExact(bytes)})`
