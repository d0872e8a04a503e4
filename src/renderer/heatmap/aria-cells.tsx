// The rows of the map that a screen reader can walk: the ones around the cursor, within a bound, so that
// moving costs little. Row and column numbers are those of the whole level.

import { memo } from 'react'
import type { ClassBytes, PartitionInfo } from '../../bridge/model'
import { spokenCell } from './cell-text'
import type { MapLayout } from './layout'
import { rangeOfCell } from './layout'
import { asCell } from './spaces'

const MAX_CELLS = 512

interface AriaCellsProps {
  readonly layout: MapLayout
  readonly cursorCell: number
  readonly idOf: (cell: number) => string
  readonly bytesOf: (cell: number) => ClassBytes | undefined
  readonly partitions: readonly PartitionInfo[]
  readonly isSelected: (cell: number) => boolean
}

export const AriaCells = memo(function AriaCells(props: AriaCellsProps) {
  const { layout, cursorCell, idOf, bytesOf, partitions, isSelected } = props
  const cursorRow = Math.floor(cursorCell / layout.columns)
  return rowsAround(layout, cursorRow).map((row) => (
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus, aria-activedescendant leads here
    // biome-ignore lint/a11y/useSemanticElements: a table could not lie unseen behind a canvas
    <div key={row} role="row" aria-rowindex={row + 1} className="visually-hidden">
      {cellsOfRow(layout, row).map((cell) => (
        // biome-ignore lint/a11y/useFocusableInteractive: as above
        // biome-ignore lint/a11y/useSemanticElements: as above
        <span
          key={cell}
          id={idOf(cell)}
          role="gridcell"
          aria-colindex={(cell % layout.columns) + 1}
          aria-selected={isSelected(cell)}
        >
          {spokenCell(rangeOfCell(layout, asCell(cell)), bytesOf(cell), partitions)}
        </span>
      ))}
    </div>
  ))
})

function rowsAround(layout: MapLayout, cursorRow: number): number[] {
  const count = Math.max(1, Math.floor(MAX_CELLS / layout.columns))
  const first = Math.max(0, Math.min(cursorRow - (count >> 1), layout.rowCount - count))
  return Array.from({ length: Math.min(count, layout.rowCount) }, (_, i) => first + i)
}

function cellsOfRow(layout: MapLayout, row: number): number[] {
  const first = row * layout.columns
  const count = Math.min(layout.columns, layout.cellCount - first)
  return Array.from({ length: count }, (_, i) => first + i)
}
