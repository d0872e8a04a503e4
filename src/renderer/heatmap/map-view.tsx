// The allocation map: wires the stream of cells, the painter and the gestures together. What it shows
// and where is decided in the plain files beside it.

import { useCallback, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { CellsView } from '../data/resample'
import { ScaledScrollbar } from '../hex/scaled-scrollbar'
import { PALETTES } from '../theme/palette'
import type { MapViewProps } from '../views'
import { useSize } from '../widgets/use-size'
import { makeCellColours } from './cell-colours'
import { bytesOfCell, offsetDigits, sizeText } from './cell-text'
import { CellTooltip } from './cell-tooltip'
import { cellAtPoint } from './hit-test'
import type { MapLayout } from './layout'
import { cellAt, rangeOfCell, viewAtRow } from './layout'
import { MapGutter, PartitionRest } from './map-margins'
import { MapMinimap } from './map-minimap'
import { MapAnnouncer, ShadowCells } from './map-speech'
import { useMapActions } from './use-map-actions'
import { useMapCells, useMapPainter } from './use-map-cells'
import { useMapGestures } from './use-map-gestures'
import type { MapViewExtras } from './use-map-layout'
import { useMapLayout } from './use-map-layout'
import { useDevicePixelRatio, useTheme } from './use-theme'
import './heatmap.css'

/** Around the cells, for the frame of a cursor at the edge. */
const MARGIN_PX = 4

export function MapView(props: MapViewProps & MapViewExtras) {
  const { session, onView, cursor, solo } = props
  const dpr = useDevicePixelRatio()
  const [cellsRef, { width, height }] = useSize<HTMLDivElement>()
  const { box, layout, shown } = useMapLayout(props, { width, height }, dpr)
  const theme = useTheme()
  const colours = useMemo(() => makeCellColours(PALETTES[theme], solo), [theme, solo])
  const { cells, problem, retry } = useMapCells(props, layout, shown, width > 0)
  const actions = useMapActions(props, layout, box)
  const gestures = useMapGestures(cellsRef, actions.targets)
  const [isFocused, setFocused] = useState(false)
  const hover = gestures.pointer && cellAtPoint(layout, gestures.pointer)
  const cursorCell = cellAt(layout, cursor.offset)
  const overlay = useMemo(
    () => ({
      layout,
      palette: PALETTES[theme],
      width: box.width,
      height: box.height,
      marginPx: Math.ceil(MARGIN_PX * dpr),
      cursor: cursorCell,
      selection: cursor.selection,
      hover,
      isFocused,
    }),
    [layout, theme, box, dpr, cursorCell, cursor.selection, hover, isFocused],
  )
  const canvases = useMapPainter(props, {
    layout,
    width: box.width,
    height: box.height,
    cells,
    cellCount: shown.count,
    colours,
    overlay,
  })
  useHover(props, layout, hover)
  useFollow(props, layout)

  const bytesAt = useCallback(
    (cell: number, from: CellsView) =>
      from.isExact && cell >= shown.first && cell < shown.first + shown.count
        ? bytesOfCell(from.columns, from.from + cell - shown.first)
        : undefined,
    [shown],
  )
  const drawnRows = Math.ceil(box.height / layout.rowPx)
  const { partitions } = session.partitions
  const id = useId()
  return (
    <section
      className="map-view"
      aria-label="Map of the disk"
      style={{ '--map-digits': offsetDigits(session.image.size) } as React.CSSProperties}
    >
      <MapMinimap
        peer={props.peer}
        session={session}
        colours={colours}
        dpr={dpr}
        top={layout.topRow * layout.rowBytes}
        length={layout.visibleRows * layout.rowBytes}
        onTop={(top) => onView(viewAtRow(layout, Math.round(top / layout.rowBytes)))}
      />
      <div className="map-body">
        <MapGutter
          layout={layout}
          drawnRows={Math.min(drawnRows, layout.rowCount - layout.topRow)}
          cursorRow={Math.floor(cursorCell / layout.columns)}
        />
        <div className="map-cells" ref={cellsRef}>
          <canvas
            ref={canvases.cells}
            aria-hidden
            style={{ width: box.width / dpr, height: box.height / dpr }}
          />
          <canvas
            ref={canvases.overlay}
            aria-hidden
            style={{
              margin: -overlay.marginPx / dpr,
              width: (overlay.width + 2 * overlay.marginPx) / dpr,
              height: (overlay.height + 2 * overlay.marginPx) / dpr,
            }}
          />
          {/* biome-ignore lint/a11y/useSemanticElements: its rows lie unseen behind a canvas */}
          <div
            className="map-grid"
            role="grid"
            aria-label={`Cells of ${sizeText(layout.cellBytes)}`}
            aria-rowcount={layout.rowCount}
            aria-colcount={layout.columns}
            aria-activedescendant={`${id}-${cursorCell}`}
            aria-multiselectable
            aria-busy={!cells.isExact}
            tabIndex={0}
            onKeyDown={actions.onKeyDown}
            onFocus={() => setFocused(true)}
            onBlur={() => setFocused(false)}
            {...gestures.handlers}
          >
            <ShadowCells
              {...{ id, layout, cursorCell, partitions, cells, selection: cursor.selection }}
              bytesAt={bytesAt}
            />
          </div>
          <PartitionRest layout={layout} width={width} drawnRows={drawnRows} {...{ partitions }} />
          {problem !== undefined && <MapProblem message={problem} onRetry={retry} />}
          {hover !== undefined && gestures.pointer !== undefined && (
            <CellTooltip
              range={rangeOfCell(layout, hover)}
              bytes={bytesAt(hover, cells)}
              partitions={partitions}
              x={gestures.pointer.x}
              y={gestures.pointer.y}
              mapWidth={width}
              mapHeight={height}
            />
          )}
        </div>
        <ScaledScrollbar
          totalRows={layout.rowCount}
          visibleRows={layout.visibleRows}
          trackPx={height}
          topRow={layout.topRow}
          onTopRow={(row) => onView(viewAtRow(layout, row))}
        />
      </div>
      <MapAnnouncer layout={layout} selection={cursor.selection} said={actions.said} />
    </section>
  )
}

function useHover({ onHover }: MapViewProps, layout: MapLayout, hover: number | undefined) {
  const latest = useRef(onHover)
  latest.current = onHover
  useEffect(() => {
    latest.current(
      hover === undefined
        ? undefined
        : rangeOfCell(layout, cellAt(layout, hover * layout.cellBytes)),
    )
  }, [layout, hover])
  useEffect(() => () => latest.current(undefined), [])
}

/** A cursor that was moved elsewhere is brought into view; one that was left behind is not. */
function useFollow({ cursor, onView }: MapViewProps, layout: MapLayout) {
  const seen = useRef(cursor.offset)
  useEffect(() => {
    if (seen.current === cursor.offset) return
    seen.current = cursor.offset
    const row = Math.floor(cellAt(layout, cursor.offset) / layout.columns)
    const { topRow, visibleRows } = layout
    if (row >= topRow && row < topRow + visibleRows) return
    const isNear = Math.abs(row - topRow) < 2 * visibleRows
    const target = isNear ? (row < topRow ? row : row - visibleRows + 1) : row - (visibleRows >> 1)
    onView(viewAtRow(layout, target))
  })
}

function MapProblem({ message, onRetry }: { message: string; onRetry: () => void }) {
  return (
    <div className="map-problem" role="alert">
      <span>The map stands still: {message}</span>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}
