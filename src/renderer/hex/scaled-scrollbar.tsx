import { useRef } from 'react'
import type { ScrollShape } from './scaled-scroll'
import { rowOfThumb, thumbOf } from './scaled-scroll'
import './scaled-scrollbar.css'

interface ScaledScrollbarProps extends ScrollShape {
  readonly topRow: number
  readonly onTopRow: (row: number) => void
}

/** A thumb over rows without number; for the pointer only, since keys move what is beside it. */
export function ScaledScrollbar({ topRow, onTopRow, ...shape }: ScaledScrollbarProps) {
  const grip = useRef<{ y: number; thumbPx: number }>(undefined)
  const thumb = thumbOf(shape, topRow)
  const press = (event: React.PointerEvent<HTMLDivElement>) => {
    if (thumb === undefined || event.button !== 0) return
    event.preventDefault()
    event.currentTarget.setPointerCapture(event.pointerId)
    const y = event.clientY - event.currentTarget.getBoundingClientRect().top
    const isOnThumb = y >= thumb.offsetPx && y < thumb.offsetPx + thumb.lengthPx
    const thumbPx = isOnThumb ? thumb.offsetPx : y - thumb.lengthPx / 2
    grip.current = { y: event.clientY, thumbPx }
    if (!isOnThumb) onTopRow(rowOfThumb(shape, thumbPx))
  }
  const drag = (event: React.PointerEvent) => {
    const from = grip.current
    if (from !== undefined) onTopRow(rowOfThumb(shape, from.thumbPx + event.clientY - from.y))
  }
  const release = () => {
    grip.current = undefined
  }
  return (
    <div
      className="scaled-scrollbar"
      aria-hidden
      onPointerDown={press}
      onPointerMove={drag}
      onPointerUp={release}
      onPointerCancel={release}
    >
      {thumb && (
        <div
          className="scaled-scrollbar-thumb"
          style={{ transform: `translateY(${thumb.offsetPx}px)`, height: thumb.lengthPx }}
        />
      )}
    </div>
  )
}
