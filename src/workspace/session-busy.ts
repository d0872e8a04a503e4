import type { SessionId } from '../bridge/model'
import type { Workspace } from './workspace'

/** Who uses a session's overlay, so that another cannot take its place now; `undefined`: nobody. */
export type Busy = () => string | undefined

export const busyWith =
  ({ exports, jobs }: Workspace, session: SessionId): Busy =>
  () => {
    if (exports.list().some((each) => each.session === session)) {
      return 'it is being served: stop the export first'
    }
    const copies = jobs.list().filter((job) => job.session === session && job.kind === 'copy')
    if (!copies.some((job) => job.state === 'running')) return undefined
    return 'it is being saved: wait for the copy, or cancel it'
  }
