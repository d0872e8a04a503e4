// What each request of a page does: a call into the workspace, and no logic of its own.

import type { Handlers } from '../bridge/rpc-host'
import { PlatterError } from '../engine/base/errors'
import { listNbdExports } from '../engine/nbd/list-exports'
import { parseNbdUri } from '../engine/nbd/uri'
import { reviewCommit, startCommit } from './commits'
import { listDirectory } from './directories'
import type { HostServices } from './host-services'
import { refuseInterrupted } from './interrupted'
import { connectionTo } from './nbd-source'
import { overlayRequests } from './overlay-requests'
import { recoverRequests } from './recover-requests'
import { saveAs } from './save-as'
import type { Session } from './session'
import { previewRun, stagedRows } from './staged-list'
import type { Workspace } from './workspace'

const DETAIL_EXTENTS = 64
const YOU = 'you'

type GroupOf<Prefix extends string> = Pick<Handlers, Extract<keyof Handlers, `${Prefix}.${string}`>>

export function makeRequests(workspace: Workspace, services: HostServices): Handlers {
  return {
    ...hostRequests(workspace, services),
    ...sessionRequests(workspace),
    ...mapRequests(workspace),
    ...stageRequests(workspace),
    ...commitRequests(workspace),
    ...recoverRequests(workspace),
    ...saveRequests(workspace),
    ...overlayRequests(workspace),
    ...exportRequests(workspace),
  }
}

function hostRequests(
  workspace: Workspace,
  services: HostServices,
): GroupOf<'host' | 'settings' | 'dialog' | 'files' | 'nbd'> {
  return {
    'host.hello': async () => ({ value: workspace.describe(services) }),
    'settings.set': async ({ settings }) => ({ value: await workspace.changeSettings(settings) }),
    'dialog.openImage': async (_params, { signal }) => {
      if (services.openImageDialog === undefined) {
        throw new PlatterError('NOT_SUPPORTED', 'this host has no native dialogs')
      }
      const locator = await services.openImageDialog(signal)
      return { value: locator === undefined ? {} : { locator } }
    },
    'dialog.saveFile': async (asked, { signal }) => {
      if (services.saveFileDialog === undefined) {
        throw new PlatterError('NOT_SUPPORTED', 'this host has no native dialogs')
      }
      const path = await services.saveFileDialog(asked, signal)
      return { value: path === undefined ? {} : { path } }
    },
    'files.list': async ({ path }) => ({ value: await listDirectory(path) }),
    'nbd.list': async ({ uri }, { signal }) => {
      const connection = await connectionTo(parseNbdUri(uri))
      const { clock } = workspace
      return { value: { exports: await listNbdExports({ ...connection, clock, signal }) } }
    },
  }
}

function sessionRequests(workspace: Workspace): GroupOf<'session' | 'activity'> {
  return {
    'session.open': async ({ locator, ...options }, { signal }) => ({
      value: await workspace.open(locator, { ...options, signal }),
    }),
    'session.close': async ({ session, discard }) => {
      await workspace.closeSession(session, discard === true)
      return { value: {} }
    },
    'session.info': async ({ session }) => ({ value: workspace.session(session).info() }),
    'activity.history': async ({ session }) => ({
      value: { ticks: workspace.session(session).activity.history },
    }),
  }
}

function mapRequests(workspace: Workspace): GroupOf<'map' | 'bytes'> {
  return {
    'map.detail': async ({ session, offset, length }, { signal }) => {
      const found = workspace.session(session)
      const range = { offset, length }
      checkInside(found, offset, length)
      return { value: await found.detail(range, DETAIL_EXTENTS, signal) }
    },
    'map.extents': async ({ session, first, count }) => {
      const { survey } = workspace.session(session)
      return { value: { total: survey.count, rows: survey.rows(first, count) } }
    },
    'map.extentAt': async ({ session, offset }) => {
      const found = workspace.session(session)
      checkInside(found, offset, 1)
      return { value: { index: found.survey.indexAt(offset) } }
    },
    'map.next': async ({ session, offset, what, backwards }) => {
      const found = workspace.session(session)
      checkInside(found, offset, 0)
      const back = backwards === true
      const next =
        what === 'extent'
          ? found.survey.nextBoundary(offset, back)
          : found.overlay.nextStaged(offset, back)
      return { value: next === undefined ? {} : { offset: next } }
    },
    'bytes.read': async ({ session, offset, length }, { signal }) => {
      const found = workspace.session(session)
      checkInside(found, offset, length)
      const { epoch } = found
      const bytes = new Uint8Array(length)
      try {
        await found.overlay.read(bytes, offset, { signal })
      } catch (error) {
        found.noteFailure(error)
        throw error
      }
      return { value: { epoch }, bytes }
    },
  }
}

function stageRequests(workspace: Workspace): GroupOf<'stage'> {
  return {
    'stage.write': async ({ session, offset }, { bytes, signal }) => {
      const found = workspace.session(session)
      if (bytes === undefined || bytes.length === 0) {
        throw new PlatterError('BAD_REQUEST', 'stage.write: there are no bytes to stage')
      }
      checkInside(found, offset, bytes.length)
      await found.changes.change(() => found.overlay.write(bytes, offset, { signal }))
      noteOwn(found, 'write', offset, bytes.length)
      return { value: { epoch: found.epoch } }
    },
    'stage.zero': async ({ session, offset, length }, { signal }) => {
      const found = workspace.session(session)
      checkInside(found, offset, length)
      const options = { mayTrim: true, signal }
      await found.changes.change(() => found.overlay.zero(offset, length, options))
      noteOwn(found, 'zero', offset, length)
      return { value: { epoch: found.epoch } }
    },
    'stage.list': async ({ session, first, count }) => {
      const list = stagedRows(workspace.session(session), undefined, count, first)
      return { value: { total: list.total, bytes: list.written + list.zeroed, rows: list.rows } }
    },
    'stage.preview': async ({ session, offset, length }, { signal }) => {
      const found = workspace.session(session)
      checkInside(found, offset, length)
      return { value: await previewRun(found, { offset, length }, signal) }
    },
    'stage.discard': async ({ session, ranges }) => {
      const found = workspace.session(session)
      for (const range of ranges ?? []) checkInside(found, range.offset, range.length)
      // What the commit has in hand would still be written, and the person was told it is forgotten.
      if (found.commitJob !== undefined) {
        throw new PlatterError(
          'BUSY',
          `${found.image.info.name}: a commit is running: cancel it before discarding; nothing was changed`,
        )
      }
      refuseInterrupted(found)
      return {
        value: { bytes: await found.changes.change(() => found.overlay.discard(ranges)) },
      }
    },
  }
}

function noteOwn(session: Session, verb: 'write' | 'zero', offset: number, length: number): void {
  session.noteOrigin({ offset, length }, YOU)
  session.activity.note(verb, { offset, length })
  session.noteTouches()
}

function commitRequests(workspace: Workspace): GroupOf<'commit' | 'job'> {
  return {
    'commit.review': async ({ session, ranges }) => {
      const clients = workspace.exports.clientCount(session)
      return { value: await reviewCommit(workspace.session(session), ranges, clients) }
    },
    'commit.start': async ({ session, ranges, verify, undo }) => {
      const found = workspace.session(session)
      const job = await found.changes.change(() =>
        startCommit(found, workspace.commits, { ranges, verify, undo }),
      )
      return { value: { job: job.id } }
    },
    'job.cancel': async ({ job }) => {
      workspace.jobs.cancel(job)
      return { value: {} }
    },
  }
}

function saveRequests(workspace: Workspace): GroupOf<'save' | 'compare'> {
  return {
    'save.start': async ({ session, path, replace }) => {
      const found = workspace.session(session)
      const job = await found.changes.change(() => saveAs(found, workspace.jobs, { path, replace }))
      return { value: { job: job.id } }
    },
    'compare.start': async ({ session, locator }, { signal }) => {
      const found = workspace.session(session)
      const start = () => workspace.comparisons.start(found, locator, signal)
      return { value: { job: (await found.changes.change(start)).id } }
    },
    'compare.rows': async ({ job, first, count }) => ({
      value: workspace.comparisons.rows(job, first, count),
    }),
  }
}

function exportRequests(workspace: Workspace): GroupOf<'export'> {
  return {
    'export.start': async ({ session, ...options }) => {
      const found = workspace.session(session)
      return { value: await found.changes.change(() => workspace.exports.start(found, options)) }
    },
    'export.stop': async (params) => {
      await workspace.exports.stop(params.export)
      return { value: {} }
    },
    'export.disconnect': async (params) => {
      workspace.exports.disconnect(params.export, params.client)
      return { value: {} }
    },
    'export.clearLog': async (params) => {
      workspace.exports.requests(params.export).clear()
      return { value: {} }
    },
  }
}

function checkInside(session: Session, offset: number, length: number): void {
  const { size } = session.overlay
  if (offset <= size && length <= size - offset) return
  throw new PlatterError(
    'OUT_OF_RANGE',
    `offset ${offset} and length ${length} are outside the image of ${size} bytes`,
    { data: { offset, length, size } },
  )
}
