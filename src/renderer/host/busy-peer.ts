// A peer that knows what it is waiting for: requests without an answer and streams without their first
// frame. Tests wait until nothing is left; nothing in the page itself depends on it.

import type {
  Params,
  RequestName,
  Result,
  StreamName,
  Streams,
  WithBytes,
} from '../../bridge/contract'
import type { Peer, RequestOptions, StreamEvents, StreamHandle } from '../../bridge/peer'

export class BusyPeer implements Peer {
  readonly #inner: Peer
  readonly #waiting = new Map<object, string>()
  readonly on: Peer['on']

  constructor(inner: Peer) {
    this.#inner = inner
    this.on = (name, listener) => inner.on(name, listener)
  }

  /** Names of the requests and streams that are waited for. */
  get waitingFor(): string[] {
    return [...this.#waiting.values()]
  }

  async request<N extends RequestName>(
    name: N,
    params: Params<N>,
    options?: RequestOptions,
  ): Promise<WithBytes<Result<N>>> {
    const token = {}
    this.#waiting.set(token, name)
    try {
      return await this.#inner.request(name, params, options)
    } finally {
      this.#waiting.delete(token)
    }
  }

  openStream<S extends StreamName>(
    name: S,
    params: Streams[S]['params'],
    events: StreamEvents<S>,
  ): StreamHandle {
    const token = {}
    this.#waiting.set(token, `${name} stream`)
    const settle = () => this.#waiting.delete(token)
    const handle = this.#inner.openStream(name, params, {
      onFrame: async (frame, bytes) => {
        await events.onFrame(frame, bytes)
        settle()
      },
      onEnd: (error) => {
        settle()
        events.onEnd(error)
      },
    })
    return {
      close() {
        settle()
        handle.close()
      },
    }
  }
}
