// The host as a page sees it: what rpc-client.ts implements over a channel, and what the page's parts
// are written against.

import type {
  EventName,
  Events,
  Params,
  RequestName,
  Result,
  StreamName,
  Streams,
  WithBytes,
} from './contract'

export interface RequestOptions {
  /** Attached to the request. */
  readonly bytes?: Uint8Array
  /** Cancels the request at the host; the promise then rejects with code ABORTED. */
  readonly signal?: AbortSignal
}

export interface StreamHandle {
  close(): void
}

export interface StreamEvents<S extends StreamName> {
  /** The next frame is asked for when the returned promise has resolved: a slow page gets fewer. */
  onFrame(frame: Streams[S]['frame'], bytes: Uint8Array): void | Promise<void>
  /** The host ended the stream, or the channel is gone. Not called after close(). */
  onEnd(error: Error | undefined): void
}

export interface Peer {
  request<N extends RequestName>(
    name: N,
    params: Params<N>,
    options?: RequestOptions,
  ): Promise<WithBytes<Result<N>>>
  /** The returned function takes the listener off again. */
  on<E extends EventName>(name: E, listener: (data: Events[E]) => void): () => void
  openStream<S extends StreamName>(
    name: S,
    params: Streams[S]['params'],
    events: StreamEvents<S>,
  ): StreamHandle
}
