// The cells that a view shows, kept up to date. One stream is open at a time, over more than is asked
// for (a screen before and after), so that scrolling within it asks nothing. What came last stays until
// the first frame of the next stream is there; a frame of a stream that was given up is dropped.

import { MAX_CELLS_PER_FRAME } from '../../bridge/contract'
import type { CellColumns } from '../../bridge/frames'
import { decodeCells } from '../../bridge/frames'
import type { SessionId } from '../../bridge/model'
import type { Peer, StreamHandle } from '../../bridge/peer'

export interface CellRange {
  readonly cellBytes: number
  readonly firstCell: number
  readonly cellCount: number
}

export interface CellsWindow extends CellRange {
  readonly epoch: number
  readonly columns: CellColumns
}

export class CellsFeed {
  readonly #peer: Peer
  readonly #session: SessionId
  readonly #onChange: () => void
  #range: CellRange | undefined
  #stream: StreamHandle | undefined
  #window: CellsWindow | undefined
  #problem: string | undefined

  constructor(peer: Peer, session: SessionId, onChange: () => void) {
    this.#peer = peer
    this.#session = session
    this.#onChange = onChange
  }

  /** What came last; its range may be another than the one shown now. */
  get window(): CellsWindow | undefined {
    return this.#window
  }

  /** Why nothing more comes; a call of show() tries again. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** True while the cells asked for have not come. */
  get isWaiting(): boolean {
    return this.#range !== undefined && !sameRange(this.#range, this.#window)
  }

  /** Asks for a range out of `total` cells of that size. */
  show(wanted: CellRange, total: number): void {
    if (this.#stream !== undefined && this.#range && covers(this.#range, wanted)) return
    this.#stream?.close()
    this.#problem = undefined
    const range = padded(wanted, total)
    this.#range = range
    const handle = this.#peer.openStream(
      'map.cells',
      { session: this.#session, ...range },
      {
        onFrame: (frame, bytes) => {
          if (this.#range !== range) return
          const columns = decodeCells(bytes, frame.cellBytes)
          this.#window = { ...range, epoch: frame.epoch, columns }
          this.#onChange()
        },
        onEnd: (error) => {
          if (this.#range !== range) return
          this.#stream = undefined
          this.#problem = error?.message ?? 'the host ended the map of this session'
          this.#onChange()
        },
      },
    )
    if (this.#problem === undefined) this.#stream = handle
  }

  close(): void {
    this.#range = undefined
    this.#stream?.close()
    this.#stream = undefined
  }
}

function sameRange(a: CellRange, b: CellRange | undefined): boolean {
  return (
    b !== undefined &&
    a.cellBytes === b.cellBytes &&
    a.firstCell === b.firstCell &&
    a.cellCount === b.cellCount
  )
}

function covers(range: CellRange, wanted: CellRange): boolean {
  return (
    range.cellBytes === wanted.cellBytes &&
    range.firstCell <= wanted.firstCell &&
    range.firstCell + range.cellCount >= wanted.firstCell + wanted.cellCount
  )
}

/** One more screen on either side, as far as the disk and the limit of a frame go. */
function padded({ cellBytes, firstCell, cellCount }: CellRange, total: number): CellRange {
  const spare = Math.max(0, Math.floor((MAX_CELLS_PER_FRAME - cellCount) / 2))
  const pad = Math.min(cellCount, spare)
  const first = Math.max(0, firstCell - pad)
  const end = Math.min(total, firstCell + cellCount + pad)
  return { cellBytes, firstCell: first, cellCount: end - first }
}
