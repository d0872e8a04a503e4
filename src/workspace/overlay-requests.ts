// What a page asks about overlays that are kept in files, and their checkpoints.

import type { Handlers } from '../bridge/rpc-host'
import { PlatterError } from '../engine/base/errors'
import { NodeFileSpace } from '../engine/io/file-space'
import { goBackInSession, makeSessionCheckpoint, mergeInSession } from './checkpoints'
import { keepOverlay } from './keep-overlay'
import { busyWith } from './session-busy'
import type { Workspace } from './workspace'

type OverlayHandlers = Pick<
  Handlers,
  Extract<keyof Handlers, `overlay.${string}` | `checkpoint.${string}`>
>

export function overlayRequests(workspace: Workspace): OverlayHandlers {
  return {
    'overlay.keep': async ({ session, path }) => {
      const job = await keepOverlay(workspace.session(session), {
        path,
        space: new NodeFileSpace(workspace.files),
        clock: workspace.clock,
        jobs: workspace.jobs,
        busy: busyWith(workspace, session),
      })
      return { value: { job: job.id } }
    },
    'overlay.save': async ({ session }) => {
      const { kept, image } = workspace.session(session)
      if (kept === undefined) {
        const why = 'what is staged is not kept in a file'
        throw new PlatterError('BAD_REQUEST', `${image.info.name}: ${why}`)
      }
      await kept.save()
      return { value: {} }
    },
    'checkpoint.make': async ({ session, name }) => {
      const found = workspace.session(session)
      return {
        value: { name: await makeSessionCheckpoint(found, busyWith(workspace, session), name) },
      }
    },
    'checkpoint.back': async ({ session }) => ({
      value: {
        name: await goBackInSession(workspace.session(session), busyWith(workspace, session)),
      },
    }),
    'checkpoint.merge': async ({ session }) => {
      const found = workspace.session(session)
      const job = mergeInSession(found, busyWith(workspace, session), workspace.jobs)
      return { value: { job: job.id } }
    },
  }
}
