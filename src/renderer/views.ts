// What the map and the hex view are given and give back. Both know bytes and offsets only; which pane
// they stand in, what a selection leads to and where state is kept is decided above them.

import type { CellClass, SessionInfo } from '../bridge/model'
import type { Peer } from '../bridge/peer'
import type { ByteRange } from '../engine/base/ranges'

/** What the map shows: one cell is `cellBytes` (a power of two, 512 or more), `top` is in its first row. */
export interface MapViewState {
  readonly cellBytes: number
  readonly top: number
}

/** Where the cursor of both views stands, and what is selected around it. */
export interface CursorState {
  readonly offset: number
  readonly selection?: ByteRange
}

export interface MapViewProps {
  readonly peer: Peer
  readonly session: SessionInfo
  readonly view: MapViewState
  readonly onView: (view: MapViewState) => void
  readonly cursor: CursorState
  readonly onCursor: (cursor: CursorState) => void
  /** Enter or double click: show the bytes there. */
  readonly onOpenBytes: (offset: number) => void
  /** A legend entry that was clicked: the other classes are dimmed. */
  readonly solo: CellClass | undefined
  /** The cell under the pointer, for the status bar; undefined when it left. */
  readonly onHover: (cell: ByteRange | undefined) => void
}

export interface HexViewProps {
  readonly peer: Peer
  readonly session: SessionInfo
  readonly cursor: CursorState
  readonly onCursor: (cursor: CursorState) => void
  readonly bytesPerRow: 8 | 16 | 32
  /** Gutter and status in hexadecimal or decimal. */
  readonly radix: 16 | 10
  readonly onRadix: (radix: 16 | 10) => void
  /** A typed byte failed to be staged; shown at the hex view. */
  readonly onProblem: (message: string) => void
  /** Bytes that were staged by typing or pasting, as they were and as they are: for undo. */
  readonly onEdit: (edit: { offset: number; before: Uint8Array; after: Uint8Array }) => void
}
