import type { ByteRange } from '../../engine/base/ranges'
import { formatSize, groupDigits } from '../../engine/base/size-text'
import { type CommitOutcome, commitOverlayFile } from '../../workspace/commit-action'
import { print } from '../print'
import { printable } from '../printable'
import { ProgressLine } from '../progress-line'
import { catchStopSignals } from '../stop-signals'

export interface OverlayCommitOptions {
  readonly range?: readonly ByteRange[]
  readonly undo?: string
  readonly verify?: boolean
  readonly progress?: boolean
  readonly acceptBase?: boolean
}

export async function runOverlayCommit(file: string, options: OverlayCommitOptions): Promise<void> {
  const { asked } = catchStopSignals()
  const { range, undo, verify = false, acceptBase } = options
  const line = options.progress === true ? new ProgressLine(process.stderr) : undefined
  let outcome: CommitOutcome
  try {
    outcome = await commitOverlayFile(file, {
      ranges: range,
      undo,
      verify,
      acceptBase,
      signal: asked,
      onProgress: line && ((progress) => line.show(progress)),
    })
  } finally {
    line?.end()
  }
  await print(describe(outcome, verify))
}

function describe(outcome: CommitOutcome, verified: boolean): string {
  const { ranges, bytes, target, finished, undoPath, undid, sizes } = outcome
  const count = `${groupDigits(ranges)} ${ranges === 1 ? 'range' : 'ranges'}`
  const lines = [
    ...(finished ? ['a commit that was cut short is finished now'] : []),
    `${count}, ${formatSize(bytes)}: ${undid ? 'written back' : 'written'} to ${printable(target)}${verified ? ', read back and equal' : ''}`,
  ]
  const [before, after] = sizes
  if (after !== before) {
    lines.push(`the image had ${groupDigits(before)} bytes and has ${groupDigits(after)} now`)
  }
  if (undoPath !== undefined)
    lines.push(`to undo it: platter overlay commit ${printable(undoPath)}`)
  return lines.map((text) => `${text}\n`).join('')
}
