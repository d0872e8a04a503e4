// Keep staged changes in a file: a session's temporary overlay becomes a lasting one. What is staged is
// carried block by block into a new overlay file; when all of it is stable there, the session goes on with
// that, and the temporary one goes. Until then, and when it fails, everything is as it was, and no file is
// left behind. Nobody stages meanwhile: clients would write to the overlay that goes, so there are none.

import { rm } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { JobInfo } from '../bridge/model'
import type { Clock } from '../engine/base/clock'
import { PlatterError, throwIfAborted } from '../engine/base/errors'
import { splitByUnit } from '../engine/base/ranges'
import { formatSize } from '../engine/base/size-text'
import type { FileSpace } from '../engine/disk/file-space'
import { FileDisk } from '../engine/io/file-disk'
import type { OverlayDisk } from '../engine/layers/overlay'
import { isOverlayName } from './is-overlay-file'
import type { JobProgress, Jobs } from './jobs'
import { KeptOverlay } from './kept-overlay'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import { createLastingOverlay, imagePathOf } from './lasting-overlay-create'
import type { Session } from './session'
import type { Busy } from './session-busy'

/** Bytes that are carried at a time. */
const STEP = 4 * 1024 * 1024

export interface KeepOverlayOptions {
  readonly path: string
  readonly space: FileSpace
  readonly clock: Clock
  readonly jobs: Jobs
  readonly busy: Busy
}

/** Rejects with BUSY, NOT_SUPPORTED, ALREADY_EXISTS, … before the job starts, nothing changed. */
export async function keepOverlay(session: Session, options: KeepOverlayOptions): Promise<JobInfo> {
  const { space, clock, jobs } = options
  session.changes.check()
  refuse(session, options)
  const path = resolve(options.path)
  const { overlay, image } = session
  const base = image.disk instanceof FileDisk ? image.disk.path : ''
  await createLastingOverlay(space, {
    path,
    basePath: base,
    version: 2,
    blockSize: overlay.overlayBlockSize,
    size: overlay.size,
    format: image.info.format,
  })
  const { written, zeroed } = overlay.staged()
  const total = written + zeroed
  return jobs.start({
    session: session.id,
    kind: 'keep',
    title: `Keeping ${formatSize(total, 2)} in ${basename(path)}`,
    total,
    file: path,
    run: async (progress, signal) => {
      try {
        await session.exchangeOverlay(async () => {
          refuse(session, options)
          const lasting = await openLastingOverlay(space, path, { writable: true })
          try {
            await carry(overlay, lasting, progress, signal)
          } catch (error) {
            await lasting.close().catch(() => undefined)
            throw error
          }
          return KeptOverlay.around({ space, lasting, clock })
        })
      } catch (error) {
        // Why it failed is worth more than that a file could not be taken away again.
        for (const each of [path, imagePathOf(path)]) await rm(each).catch(() => undefined)
        throw error
      }
      await overlay.close()
      return `${path}: ${formatSize(total, 2)} kept`
    },
  })
}

function refuse(session: Session, { path, busy }: KeepOverlayOptions): void {
  const { info, disk } = session.image
  const because = (code: 'BUSY' | 'NOT_SUPPORTED' | 'NOT_FOUND' | 'BAD_REQUEST', why: string) =>
    new PlatterError(code, `${info.name}: ${why}; nothing was changed`)
  if (path === '') throw because('NOT_FOUND', 'the name of the file is empty')
  if (!isOverlayName(path)) {
    const why = 'only a file whose name ends in .overlay, .addcow or .cow is opened as an overlay'
    throw because('BAD_REQUEST', why)
  }
  if (session.kept !== undefined) {
    throw because('BAD_REQUEST', `what is staged is kept in ${session.kept.info().path} already`)
  }
  if (!(disk instanceof FileDisk)) {
    throw because('NOT_SUPPORTED', 'an overlay file needs a base that is a file')
  }
  if (session.commitJob !== undefined) throw because('BUSY', 'a commit is running')
  const reason = busy()
  if (reason !== undefined) throw because('BUSY', reason)
}

async function carry(
  from: OverlayDisk,
  { overlay }: LastingOverlay,
  onProgress: (now: JobProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { written, zeroed } = from.staged()
  const total = written + zeroed
  const buffer = new Uint8Array(Math.min(STEP, total))
  let done = 0
  for (const run of from.stagedRuns()) {
    if (run.state === 'zeroed') {
      await overlay.zero(run.offset, run.length, { mayTrim: true, signal })
      done += run.length
      onProgress({ phase: 'copying', done, total })
      continue
    }
    for (const { offset, length } of splitByUnit(run, STEP)) {
      throwIfAborted(signal, 'keep')
      const piece = buffer.subarray(0, length)
      await from.read(piece, offset, { signal })
      await overlay.write(piece, offset, { signal })
      done += length
      onProgress({ phase: 'copying', done, total })
    }
  }
  onProgress({ phase: 'flushing', done: total, total })
  await overlay.flush()
}
