// `platter overlay commit`: an overlay file on real files, open for as long as it takes.

import { resolve } from 'node:path'
import { PlatterError } from '../engine/base/errors'
import type { ByteRange } from '../engine/base/ranges'
import { backgroundClock } from '../engine/io/system-clock'
import { commitLasting, type LastingCommit } from './commit-lasting'
import { openLastingOverlay } from './lasting-overlay'
import { meterPhases, type PhaseProgress } from './meter-phases'
import { withOverlaySpace } from './overlay-files'

export interface CommitAction {
  /** All blocks that these touch; everything unless told. */
  readonly ranges?: readonly ByteRange[] | undefined
  /** A new file for what is overwritten. */
  readonly undo?: string | undefined
  readonly verify: boolean
  /** Take the base as it is now. */
  readonly acceptBase?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: PhaseProgress) => void) | undefined
}

export interface CommitOutcome extends LastingCommit {
  /** The base, absolute. */
  readonly target: string
  /** The overlay was an undo file. */
  readonly undid: boolean
}

export function commitOverlayFile(file: string, action: CommitAction): Promise<CommitOutcome> {
  const { undo, acceptBase, onProgress: report, ...rest } = action
  if (file === '' || undo === '') {
    const what = file === '' ? 'overlay' : 'undo file'
    throw new PlatterError('NOT_FOUND', `the name of the ${what} is empty`)
  }
  return withOverlaySpace(async (space) => {
    const options = { writable: true, interrupted: true, acceptBase }
    const lasting = await openLastingOverlay(space, resolve(file), options)
    try {
      const undoPath = undo === undefined ? undefined : resolve(undo)
      const onProgress = report && meterPhases(backgroundClock, report)
      const result = await commitLasting(space, lasting, { ...rest, undoPath, onProgress })
      const undid = lasting.header?.undo !== undefined
      return { ...result, target: lasting.image.path, undid }
    } finally {
      await lasting.close()
    }
  })
}
