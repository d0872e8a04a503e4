import type { Channel } from '../bridge/channel'
import { RpcHost } from '../bridge/rpc-host'
import { validateParams } from '../bridge/validators'
import type { HostServices } from './host-services'
import { makeRequests } from './requests'
import { makeStreams } from './streams'
import type { Workspace } from './workspace'

/** Answers one page, and tells it what happens, until its channel closes or the workspace does. */
export function answerPage(workspace: Workspace, channel: Channel, services: HostServices): void {
  const page = new RpcHost({
    channel,
    handlers: makeRequests(workspace, services),
    streams: makeStreams(workspace),
    validate: validateParams,
    onBug: (error) => console.error(error),
    onClose: () => {
      leave()
      stop()
    },
  })
  const stop = workspace.hub.subscribe((name, data) => page.emit(name, data))
  const leave = workspace.addPage(page)
}
