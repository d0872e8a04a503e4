// Pointer and wheel over the cells. A press selects a cell; drawn on, a range; with Shift or the middle
// button, it moves the map. The wheel scrolls by rows, and zooms at the pointer with Mod or a pinch.

import { type RefObject, useEffect, useRef, useState } from 'react'
import { wheelRows } from '../hex/scaled-scroll'
import type { LogicalPoint } from './hit-test'
import { cellAtPoint, nearestCell } from './hit-test'
import type { MapLayout } from './layout'
import type { CellIndex } from './spaces'
import { asLogical } from './spaces'

export interface GestureTargets {
  readonly layout: MapLayout
  press(cell: CellIndex, extend: boolean): void
  /** Before a context menu: what is selected stays when the cell is part of it. */
  pointAt(cell: CellIndex): void
  drawTo(from: CellIndex, to: CellIndex): void
  scrollBy(rows: number): void
  zoomAt(point: LogicalPoint, inwards: boolean): void
  enter(cell: CellIndex): void
}

/** Pixels that a pointer may shake without drawing. */
const STILL_PX = 4
/** Of a wheel with Mod: a notch is one step at once, the small turns of a pinch add up. */
const NOTCH = 80
const PINCH_STEP = 40
const EDGE_SCROLL_MS = 60

type Grip =
  | { readonly kind: 'press'; readonly cell: CellIndex; readonly start: LogicalPoint }
  | { readonly kind: 'draw'; readonly cell: CellIndex }
  | { readonly kind: 'pan'; readonly start: LogicalPoint; readonly moved: boolean; extend: boolean }

export function useMapGestures(ref: RefObject<HTMLElement | null>, targets: GestureTargets) {
  const [pointer, setPointer] = useState<LogicalPoint>()
  const [isDrawing, setDrawing] = useState(false)
  const latest = useRef(targets)
  latest.current = targets
  const grip = useRef<Grip>(undefined)
  const edge = useEdgeScroll(latest, grip)
  useWheel(ref, latest)

  const handlers = {
    onPointerDown(event: React.PointerEvent<HTMLElement>) {
      const point = pointOf(event)
      const cell = cellAtPoint(latest.current.layout, point)
      if (event.button === 2 && cell !== undefined) latest.current.pointAt(cell)
      const isPan = event.button === 1 || (event.button === 0 && event.shiftKey)
      if (isPan) {
        event.preventDefault()
        grip.current = { kind: 'pan', start: point, moved: false, extend: event.button === 0 }
      } else if (event.button === 0 && cell !== undefined) {
        grip.current = { kind: 'press', cell, start: point }
        latest.current.press(cell, false)
      } else return
      event.currentTarget.setPointerCapture(event.pointerId)
      event.currentTarget.focus()
    },
    onPointerMove(event: React.PointerEvent<HTMLElement>) {
      const point = pointOf(event)
      setPointer(point)
      const held = grip.current
      if (held === undefined) return
      if (held.kind === 'pan') grip.current = panned(held, point, latest.current)
      if (held.kind === 'press' && isAway(held.start, point)) {
        grip.current = { kind: 'draw', cell: held.cell }
        setDrawing(true)
      }
      if (grip.current?.kind === 'draw') {
        latest.current.drawTo(grip.current.cell, nearestCell(latest.current.layout, point))
        edge.follow(point, event.currentTarget.clientHeight)
      }
    },
    onPointerUp(event: React.PointerEvent<HTMLElement>) {
      const held = grip.current
      if (held?.kind === 'pan' && !held.moved && held.extend) {
        const cell = cellAtPoint(latest.current.layout, pointOf(event))
        if (cell !== undefined) latest.current.press(cell, true)
      }
      release()
    },
    onPointerCancel: () => release(),
    onPointerLeave: () => setPointer(undefined),
    onDoubleClick(event: React.MouseEvent<HTMLElement>) {
      const cell = cellAtPoint(latest.current.layout, pointOf(event))
      if (cell !== undefined) latest.current.enter(cell)
    },
  }
  const release = () => {
    grip.current = undefined
    edge.stop()
    setDrawing(false)
  }
  return { handlers, pointer: isDrawing ? undefined : pointer }
}

const pointOf = (event: React.MouseEvent<HTMLElement>): LogicalPoint => {
  const box = event.currentTarget.getBoundingClientRect()
  return { x: asLogical(event.clientX - box.left), y: asLogical(event.clientY - box.top) }
}

const isAway = (a: LogicalPoint, b: LogicalPoint) => Math.hypot(a.x - b.x, a.y - b.y) > STILL_PX

/** The map follows the hand by whole rows. */
function panned(held: Grip & { kind: 'pan' }, point: LogicalPoint, targets: GestureTargets): Grip {
  const { layout } = targets
  const rowPx = layout.rowPx / layout.dpr
  const rows = Math.trunc((held.start.y - point.y) / rowPx)
  if (rows === 0) return { ...held, moved: held.moved || isAway(held.start, point) }
  targets.scrollBy(rows)
  const start = { x: held.start.x, y: asLogical(held.start.y - rows * rowPx) }
  return { ...held, moved: true, start }
}

/** While a range is drawn beyond the upper or lower edge, the map goes on scrolling. */
function useEdgeScroll(latest: RefObject<GestureTargets>, grip: RefObject<Grip | undefined>) {
  const timer = useRef<number>(undefined)
  const stop = () => {
    window.clearInterval(timer.current)
    timer.current = undefined
  }
  useEffect(() => () => window.clearInterval(timer.current), [])
  const follow = (point: LogicalPoint, height: number) => {
    stop()
    const rows = point.y < 0 ? -1 : point.y > height ? 1 : 0
    if (rows === 0) return
    timer.current = window.setInterval(() => {
      latest.current.scrollBy(rows)
      const held = grip.current
      if (held?.kind !== 'draw') return stop()
      latest.current.drawTo(held.cell, nearestCell(latest.current.layout, point))
    }, EDGE_SCROLL_MS)
  }
  return { follow, stop }
}

function useWheel(ref: RefObject<HTMLElement | null>, latest: RefObject<GestureTargets>) {
  useEffect(() => {
    const element = ref.current
    if (element === null) return
    let rest = 0
    let pinch = 0
    const turn = (event: WheelEvent) => {
      event.preventDefault()
      const { layout, scrollBy, zoomAt } = latest.current
      if (!event.ctrlKey && !event.metaKey) {
        const step = wheelRows(event, rest, layout.rowPx / layout.dpr, layout.visibleRows)
        rest = step.rest
        if (step.rows !== 0) scrollBy(step.rows)
        return
      }
      const isNotch = Math.abs(event.deltaY) >= NOTCH || event.deltaMode !== 0
      pinch = isNotch ? 0 : pinch + event.deltaY
      if (!isNotch && Math.abs(pinch) < PINCH_STEP) return
      const inwards = (isNotch ? event.deltaY : pinch) < 0
      pinch = 0
      const box = element.getBoundingClientRect()
      const point = {
        x: asLogical(event.clientX - box.left),
        y: asLogical(event.clientY - box.top),
      }
      zoomAt(point, inwards)
    }
    element.addEventListener('wheel', turn, { passive: false })
    return () => element.removeEventListener('wheel', turn)
  }, [ref, latest])
}
