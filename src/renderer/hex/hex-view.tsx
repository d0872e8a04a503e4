// The bytes of the session, all of them in one scroll, and a place to type over them. Wires pages, rows
// and keys together; what they do is decided in the plain files beside it.

import { useEffect, useId, useRef, useState } from 'react'
import { formatHex, groupDigits } from '../../engine/base/size-text'
import { useSettled } from '../heatmap/use-live-text'
import type { HexViewProps } from '../views'
import type { HexPaneName } from './hex-layout'
import { byteAtColumn, hexColumn, hexWidth, rowCountOf, rowOf, SECTOR } from './hex-layout'
import { HexRow } from './hex-row'
import type { HexRowModel } from './hex-rows'
import { rowModel } from './hex-rows'
import { hexOf, textOf } from './hex-text'
import { ScaledScrollbar } from './scaled-scrollbar'
import { useHexActions } from './use-hex-actions'
import { useHexBytes } from './use-hex-bytes'
import { useScaledRows } from './use-scaled-rows'
import './hex.css'

const ROW_PX = 20
/** Kept free on either side of a caret that is brought into view. */
const SIDE_PX = 12
/** Larger counts do not fit what assistive technology reads; -1 says that it is not known. */
const MOST_ARIA_ROWS = 2 ** 31 - 1

export function HexView(props: HexViewProps) {
  const { session, cursor, bytesPerRow, radix, onRadix } = props
  const { size } = session.image
  const rows = useScaledRows<HTMLDivElement>(rowCountOf(size, bytesPerRow), ROW_PX)
  const top = rows.topRow * bytesPerRow
  const shown = { offset: top, length: Math.min(rows.drawnRows * bytesPerRow, size - top) }
  const bytes = useHexBytes(props, shown)
  const actions = useHexActions(props, bytes.rows, rows.visibleRows)
  const [isFocused, setFocused] = useState(false)
  const pointer = usePointer(props, rows, actions)
  const scroller = useRef<HTMLDivElement>(null)
  useFollow(cursor.offset, bytesPerRow, rows)
  useSideways(scroller, `${cursor.offset}/${actions.pane}`)
  const id = useId()
  const digits = offsetDigits(size, radix)
  const models = Array.from({ length: rows.drawnRows }, (_, i) =>
    rowModel(bytes.rows, (rows.topRow + i) * bytesPerRow, bytesPerRow),
  )
  const caretRow = rowOf(cursor.offset, bytesPerRow)
  return (
    <section className="hex-view" aria-label="Bytes of the disk">
      <div className="hex-body">
        <div
          className="hex-scroll"
          ref={scroller}
          style={
            { '--hex-digits': digits, '--hex-chars': charsOf(bytesPerRow) } as React.CSSProperties
          }
        >
          <HexHead {...{ bytesPerRow, radix, onRadix, cursor }} />
          {/* biome-ignore lint/a11y/useSemanticElements: a virtual grid */}
          <div
            className="hex-grid"
            role="grid"
            ref={rows.ref}
            tabIndex={0}
            aria-label="Bytes. Tab changes between digits and text, Escape then Tab leaves."
            aria-rowcount={
              rows.scrollbar.totalRows > MOST_ARIA_ROWS ? -1 : rows.scrollbar.totalRows
            }
            aria-colcount={3}
            aria-multiselectable
            aria-activedescendant={`${id}-${actions.pane}`}
            onKeyDown={actions.onKeyDown}
            onCopy={actions.onCopy}
            onPaste={actions.onPaste}
            onFocus={() => setFocused(true)}
            onBlur={() => setFocused(false)}
            {...pointer}
          >
            {models.map((model, i) => {
              const row = rows.topRow + i
              const isCaretRow = row === caretRow
              return (
                <HexRow
                  key={row}
                  model={model}
                  bytesPerRow={bytesPerRow}
                  label={offsetLabel(model.offset, radix, digits)}
                  rowIndex={Math.min(row + 1, MOST_ARIA_ROWS)}
                  idOf={(pane) => (isCaretRow ? `${id}-${pane}` : undefined)}
                  marks={{
                    caret: isCaretRow ? cursor.offset - model.offset : undefined,
                    pane: actions.pane,
                    isFocused,
                    selected: selectedIn(model, cursor.selection),
                    half: isCaretRow ? actions.half : undefined,
                  }}
                />
              )
            })}
          </div>
        </div>
        <ScaledScrollbar {...rows.scrollbar} />
        {bytes.cache.problem !== undefined && (
          <div className="hex-problem" role="alert">
            <span>Some bytes cannot be read: {bytes.cache.problem}</span>
            <button type="button" className="button" onClick={() => bytes.cache.retry()}>
              Try again
            </button>
          </div>
        )}
      </div>
      <CaretSpeaker model={models[caretRow - rows.topRow]} offset={cursor.offset} />
    </section>
  )
}

function offsetDigits(size: number, radix: 16 | 10): number {
  const last = Math.max(0, size - 1)
  return radix === 16 ? Math.max(8, last.toString(16).length) : groupDigits(last).length
}

function offsetLabel(offset: number, radix: 16 | 10, digits: number): string {
  if (radix === 10) return groupDigits(offset).padStart(digits, ' ')
  return offset.toString(16).toUpperCase().padStart(digits, '0')
}

function selectedIn(
  { offset, count }: HexRowModel,
  selection: HexViewProps['cursor']['selection'],
): readonly [number, number] | undefined {
  if (selection === undefined || selection.length < 1) return undefined
  const from = Math.max(0, selection.offset - offset)
  const to = Math.min(count, selection.offset + selection.length - offset) - 1
  return from <= to ? [from, to] : undefined
}

/** Of both panes and the space between them. */
const charsOf = (bytesPerRow: number) => hexWidth(bytesPerRow) + 3 + bytesPerRow

type HeadProps = Pick<HexViewProps, 'bytesPerRow' | 'radix' | 'onRadix' | 'cursor'>

function HexHead({ bytesPerRow, radix, onRadix, cursor }: HeadProps) {
  const columns = Array.from({ length: bytesPerRow }, (_, i) => i)
  const current = cursor.offset % bytesPerRow
  const number = (i: number) => i.toString(radix).toUpperCase().padStart(2, '0')
  return (
    <div className="hex-head">
      <button
        type="button"
        className="hex-offset hex-radix"
        title="Offsets in hexadecimal or decimal"
        onClick={() => onRadix(radix === 16 ? 10 : 16)}
      >
        {radix === 16 ? 'hex' : 'dec'}
      </button>
      <span className="hex-pane" aria-hidden style={{ width: `${hexWidth(bytesPerRow)}ch` }}>
        {columns.map((i) => (
          <span
            key={i}
            className={i === current ? 'hex-column hex-column-current' : 'hex-column'}
            style={{ left: `${hexColumn(i)}ch` }}
          >
            {number(i)}
          </span>
        ))}
      </span>
      <span className="hex-facts">{factsOf(cursor, radix)}</span>
    </div>
  )
}

/** Where the caret is, or how much is selected: where the eyes are. */
function factsOf({ offset, selection }: HexViewProps['cursor'], radix: 16 | 10): string {
  const show = (n: number) => (radix === 16 ? formatHex(n) : groupDigits(n))
  if (selection !== undefined && selection.length > 1) {
    const last = selection.offset + selection.length - 1
    return `${show(selection.offset)}…${show(last)}, ${groupDigits(selection.length)} bytes`
  }
  return `LBA ${groupDigits(Math.floor(offset / SECTOR))} + ${show(offset % SECTOR)}`
}

/** A caret that was moved comes into view; after a far jump it stands in the upper third. */
function useFollow(
  offset: number,
  bytesPerRow: number,
  rows: ReturnType<typeof useScaledRows<HTMLDivElement>>,
) {
  const seen = useRef<string>(undefined)
  const { topRow, visibleRows, drawnRows, show, scrollTo } = rows
  useEffect(() => {
    const key = `${offset}/${bytesPerRow}`
    if (drawnRows === 0 || seen.current === key) return
    seen.current = key
    const row = rowOf(offset, bytesPerRow)
    const isFar = row < topRow - visibleRows || row >= topRow + 2 * visibleRows
    if (isFar) scrollTo(row - Math.floor(visibleRows / 3))
    else show(row)
  })
}

/** In a pane too narrow for a row, the caret is brought into view from the side as well. */
function useSideways(scroller: React.RefObject<HTMLDivElement | null>, place: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the caret has moved, not when drawn
  useEffect(() => {
    const box = scroller.current?.getBoundingClientRect()
    const caret = scroller.current?.querySelector('.hex-caret-active')?.getBoundingClientRect()
    if (box === undefined || caret === undefined || scroller.current === null) return
    const over = Math.max(0, caret.right + SIDE_PX - box.right)
    const under = Math.max(0, box.left + SIDE_PX - caret.left)
    if (over > 0 || under > 0) scroller.current.scrollLeft += over - under
  }, [place])
}

function usePointer(
  props: HexViewProps,
  rows: ReturnType<typeof useScaledRows<HTMLDivElement>>,
  actions: ReturnType<typeof useHexActions>,
) {
  const { bytesPerRow, session, radix, onRadix } = props
  const grip = useRef<HexPaneName>(undefined)
  const byteAt = (event: React.PointerEvent<HTMLElement>, pane: HexPaneName): number => {
    const body = event.currentTarget.getBoundingClientRect()
    const place = event.currentTarget.querySelector(`[data-pane='${pane}']`)
    const box = place?.getBoundingClientRect() ?? body
    const chars = pane === 'hex' ? hexWidth(bytesPerRow) : bytesPerRow
    const column = ((event.clientX - box.left) / Math.max(1, box.width)) * chars
    const row = rows.topRow + Math.floor((event.clientY - body.top) / ROW_PX)
    const inside = Math.max(0, Math.min(row, rows.scrollbar.totalRows - 1))
    const offset = inside * bytesPerRow + byteAtColumn(pane, column, bytesPerRow)
    return Math.min(offset, session.image.size - 1)
  }
  const release = () => {
    grip.current = undefined
  }
  return {
    onPointerDown(event: React.PointerEvent<HTMLElement>) {
      if (!(event.target instanceof Element) || event.button === 1) return
      const pane = paneUnder(event.target, event.clientX, event.currentTarget)
      if (event.button === 2) {
        // Before a context menu: what is selected stays when the byte is part of it.
        const at = byteAt(event, pane)
        if (!isInside(at, props.cursor.selection)) actions.goTo(at, false)
        return
      }
      if (event.target.closest("[data-part='offset']") !== null) {
        onRadix(radix === 16 ? 10 : 16)
        return
      }
      event.currentTarget.setPointerCapture(event.pointerId)
      grip.current = pane
      actions.setPane(pane)
      actions.goTo(byteAt(event, pane), event.shiftKey)
    },
    onPointerMove(event: React.PointerEvent<HTMLElement>) {
      const pane = grip.current
      if (pane === undefined) return
      const to = byteAt(event, pane)
      if (to !== props.cursor.offset) actions.goTo(to, true)
    },
    onPointerUp: release,
    onPointerCancel: release,
  }
}

const isInside = (offset: number, range: HexViewProps['cursor']['selection']) =>
  range !== undefined && offset >= range.offset && offset < range.offset + range.length

/** Between and beside the panes, the nearer one. */
function paneUnder(target: Element, clientX: number, grid: Element): HexPaneName {
  const own = target.closest('[data-pane]')?.getAttribute('data-pane')
  if (own === 'hex' || own === 'text') return own
  const text = grid.querySelector("[data-pane='text']")?.getBoundingClientRect()
  return text !== undefined && clientX >= text.left - 8 ? 'text' : 'hex'
}

function CaretSpeaker({ model, offset }: { model: HexRowModel | undefined; offset: number }) {
  const byte = model?.bytes?.[offset - model.offset]
  const value = byte === undefined ? 'not read yet' : `${hexOf(byte)}, ${textOf(byte)}`
  const text = useSettled(`${formatHex(offset)}: ${value}`)
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  )
}
