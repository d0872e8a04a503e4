// What keys and gestures do to the view and the cursor.

import { useEffect, useRef, useState } from 'react'
import { hasCode } from '../../engine/base/errors'
import { endOf } from '../../engine/base/ranges'
import type { CursorState, MapViewProps } from '../views'
import type { LogicalPoint } from './hit-test'
import { nearestCell, screenRowAt } from './hit-test'
import type { MapBox, MapLayout } from './layout'
import {
  cellAt,
  fitCellBytes,
  fitRange,
  rangeOfCell,
  rangeOfCells,
  SMALLEST_CELL_BYTES,
  viewAtRow,
  zoomTo,
} from './layout'
import type { MapIntent } from './map-keys'
import { anchorOf, cursorAfterMove, intentOfKey, moveCell } from './map-keys'
import type { CellIndex } from './spaces'
import { asOffset } from './spaces'
import type { GestureTargets } from './use-map-gestures'

export function useMapActions(props: MapViewProps, layout: MapLayout, box: MapBox) {
  const { session, view, onView, cursor, onCursor, onOpenBytes } = props
  const { size } = session.image
  const [said, say] = useState<string>()
  const findNext = useFindNext(props, say)

  const zoomRow = (offset: number, screenRow: number, inwards: boolean) => {
    const cellBytes = inwards ? layout.cellBytes / 2 : layout.cellBytes * 2
    onView(zoomTo(size, cellBytes, asOffset(offset), screenRow, box))
  }
  /** With keys, the zoom holds the cursor where it is; when that is out of sight, the middle. */
  const zoomAtCursor = (inwards: boolean) => {
    const row = Math.floor(cellAt(layout, cursor.offset) / layout.columns) - layout.topRow
    if (row >= 0 && row < layout.visibleRows) return zoomRow(cursor.offset, row, inwards)
    const middle = layout.visibleRows >> 1
    zoomRow((layout.topRow + middle) * layout.rowBytes, middle, inwards)
  }

  const targets: GestureTargets = {
    layout,
    press(cell, extend) {
      onCursor(extend ? cursorAfterMove(layout, cursor, cell, true) : cursorOn(layout, cell))
    },
    pointAt(cell) {
      const { selection } = cursor
      const isInside =
        selection !== undefined &&
        cell >= cellAt(layout, selection.offset) &&
        cell <= cellAt(layout, endOf(selection) - 1)
      if (!isInside) onCursor(cursorOn(layout, cell))
    },
    drawTo(from, to) {
      onCursor({
        offset: rangeOfCell(layout, to).offset,
        selection: rangeOfCells(layout, from, to),
      })
    },
    scrollBy: (rows) => onView(viewAtRow(layout, layout.topRow + rows)),
    zoomAt(point: LogicalPoint, inwards) {
      zoomRow(
        rangeOfCell(layout, nearestCell(layout, point)).offset,
        screenRowAt(layout, point.y),
        inwards,
      )
    },
    enter(cell) {
      const range = rangeOfCell(layout, cell)
      if (layout.cellBytes === SMALLEST_CELL_BYTES) onOpenBytes(range.offset)
      else onView(fitRange(size, range, box))
    },
  }

  const run = (intent: MapIntent) => {
    say(undefined)
    const cell = cellAt(layout, cursor.offset)
    switch (intent.kind) {
      case 'move':
        return onCursor(
          cursorAfterMove(layout, cursor, moveCell(layout, cell, intent.move), intent.extend),
        )
      case 'zoom':
        return zoomAtCursor(intent.inwards)
      case 'pan': {
        const rows = Math.max(1, Math.round(layout.visibleRows * Math.abs(intent.screens)))
        return targets.scrollBy(intent.screens < 0 ? -rows : rows)
      }
      case 'fit-all':
        return onView({ cellBytes: fitCellBytes(size, box), top: 0 })
      case 'fit-selection': {
        const next = fitRange(size, cursor.selection ?? rangeOfCell(layout, cell), box)
        const isThere = next.cellBytes === layout.cellBytes && next.top === view.top
        return onView(isThere ? { cellBytes: fitCellBytes(size, box), top: 0 } : next)
      }
      case 'open':
        return onOpenBytes(cursor.offset)
      case 'select':
        return onCursor({
          offset: cursor.offset,
          selection: rangeOfCells(layout, anchorOf(layout, cursor), cell),
        })
      case 'clear':
        return onCursor({ offset: cursor.offset })
      case 'extent':
        return findNext(intent.backwards)
    }
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    const intent = intentOfKey(event)
    if (intent === undefined) return
    // With nothing to clear, Escape belongs to whatever stands around the map.
    if (intent.kind === 'clear' && cursor.selection === undefined) return
    event.preventDefault()
    event.stopPropagation()
    run(intent)
  }
  return { targets, onKeyDown, said }
}

const cursorOn = (layout: MapLayout, cell: CellIndex): CursorState => ({
  offset: rangeOfCell(layout, cell).offset,
})

/** The next extent boundary; a later question calls an earlier one off. */
function useFindNext(
  { peer, session, cursor, onCursor }: MapViewProps,
  say: (text: string) => void,
) {
  const asking = useRef<AbortController>(undefined)
  useEffect(() => () => asking.current?.abort(), [])
  return (backwards: boolean) => {
    asking.current?.abort()
    const controller = new AbortController()
    asking.current = controller
    const { signal } = controller
    const params = {
      session: session.id,
      offset: cursor.offset,
      what: 'extent',
      backwards,
    } as const
    peer.request('map.next', params, { signal }).then(
      ({ value }) => {
        if (signal.aborted) return
        if (value.offset !== undefined) onCursor({ offset: value.offset })
        else say(backwards ? 'No extent before this one' : 'No extent after this one')
      },
      (error: unknown) => {
        if (!signal.aborted && !hasCode(error, 'ABORTED')) say(String(error))
      },
    )
  }
}
