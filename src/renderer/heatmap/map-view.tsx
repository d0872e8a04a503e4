// The allocation map: wires the stream of cells, the painter and the gestures together. What it shows
// and where is decided in the plain files beside it.

import { useCallback, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { PartitionInfo } from '../../bridge/model'
import { isPowerOfTwo } from '../../engine/base/ranges'
import { CellsFeed } from '../data/cells-feed'
import type { CellsView } from '../data/resample'
import { cellsFrom } from '../data/resample'
import { ScaledScrollbar } from '../hex/scaled-scrollbar'
import { PALETTES } from '../theme/palette'
import type { MapViewProps, MapViewState } from '../views'
import { useSize } from '../widgets/use-size'
import { AriaCells } from './aria-cells'
import { makeCellColours } from './cell-colours'
import { bytesOfCell, offsetDigits, sizeText, spanText } from './cell-text'
import { CellTooltip } from './cell-tooltip'
import { cellAtPoint } from './hit-test'
import type { Density, MapBox, MapLayout } from './layout'
import {
  cellAt,
  fitCellBytes,
  layoutMap,
  rangeOfCell,
  SMALLEST_CELL_BYTES,
  viewAtRow,
  visibleCells,
} from './layout'
import { MapGutter, PartitionBands } from './map-margins'
import { MapMinimap } from './map-minimap'
import type { MapScene } from './map-painter'
import { MapPainter } from './map-painter'
import { asPhysical } from './spaces'
import { useSampled, useSettled } from './use-live-text'
import { useMapActions } from './use-map-actions'
import { useMapGestures } from './use-map-gestures'
import { useDevicePixelRatio, useMediaQuery, useTheme } from './use-theme'
import './heatmap.css'

/** Around the cells, for the frame of a cursor at the edge. */
const MARGIN_PX = 4

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

export function MapView(props: MapViewProps & MapViewExtras) {
  const { session, view, onView, cursor, solo, onRoom, density = 'normal' } = props
  const dpr = useDevicePixelRatio()
  const [cellsRef, { width, height }] = useSize<HTMLDivElement>()
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
  const layout = useMemo(
    () => layoutMap(size, effectiveView(size, view, box), box),
    [size, view, box],
  )
  const theme = useTheme()
  const colours = useMemo(() => makeCellColours(PALETTES[theme], solo), [theme, solo])
  const shown = useMemo(() => visibleCells(layout, box.height), [layout, box])
  const { cells, problem, retry } = useCells(props, layout, shown, width > 0)
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
  const canvases = usePainter(props, {
    layout,
    width: box.width,
    height: box.height,
    cells,
    cellCount: shown.count,
    colours,
    overlay,
  })
  useHover(props, layout, hover)
  useEffect(() => {
    // Cells larger than the whole disk takes are not offered: whoever chose them is told.
    if (box.width > 0 && view.cellBytes > layout.cellBytes) onView(viewAtRow(layout, layout.topRow))
  }, [box, view.cellBytes, layout, onView])
  useFollow(props, layout)
  useEffect(() => {
    if (box.width === 0) return
    const { cellBytes, columns, visibleRows } = layout
    onRoom?.({ cellBytes, fitCellBytes: fitCellBytes(size, box), columns, visibleRows })
  }, [onRoom, size, box, layout])

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
      style={{ '--map-digits': offsetDigits(size) } as React.CSSProperties}
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
            <Shadow
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
      <Announcer layout={layout} selection={cursor.selection} said={actions.said} />
    </section>
  )
}

/** No size chosen (0), or a larger one than the whole disk takes: the whole disk. */
function effectiveView(size: number, view: MapViewState, box: MapBox): MapViewState {
  const fit = fitCellBytes(size, box)
  const isChosen = isPowerOfTwo(view.cellBytes) && view.cellBytes >= SMALLEST_CELL_BYTES
  return { cellBytes: isChosen ? Math.min(view.cellBytes, fit) : fit, top: view.top }
}

function useCells(
  { peer, session }: MapViewProps,
  layout: MapLayout,
  shown: { readonly first: number; readonly count: number },
  isReady: boolean,
) {
  const [came, setCame] = useState(0)
  const feed = useMemo(
    () => new CellsFeed(peer, session.id, () => setCame((n) => n + 1)),
    [peer, session.id],
  )
  useEffect(() => () => feed.close(), [feed])
  const { cellBytes, cellCount: total } = layout
  const { first: firstCell, count: cellCount } = shown
  const show = useMemo(
    () => () => feed.show({ cellBytes, firstCell, cellCount }, total),
    [feed, cellBytes, firstCell, cellCount, total],
  )
  useEffect(() => {
    if (isReady) show()
  }, [isReady, show])
  const { window } = feed
  const cells = useMemo(
    () => cellsFrom(window, { cellBytes, firstCell, cellCount }),
    [window, cellBytes, firstCell, cellCount],
  )
  const retry = () => {
    show()
    setCame(came + 1)
  }
  return { cells, problem: feed.problem, retry }
}

function usePainter({ peer, session }: MapViewProps, scene: Omit<MapScene, 'isStill'>) {
  const cells = useRef<HTMLCanvasElement>(null)
  const overlay = useRef<HTMLCanvasElement>(null)
  const painter = useRef<MapPainter>(undefined)
  const isStill = useMediaQuery('(prefers-reduced-motion: reduce)')
  useEffect(() => {
    if (cells.current === null || overlay.current === null) return
    const made = new MapPainter(cells.current, overlay.current)
    painter.current = made
    return () => made.stop()
  }, [])
  useEffect(() => {
    if (scene.width > 0 && scene.height > 0) painter.current?.show({ ...scene, isStill })
  })
  useEffect(
    () =>
      peer.on('session.touched', (event) => {
        if (event.session === session.id) painter.current?.touch(event.touches)
      }),
    [peer, session.id],
  )
  return { cells, overlay }
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
function Shadow({ id, layout, cursorCell, partitions, cells, selection, bytesAt }: ShadowProps) {
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

interface RestProps {
  readonly layout: MapLayout
  readonly width: number
  readonly drawnRows: number
  readonly partitions: readonly PartitionInfo[]
}

/** The bands take what the columns leave over. */
function PartitionRest({ layout, width, drawnRows, partitions }: RestProps) {
  const left = (layout.columns * layout.cellPx) / layout.dpr
  const room = Math.max(0, width - left)
  return (
    <div className="map-rest" style={{ left, width: room }}>
      <PartitionBands {...{ layout, drawnRows, partitions }} isWide={room > 64} />
    </div>
  )
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

interface AnnouncerProps {
  readonly layout: MapLayout
  readonly selection: MapViewProps['cursor']['selection']
  readonly said: string | undefined
}

function Announcer({ layout, selection, said }: AnnouncerProps) {
  const zoom = `Cells of ${sizeText(layout.cellBytes)}, rows of ${sizeText(layout.rowBytes)}.`
  const chosen = selection === undefined ? '' : ` Selected ${spanText(selection)}.`
  const text = useSettled(said ?? zoom + chosen)
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  )
}
