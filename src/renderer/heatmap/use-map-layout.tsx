// Where the map's cells lie now: from the size of its box, the screen and the view that was chosen.

import { useEffect, useMemo } from 'react'
import { isPowerOfTwo } from '../../engine/base/ranges'
import type { MapViewProps, MapViewState } from '../views'
import type { Density, MapBox, MapLayout } from './layout'
import { fitCellBytes, layoutMap, SMALLEST_CELL_BYTES, viewAtRow, visibleCells } from './layout'
import { asPhysical } from './spaces'

/** What the map has room for: a toolbar beside it can offer zoom steps that exist. */
export interface MapRoom {
  /** Of the cells shown now: what was chosen, or what it takes to show the whole disk. */
  readonly cellBytes: number
  /** Cells with which the whole disk is in view. */
  readonly fitCellBytes: number
  readonly columns: number
  readonly visibleRows: number
}

export interface MapViewExtras {
  readonly density?: Density
  readonly onRoom?: (room: MapRoom) => void
}

/** Of the element that holds the cells, CSS pixels; all 0 before it is laid out. */
interface ElementSize {
  readonly width: number
  readonly height: number
}

export function useMapLayout(
  props: MapViewProps & MapViewExtras,
  { width, height }: ElementSize,
  dpr: number,
) {
  const { session, view, onView, onRoom, density = 'normal' } = props
  const { size } = session.image
  const box = useMemo<MapBox>(
    () => ({
      width: asPhysical(Math.floor(width * dpr)),
      height: asPhysical(Math.floor(height * dpr)),
      dpr,
      density,
    }),
    [width, height, dpr, density],
  )
  const layout: MapLayout = useMemo(
    () => layoutMap(size, effectiveView(size, view, box), box),
    [size, view, box],
  )
  const shown = useMemo(() => visibleCells(layout, box.height), [layout, box])
  useEffect(() => {
    // Cells larger than the whole disk takes are not offered: whoever chose them is told.
    if (box.width > 0 && view.cellBytes > layout.cellBytes) onView(viewAtRow(layout, layout.topRow))
  }, [box, view.cellBytes, layout, onView])
  useEffect(() => {
    if (box.width === 0) return
    const { cellBytes, columns, visibleRows } = layout
    onRoom?.({ cellBytes, fitCellBytes: fitCellBytes(size, box), columns, visibleRows })
  }, [onRoom, size, box, layout])
  return { box, layout, shown }
}

/** No size chosen (0), or a larger one than the whole disk takes: the whole disk. */
function effectiveView(size: number, view: MapViewState, box: MapBox): MapViewState {
  const fit = fitCellBytes(size, box)
  const isChosen = isPowerOfTwo(view.cellBytes) && view.cellBytes >= SMALLEST_CELL_BYTES
  return { cellBytes: isChosen ? Math.min(view.cellBytes, fit) : fit, top: view.top }
}
