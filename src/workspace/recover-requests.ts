// What a page asks about commits that are over, and about those that were cut short.

import type { Handlers } from '../bridge/rpc-host'
import { finishCommit, undoInterruptedCommit } from './recover'
import { reviewUndo, startUndo } from './undo'
import type { Workspace } from './workspace'

type RecoverHandlers = Pick<
  Handlers,
  Extract<keyof Handlers, `undo.${string}` | `recover.${string}`>
>

export function recoverRequests(workspace: Workspace): RecoverHandlers {
  const { commits } = workspace
  return {
    'undo.review': async ({ session }) => {
      const clients = workspace.exports.clientCount(session)
      return { value: await reviewUndo(workspace.session(session), commits, clients) }
    },
    'undo.start': async ({ session }) => {
      const found = workspace.session(session)
      const job = await found.changes.change(() => startUndo(found, commits))
      return { value: { job: job.id } }
    },
    'recover.finish': async ({ session, verify }) => {
      const found = workspace.session(session)
      found.changes.check()
      return { value: { job: finishCommit(found, commits, { verify }).id } }
    },
    'recover.undo': async ({ session }) => {
      const found = workspace.session(session)
      found.changes.check()
      return { value: { job: undoInterruptedCommit(found, commits).id } }
    },
  }
}
