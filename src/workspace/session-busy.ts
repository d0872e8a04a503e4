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
    const running = jobs.list().filter((job) => job.session === session && job.state === 'running')
    if (running.some((job) => job.kind === 'copy')) {
      return 'it is being saved: wait for the copy, or cancel it'
    }
    if (!running.some((job) => job.kind === 'compare')) return undefined
    return 'it is being compared: wait for the end, or cancel it'
  }
