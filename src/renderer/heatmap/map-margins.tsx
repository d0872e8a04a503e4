// What stands beside the rows: their offsets on the left, the partitions they lie in on the right.

import type { PartitionInfo } from '../../bridge/model'
import { endOf } from '../../engine/base/ranges'
import { labelEvery, offsetDigits, offsetText, partitionText, sizeText } from './cell-text'
import type { MapLayout } from './layout'

const LABEL_PX = 18

interface MarginProps {
  readonly layout: MapLayout
  /** Rows on the canvas, the cut one included. */
  readonly drawnRows: number
}

export function MapGutter({ layout, drawnRows, cursorRow }: MarginProps & { cursorRow: number }) {
  const rowPx = layout.rowPx / layout.dpr
  const every = labelEvery(rowPx, LABEL_PX)
  const digits = offsetDigits(layout.size)
  const rows: number[] = []
  for (let row = layout.topRow; row < layout.topRow + drawnRows; row++) {
    if (row % every === 0) rows.push(row)
  }
  return (
    <div className="map-gutter mono" aria-hidden>
      {rows.map((row) => (
        <OffsetLabel
          key={row}
          text={offsetText(row * layout.rowBytes, digits)}
          y={Math.max(
            LABEL_PX / 2 - 2,
            (row - layout.topRow) * rowPx + Math.min(rowPx, LABEL_PX) / 2,
          )}
          isCurrent={row <= cursorRow && cursorRow < row + every}
        />
      ))}
    </div>
  )
}

/** Leading zeroes recede, so that the digits that differ stand out. */
function OffsetLabel({ text, y, isCurrent }: { text: string; y: number; isCurrent: boolean }) {
  const lead = /^0*(?=.)/.exec(text)?.[0] ?? ''
  return (
    <span
      className={isCurrent ? 'map-offset map-offset-current' : 'map-offset'}
      style={{ transform: `translateY(calc(${y}px - 50%))` }}
    >
      <span className="map-offset-lead">{lead}</span>
      {text.slice(lead.length)}
    </span>
  )
}

interface BandsProps extends MarginProps {
  readonly partitions: readonly PartitionInfo[]
  /** Room for names. */
  readonly isWide: boolean
}

function PartitionBands({ layout, drawnRows, partitions, isWide }: BandsProps) {
  const rowPx = layout.rowPx / layout.dpr
  const rows = Math.min(drawnRows, layout.rowCount - layout.topRow)
  const yOf = (offset: number) =>
    Math.max(0, Math.min(offset / layout.rowBytes - layout.topRow, rows)) * rowPx
  return (
    <div className="map-bands" aria-hidden>
      {partitions.map((partition) => {
        const y = yOf(partition.offset)
        const height = yOf(endOf(partition)) - y
        if (height < 1) return undefined
        return (
          <span
            key={partition.number}
            className={`map-band map-band-${partition.number % 2 === 0 ? 'even' : 'odd'}`}
            title={`${partitionText(partition)}, ${sizeText(partition.length)}`}
            style={{ top: y, height }}
          >
            {height > 30 && isWide && (
              <span className="map-band-name">{partitionText(partition)}</span>
            )}
          </span>
        )
      })}
    </div>
  )
}

interface RestProps {
  readonly layout: MapLayout
  readonly width: number
  readonly drawnRows: number
  readonly partitions: readonly PartitionInfo[]
}

/** The bands take what the columns leave over. */
export function PartitionRest({ layout, width, drawnRows, partitions }: RestProps) {
  const left = (layout.columns * layout.cellPx) / layout.dpr
  const room = Math.max(0, width - left)
  return (
    <div className="map-rest" style={{ left, width: room }}>
      <PartitionBands {...{ layout, drawnRows, partitions }} isWide={room > 64} />
    </div>
  )
}
