import type { Streams } from '../bridge/contract'
import { encodeRequestRows } from '../bridge/request-rows'
import type { StreamHandlers } from '../bridge/rpc-host'
import type { StreamSink } from '../bridge/rpc-streams'
import type { RequestFeed } from './request-feed'
import type { Workspace } from './workspace'

/**
 * The streams of a page. A map view gets a frame whenever the session has moved on and the page has
 * asked for another; however much happened in between, it is one frame of how things are now.
 */
export function makeStreams(workspace: Workspace): StreamHandlers {
  return {
    'map.cells': async ({ session: id, cellBytes, firstCell, cellCount }, sink) => {
      const session = workspace.session(id)
      let fresh = false
      let wake: () => void = () => undefined
      const stop = session.onUpdate(() => {
        fresh = true
        wake()
      })
      sink.signal.addEventListener('abort', () => wake())
      try {
        while (!sink.signal.aborted && !session.isClosed) {
          await sink.ready()
          fresh = false
          const bytes = session.cells({ cellBytes, firstCell, cellCount })
          sink.send({ epoch: session.epoch, cellBytes, firstCell }, bytes)
          if (!fresh && !sink.signal.aborted) {
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        }
      } finally {
        stop()
      }
    },
    'export.requests': (params, sink) =>
      sendRequests(workspace.exports.requests(params.export), sink),
  }
}

/** However much a slow page missed, the next frame has no more than the log holds. */
async function sendRequests(
  feed: RequestFeed,
  sink: StreamSink<Streams['export.requests']['frame']>,
): Promise<void> {
  let wake: () => void = () => undefined
  let fresh = false
  const stop = feed.watch(() => {
    fresh = true
    wake()
  })
  sink.signal.addEventListener('abort', () => wake())
  try {
    for (let next = 0; !sink.signal.aborted && !feed.isClosed; ) {
      await sink.ready()
      fresh = false
      const { first, oldest, rows } = feed.frame(next)
      sink.send({ first, oldest }, encodeRequestRows(rows))
      next = first + rows.length
      if (!fresh && !sink.signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    stop()
  }
}
