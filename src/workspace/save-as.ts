// Save as…: all that a session shows, staged blocks included, as a new plain file. A job with progress and
// cancel; the file takes its name when it is complete, and nothing is left of one that is not.
//
// No snapshot: what NBD clients stage meanwhile is in the copy or not, block by block.

import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { JobInfo } from '../bridge/model'
import { PlatterError } from '../engine/base/errors'
import { formatSize } from '../engine/base/size-text'
import { copyDisk } from '../engine/copy/copy-disk'
import { backgroundClock } from '../engine/io/system-clock'
import { FileTarget } from './copy-file'
import type { Jobs } from './jobs'
import { refuseSameFile } from './same-file'
import type { Session } from './session'

export interface SaveAsOptions {
  readonly path: string
  /** A file of that name may be replaced: somebody was asked. */
  readonly replace?: boolean | undefined
}

/** Rejects with ALREADY_EXISTS, BAD_REQUEST (the image itself), NOT_A_DISK or NO_PERMISSION, nothing changed. */
export async function saveAs(
  session: Session,
  jobs: Jobs,
  { path: given, replace }: SaveAsOptions,
): Promise<JobInfo> {
  if (given === '') throw new PlatterError('NOT_FOUND', 'the name of the file is empty')
  const path = resolve(given)
  await refuseSameFile(session.image, path)
  await refuseOverlayFiles(session, path)
  if (replace !== true && existsSync(path)) {
    throw new PlatterError('ALREADY_EXISTS', `${path}: a file of that name is there already`)
  }
  const { overlay } = session
  const identity = { locator: session.image.info.locator, session: session.id }
  const target = await FileTarget.open(path, { source: overlay, identity })
  return jobs.start({
    session: session.id,
    kind: 'copy',
    title: `Saving ${session.image.info.name} as ${basename(path)}`,
    total: overlay.size,
    file: path,
    run: async (progress, signal) => {
      try {
        await copyDisk(overlay, target.disk, {
          targetIsZero: true,
          signal,
          clock: backgroundClock,
          onProgress: ({ done, total }) => progress({ phase: 'copying', done, total }),
        })
      } catch (error) {
        await target.abandon(false)
        throw error
      }
      progress({ phase: 'flushing', done: overlay.size, total: overlay.size })
      await target.finish(true)
      return `${path}: ${formatSize(overlay.size)} saved`
    },
  })
}

/** What the session reads from, the copy must not take the name of. */
async function refuseOverlayFiles({ kept }: Session, path: string): Promise<void> {
  const target = await stat(path).catch(() => undefined)
  if (kept === undefined || target === undefined) return
  for (const layer of kept.lasting.layers) {
    for (const own of [layer.path, layer.imagePath]) {
      const { dev, ino } = await stat(own)
      if (dev !== target.dev || ino !== target.ino) continue
      const why = 'it is a file of the overlay that is being saved; nothing was changed'
      throw new PlatterError('BAD_REQUEST', `${path}: ${why}`)
    }
  }
}
