// Keys of the hex view. Overwrite only: a disk has no insert. Escape makes the next Tab leave the view.

import type { CursorState } from '../views'
import type { CaretMove, HexPaneName } from './hex-layout'
import { charByte, nibbleOf } from './hex-text'

export type HexIntent =
  | { readonly kind: 'move'; readonly move: CaretMove; readonly extend: boolean }
  | { readonly kind: 'nibble' | 'char'; readonly value: number }
  | { readonly kind: 'back' | 'other-pane' | 'escape' | 'select-all' }

export interface KeyStroke {
  readonly key: string
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

const MOVES: Readonly<Record<string, CaretMove>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'row-start',
  End: 'row-end',
  PageUp: 'page-up',
  PageDown: 'page-down',
}

export function intentOfKey(stroke: KeyStroke, pane: HexPaneName): HexIntent | undefined {
  const { key, shiftKey: extend, altKey } = stroke
  const mod = stroke.ctrlKey || stroke.metaKey
  if (mod && !altKey) {
    if (key === 'Home') return { kind: 'move', move: 'disk-start', extend }
    if (key === 'End') return { kind: 'move', move: 'disk-end', extend }
    if (key === 'a' || key === 'A') return { kind: 'select-all' }
  }
  // AltGr reports Ctrl and Alt together and writes a character: the text pane takes it.
  const isAltGr = stroke.ctrlKey && altKey && key.length === 1
  if ((mod || altKey) && !(isAltGr && pane === 'text')) return undefined
  const move = MOVES[key]
  if (move !== undefined) return { kind: 'move', move, extend }
  if (key === 'Tab') return { kind: 'other-pane' }
  if (key === 'Escape') return { kind: 'escape' }
  if (key === 'Backspace') return { kind: 'back' }
  if (pane === 'hex') {
    const value = nibbleOf(key)
    return value === undefined ? undefined : { kind: 'nibble', value }
  }
  const value = charByte(key)
  return value === undefined ? undefined : { kind: 'char', value }
}

/** The caret on another byte, alone, or with the selection drawn out from where it began. */
export function cursorAt(cursor: CursorState, to: number, extend: boolean): CursorState {
  if (!extend) return { offset: to }
  const anchor = anchorOf(cursor)
  const offset = Math.min(anchor, to)
  return { offset: to, selection: { offset, length: Math.max(anchor, to) - offset + 1 } }
}

/** The byte that a selection grows from: its end away from the caret. */
export function anchorOf({ offset, selection }: CursorState): number {
  if (selection === undefined || selection.length === 0) return offset
  const last = selection.offset + selection.length - 1
  return offset === selection.offset ? last : selection.offset
}
