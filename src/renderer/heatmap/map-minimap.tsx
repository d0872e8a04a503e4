// The whole device in one strip above the map: partitions, what is staged, and the part in view as a
// brush that can be dragged.

import { useEffect, useMemo, useRef, useState } from 'react'
import type { SessionInfo } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import { CellsFeed } from '../data/cells-feed'
import { FrameLoop } from '../data/frame-loop'
import { useSize } from '../widgets/use-size'
import type { CellColours } from './cell-colours'
import { partitionText, sizeText } from './cell-text'
import { minimapCellBytes, paintMinimap } from './paint-minimap'

const STRIP_PX = 15
const TICK_PX = 3
/** A name needs this much. */
const NAME_PX = 28

interface MinimapProps {
  readonly peer: Peer
  readonly session: SessionInfo
  readonly colours: CellColours
  readonly dpr: number
  /** The part in view, bytes. */
  readonly top: number
  readonly length: number
  /** The top offset that was asked for. */
  readonly onTop: (top: number) => void
}

export function MapMinimap(props: MinimapProps) {
  const { session, top, length, onTop } = props
  const { size } = session.image
  const { partitions } = session.partitions
  const [ref, { width }] = useSize<HTMLDivElement>()
  const canvas = useMinimapCanvas(props, width)
  const brush = useBrush(size, top, length, onTop)
  const percent = (bytes: number) => `${(bytes / size) * 100}%`
  const isWhole = length >= size
  return (
    <div className="map-minimap" ref={ref} {...brush}>
      <canvas ref={canvas} aria-hidden style={{ height: STRIP_PX + TICK_PX }} />
      {partitions.length > 0 && (
        <div className="map-minimap-partitions">
          {partitions.map((partition) => (
            <span
              key={partition.number}
              title={`${partitionText(partition)}, ${sizeText(partition.length)}`}
              style={{ left: percent(partition.offset), width: percent(partition.length) }}
            >
              {(partition.length / size) * width > NAME_PX && partitionText(partition)}
            </span>
          ))}
        </div>
      )}
      {!isWhole && (
        <div
          className="map-minimap-brush"
          style={{
            left: percent(top),
            width: `max(8px, ${percent(Math.min(length, size - top))})`,
          }}
        />
      )}
    </div>
  )
}

function useMinimapCanvas({ peer, session, colours, dpr }: MinimapProps, width: number) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [, setCame] = useState(0)
  const { size } = session.image
  const feed = useMemo(
    () => new CellsFeed(peer, session.id, () => setCame((n) => n + 1)),
    [peer, session.id],
  )
  useEffect(() => () => feed.close(), [feed])
  const columns = Math.round(width * dpr)
  useEffect(() => {
    if (columns === 0) return
    const cellBytes = minimapCellBytes(size, columns)
    const cellCount = Math.ceil(size / cellBytes)
    feed.show({ cellBytes, firstCell: 0, cellCount }, cellCount)
  }, [feed, size, columns])

  const { window } = feed
  useEffect(() => {
    const loop = new FrameLoop(() => {
      const element = canvas.current
      const height = Math.round((STRIP_PX + TICK_PX) * dpr)
      if (element === null || columns === 0) return false
      if (element.width !== columns) element.width = columns
      if (element.height !== height) element.height = height
      const image = new ImageData(columns, height)
      const pixels = new Uint32Array(image.data.buffer)
      const tickPx = Math.round(TICK_PX * dpr)
      paintMinimap({ pixels, width: columns, height }, window, size, tickPx, colours)
      element.getContext('2d')?.putImageData(image, 0, 0)
      return false
    })
    loop.request()
    return () => loop.stop()
  }, [window, columns, dpr, size, colours])
  return canvas
}

/** A press beside the brush centres it there; a drag moves it. */
function useBrush(size: number, top: number, length: number, onTop: (top: number) => void) {
  const grip = useRef<{ at: number; top: number }>(undefined)
  const offsetAt = (event: React.PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    return ((event.clientX - box.left) / Math.max(1, box.width)) * size
  }
  return {
    onPointerDown(event: React.PointerEvent<HTMLElement>) {
      if (event.button !== 0) return
      event.currentTarget.setPointerCapture(event.pointerId)
      const at = offsetAt(event)
      const isInside = at >= top && at < top + length
      const from = isInside ? top : Math.max(0, at - length / 2)
      grip.current = { at, top: from }
      if (!isInside) onTop(from)
    },
    onPointerMove(event: React.PointerEvent<HTMLElement>) {
      const from = grip.current
      if (from !== undefined) onTop(Math.max(0, from.top + offsetAt(event) - from.at))
    },
    onPointerUp() {
      grip.current = undefined
    },
    onPointerCancel() {
      grip.current = undefined
    },
  }
}
