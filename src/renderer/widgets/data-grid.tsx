// A table of any number of rows, of which only those in sight exist. One tab stop; arrows, Page, Home
// and End move the chosen row, Enter uses it. Rows are given by index; who holds them fetches what
// `onWindow` names.

import { type CSSProperties, type KeyboardEvent, type ReactNode, useEffect, useId } from 'react'
import { ScaledScrollbar } from '../hex/scaled-scrollbar'
import { useScaledRows } from '../hex/use-scaled-rows'
import { useSize } from './use-size'
import './data-grid.css'

const ROW_PX = 24

export interface Column {
  readonly key: string
  readonly title: string
  /** The title is read out, but not shown. */
  readonly quiet?: boolean
  /** Shown only where the table is at least this wide, CSS pixels. */
  readonly fromPx?: number
  /** A track of CSS grid: `1fr`, `90px`. */
  readonly width: string
  readonly align?: 'end'
}

/** By the keys of the columns. */
export type RowCells = Readonly<Record<string, ReactNode>>

interface DataGridProps {
  readonly label: string
  readonly columns: readonly Column[]
  readonly rowCount: number
  /** Undefined while the row is not known. */
  readonly cells: (index: number) => RowCells | undefined
  readonly chosen: number | undefined
  readonly onChoose: (index: number) => void
  /** Enter and double click. */
  readonly onUse?: (index: number) => void
  /** Other keys on the chosen row; true when it was one. */
  readonly onKey?: (key: string, index: number) => boolean
  readonly onWindow: (first: number, count: number) => void
}

export function DataGrid(props: DataGridProps) {
  const { label, rowCount, cells, chosen, onChoose, onUse, onWindow } = props
  const id = useId()
  const [gridRef, { width }] = useSize<HTMLDivElement>()
  const columns = props.columns.filter(({ fromPx = 0 }) => width >= fromPx)
  const rows = useScaledRows<HTMLDivElement>(rowCount, ROW_PX)
  const { topRow, drawnRows, show } = rows
  useEffect(() => onWindow(topRow, drawnRows), [onWindow, topRow, drawnRows])
  useEffect(() => {
    if (chosen !== undefined) show(chosen)
  }, [chosen, show])

  const onKeyDown = (event: KeyboardEvent) => {
    const next = moved(event.key, chosen, rowCount, Math.max(1, rows.visibleRows - 1))
    if (next !== undefined) onChoose(next)
    else if (event.key === 'Enter' && chosen !== undefined && onUse) onUse(chosen)
    else if (chosen === undefined || props.onKey?.(event.key, chosen) !== true) return
    event.preventDefault()
  }
  const tracks = { gridTemplateColumns: columns.map((column) => column.width).join(' ') }
  const inSight = chosen !== undefined && chosen >= topRow && chosen < topRow + drawnRows

  return (
    // biome-ignore lint/a11y/useSemanticElements: rows out of sight do not exist, so it is no <table>.
    <div
      ref={gridRef}
      className="data-grid"
      role="grid"
      aria-label={label}
      aria-rowcount={rowCount + 1}
      aria-colcount={columns.length}
      aria-activedescendant={inSight ? `${id}-${chosen}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <HeadRow columns={columns} tracks={tracks} />
      <div className="data-grid-body">
        <div className="data-grid-rows" ref={rows.ref}>
          {Array.from({ length: drawnRows }, (_, i) => topRow + i).map((index) => (
            <BodyRow
              key={index}
              id={`${id}-${index}`}
              index={index}
              columns={columns}
              style={{ ...tracks, height: ROW_PX }}
              cells={cells(index)}
              chosen={index === chosen}
              onChoose={onChoose}
              onUse={onUse}
            />
          ))}
        </div>
        <ScaledScrollbar {...rows.scrollbar} />
      </div>
    </div>
  )
}

interface HeadRowProps {
  readonly columns: readonly Column[]
  readonly tracks: { readonly gridTemplateColumns: string }
}

function HeadRow({ columns, tracks }: HeadRowProps) {
  return (
    // biome-ignore lint/a11y: rows of a grid are not stops of their own.
    <div className="data-grid-head" role="row" aria-rowindex={1} style={tracks}>
      {columns.map((column) => (
        // biome-ignore lint/a11y: the grid has the one stop.
        <div key={column.key} role="columnheader" className={cellClass(column)}>
          <span className={column.quiet ? 'visually-hidden' : undefined}>{column.title}</span>
        </div>
      ))}
    </div>
  )
}

interface BodyRowProps {
  readonly id: string
  readonly index: number
  readonly columns: readonly Column[]
  readonly style: CSSProperties
  readonly cells: RowCells | undefined
  readonly chosen: boolean
  readonly onChoose: (index: number) => void
  readonly onUse: ((index: number) => void) | undefined
}

function BodyRow({ id, index, columns, style, cells, chosen, onChoose, onUse }: BodyRowProps) {
  return (
    // biome-ignore lint/a11y: the grid has the keys; the pointer chooses a row.
    <div
      id={id}
      role="row"
      className="data-grid-row"
      aria-rowindex={index + 2}
      aria-selected={chosen}
      style={style}
      onMouseDown={() => onChoose(index)}
      onDoubleClick={() => onUse?.(index)}
    >
      {columns.map((column) => (
        // biome-ignore lint/a11y: the grid has the one stop.
        <div key={column.key} role="gridcell" className={cellClass(column)}>
          {cells === undefined ? '…' : cells[column.key]}
        </div>
      ))}
    </div>
  )
}

const cellClass = (column: Column) => (column.align === 'end' ? 'cell end' : 'cell')

function moved(key: string, chosen: number | undefined, rowCount: number, page: number) {
  if (rowCount === 0) return undefined
  const at = chosen ?? -1
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: rowCount - 1,
  }
  const target = targets[key]
  return target === undefined ? undefined : Math.max(0, Math.min(target, rowCount - 1))
}
