// What a page asks about commits that are over, and about those that were cut short.

import type { Handlers } from '../bridge/rpc-host'
import { PlatterError } from '../engine/base/errors'
import type { Workspace } from './workspace'

type RecoverHandlers = Pick<
  Handlers,
  Extract<keyof Handlers, `undo.${string}` | `recover.${string}`>
>

export function recoverRequests(workspace: Workspace): RecoverHandlers {
  const nothing = (session: string) =>
    new PlatterError(
      'NOT_FOUND',
      `${workspace.session(session).image.info.name}: there is no commit to undo or to finish`,
    )
  return {
    'undo.review': async ({ session }) => {
      throw nothing(session)
    },
    'undo.start': async ({ session }) => {
      throw nothing(session)
    },
    'recover.finish': async ({ session }) => {
      throw nothing(session)
    },
    'recover.undo': async ({ session }) => {
      throw nothing(session)
    },
  }
}
