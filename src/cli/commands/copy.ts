import { copyImage } from '../../workspace/copy-image'
import { ProgressLine } from '../progress-line'
import { catchStopSignals } from '../stop-signals'

export interface CopyOptions {
  readonly connections?: number
  readonly requests?: number
  readonly requestSize?: number
  readonly sparse?: number
  readonly extents: boolean
  readonly targetIsZero?: boolean
  readonly flush?: boolean
  readonly resume?: boolean
  readonly progress?: boolean
  readonly format?: string
}

export async function runCopy(source: string, target: string, options: CopyOptions): Promise<void> {
  const { asked } = catchStopSignals()
  const line = options.progress === true ? new ProgressLine(process.stderr) : undefined
  try {
    await copyImage({
      source,
      target,
      format: options.format,
      connections: options.connections,
      requests: options.requests,
      requestSize: options.requestSize,
      sparse: options.sparse,
      useExtents: options.extents,
      targetIsZero: options.targetIsZero,
      flush: options.flush,
      resume: options.resume,
      signal: asked,
      onProgress: line === undefined ? undefined : (progress) => line.show(progress),
    })
  } finally {
    line?.end()
  }
}
