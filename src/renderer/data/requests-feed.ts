// The requests of one export as the host logs them: the same rows, and when the host forgets some, so
// does this. The next frame is asked for when the last one can be on screen, so a page that is out of
// sight asks for none.

import type { ExportId } from '../../bridge/model'
import type { Peer, StreamHandle } from '../../bridge/peer'
import { decodeRequestRows, type RequestRow } from '../../bridge/request-rows'

export interface RequestsState {
  /** Oldest first; another array after each change. */
  readonly rows: readonly RequestRow[]
  /** Why nothing more comes. */
  readonly problem: string | undefined
}

export class RequestsFeed {
  readonly #onChange: (state: RequestsState) => void
  readonly #stream: StreamHandle
  #rows: readonly RequestRow[] = []

  /** `nextFrame` resolves when what `onChange` was told has been drawn. */
  constructor(
    peer: Peer,
    id: ExportId,
    onChange: (state: RequestsState) => void,
    nextFrame: () => Promise<void>,
  ) {
    this.#onChange = onChange
    this.#stream = peer.openStream(
      'export.requests',
      { export: id },
      {
        onFrame: ({ first, oldest }, bytes) => {
          const kept = this.#rows.filter((row) => row.seq >= oldest && row.seq < first)
          this.#rows = [...kept, ...decodeRequestRows(bytes, first)]
          this.#onChange({ rows: this.#rows, problem: undefined })
          return nextFrame()
        },
        onEnd: (error) => this.#onChange({ rows: this.#rows, problem: error?.message }),
      },
    )
  }

  close(): void {
    this.#stream.close()
  }
}
