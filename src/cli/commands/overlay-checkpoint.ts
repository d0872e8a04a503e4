import { changeCheckpoints } from '../../workspace/overlay-actions'
import { print } from '../print'
import { printable } from '../printable'
import { catchStopSignals } from '../stop-signals'

export interface OverlayCheckpointOptions {
  readonly name?: string
  readonly back?: boolean
  readonly merge?: boolean
  readonly acceptBase?: boolean
}

const DONE = { make: 'made', back: 'gone back to', merge: 'merged into' } as const

export async function runOverlayCheckpoint(
  file: string,
  options: OverlayCheckpointOptions,
): Promise<void> {
  const { asked } = catchStopSignals()
  const what = options.merge ? 'merge' : options.back ? 'back' : 'make'
  const { name, acceptBase } = options
  const done = await changeCheckpoints(file, { what, name, acceptBase, signal: asked })
  await print(`${DONE[what]} '${printable(done)}'\n`)
}
