import type { Channel } from '../../bridge/channel'
import { RpcClient } from '../../bridge/rpc-client'
import type { Line } from './keep-connected'

/** The page's end of the bridge over an open channel. */
export function lineOver(channel: Channel): Line {
  let end = (_why: string) => {}
  const closed = new Promise<string>((resolve) => {
    end = resolve
  })
  const peer = new RpcClient({
    channel,
    onClose: (reason) => end(reason?.message ?? 'the host has closed the connection'),
    onBug: (error) => console.error(error),
  })
  return { peer, closed, close: () => peer.close() }
}
