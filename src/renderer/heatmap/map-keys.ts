// Keys of the map, and where they lead. Letters W, A, S, D are places on the keyboard (code), all else
// is what the key writes (key). Modifiers that the map does not use leave the key to the page.

import type { ByteRange } from '../../engine/base/ranges'
import { endOf } from '../../engine/base/ranges'
import type { CursorState } from '../views'
import type { MapLayout } from './layout'
import { cellAt, rangeOfCells } from './layout'
import type { CellIndex } from './spaces'
import { asCell } from './spaces'

export type CellMove =
  | 'left'
  | 'right'
  | 'up'
  | 'down'
  | 'row-start'
  | 'row-end'
  | 'disk-start'
  | 'disk-end'
  | 'page-up'
  | 'page-down'

export type MapIntent =
  | { readonly kind: 'move'; readonly move: CellMove; readonly extend: boolean }
  | { readonly kind: 'zoom'; readonly inwards: boolean }
  | { readonly kind: 'pan'; readonly screens: number }
  | { readonly kind: 'fit-all' | 'fit-selection' | 'open' | 'select' | 'clear' }
  | { readonly kind: 'extent'; readonly backwards: boolean }

export interface KeyStroke {
  readonly key: string
  readonly code: string
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

const MOVES: Readonly<Record<string, CellMove>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'row-start',
  End: 'row-end',
  PageUp: 'page-up',
  PageDown: 'page-down',
}

const PLAIN: Readonly<Record<string, MapIntent>> = {
  '+': { kind: 'zoom', inwards: true },
  '=': { kind: 'zoom', inwards: true },
  '-': { kind: 'zoom', inwards: false },
  '0': { kind: 'fit-all' },
  f: { kind: 'fit-selection' },
  F: { kind: 'fit-selection' },
  '.': { kind: 'extent', backwards: false },
  ',': { kind: 'extent', backwards: true },
  Enter: { kind: 'open' },
  ' ': { kind: 'select' },
  Escape: { kind: 'clear' },
}

const PLACES: Readonly<Record<string, MapIntent>> = {
  KeyW: { kind: 'zoom', inwards: true },
  KeyS: { kind: 'zoom', inwards: false },
  KeyA: { kind: 'pan', screens: -0.25 },
  KeyD: { kind: 'pan', screens: 0.25 },
}

export function intentOfKey(stroke: KeyStroke): MapIntent | undefined {
  const { key, code, shiftKey: extend, altKey } = stroke
  const mod = stroke.ctrlKey || stroke.metaKey
  if (altKey) return undefined
  if (mod && key === 'Home') return { kind: 'move', move: 'disk-start', extend }
  if (mod && key === 'End') return { kind: 'move', move: 'disk-end', extend }
  if (mod) return undefined
  const move = MOVES[key]
  if (move !== undefined) return { kind: 'move', move, extend }
  return PLACES[code] ?? PLAIN[key]
}

export function moveCell(layout: MapLayout, cell: CellIndex, move: CellMove): CellIndex {
  const { columns, cellCount, visibleRows } = layout
  const rowStart = cell - (cell % columns)
  const page = Math.max(1, visibleRows - 1) * columns
  const last = cellCount - 1
  // A step by rows stays in its column; where there is no such row, the cursor stays.
  const byRows = (cells: number) => {
    const rows = Math.trunc(cells / columns)
    const room = rows < 0 ? -Math.floor(cell / columns) : Math.floor((last - cell) / columns)
    return cell + (rows < 0 ? Math.max(rows, room) : Math.min(rows, room)) * columns
  }
  switch (move) {
    case 'left':
      return asCell(Math.max(0, cell - 1))
    case 'right':
      return asCell(Math.min(last, cell + 1))
    case 'up':
      return asCell(byRows(-columns))
    case 'down':
      return asCell(byRows(columns))
    case 'page-up':
      return asCell(byRows(-page))
    case 'page-down':
      return asCell(byRows(page))
    case 'row-start':
      return asCell(rowStart)
    case 'row-end':
      return asCell(Math.min(last, rowStart + columns - 1))
    case 'disk-start':
      return asCell(0)
    case 'disk-end':
      return asCell(last)
  }
}

/** The cursor on another cell, alone, or with the selection drawn out from where it began. */
export function cursorAfterMove(
  layout: MapLayout,
  cursor: CursorState,
  to: CellIndex,
  extend: boolean,
): CursorState {
  const offset = to * layout.cellBytes
  if (!extend) return { offset }
  return { offset, selection: rangeOfCells(layout, anchorOf(layout, cursor), to) }
}

/** The cell that a selection grows from: its end away from the cursor. */
export function anchorOf(layout: MapLayout, { offset, selection }: CursorState): CellIndex {
  const at = cellAt(layout, offset)
  if (selection === undefined) return at
  const isAtStart = cellAt(layout, selection.offset) === at
  return isAtStart ? cellAt(layout, lastOf(selection)) : cellAt(layout, selection.offset)
}

const lastOf = (range: ByteRange) => Math.max(range.offset, endOf(range) - 1)
