// What the map says to assistive technology: the cells around the cursor as a grid, and, when things have
// come to rest, the zoom and the selection.

import { useMemo } from 'react'
import type { PartitionInfo } from '../../bridge/model'
import type { CellsView } from '../data/resample'
import type { MapViewProps } from '../views'
import { AriaCells } from './aria-cells'
import type { bytesOfCell } from './cell-text'
import { sizeText, spanText } from './cell-text'
import type { MapLayout } from './layout'
import { useSampled, useSettled } from './use-live-text'

interface ShadowProps {
  readonly id: string
  readonly layout: MapLayout
  readonly cursorCell: number
  readonly partitions: readonly PartitionInfo[]
  readonly cells: CellsView
  readonly selection: MapViewProps['cursor']['selection']
  readonly bytesAt: (cell: number, from: CellsView) => ReturnType<typeof bytesOfCell>
}

/** What is spoken follows live activity slowly, and the cursor at once. */
export function ShadowCells({
  id,
  layout,
  cursorCell,
  partitions,
  cells,
  selection,
  bytesAt,
}: ShadowProps) {
  const sampled = useSampled(useMemo(() => ({ cells, layout, bytesAt }), [cells, layout, bytesAt]))
  const [idOf, bytesOf, isSelected] = useMemo(() => {
    const isSame = sampled.layout === layout
    return [
      (cell: number) => `${id}-${cell}`,
      (cell: number) => (isSame ? sampled.bytesAt(cell, sampled.cells) : undefined),
      (cell: number) => {
        const offset = cell * layout.cellBytes
        return selection === undefined
          ? cell === cursorCell
          : offset < selection.offset + selection.length &&
              offset + layout.cellBytes > selection.offset
      },
    ]
  }, [id, sampled, layout, selection, cursorCell])
  return <AriaCells {...{ layout, cursorCell, idOf, bytesOf, partitions, isSelected }} />
}

interface AnnouncerProps {
  readonly layout: MapLayout
  readonly selection: MapViewProps['cursor']['selection']
  readonly said: string | undefined
}

export function MapAnnouncer({ layout, selection, said }: AnnouncerProps) {
  const zoom = `Cells of ${sizeText(layout.cellBytes)}, rows of ${sizeText(layout.rowBytes)}.`
  const chosen = selection === undefined ? '' : ` Selected ${spanText(selection)}.`
  const text = useSettled(said ?? zoom + chosen)
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  )
}
