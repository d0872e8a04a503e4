// Rows of equal height, any number of them: which are in view, and how wheel, keys and thumb move that.
// The caller draws rows topRow … topRow + drawnRows and puts a ScaledScrollbar beside them.

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { clampTopRow, topRowShowing, wheelRows } from './scaled-scroll'

export interface ScaledRows<E extends HTMLElement> {
  /** On the element that holds the rows: its height counts, and its wheel scrolls. */
  readonly ref: RefObject<E | null>
  readonly topRow: number
  /** Rows that fit whole. */
  readonly visibleRows: number
  /** With the one cut at the lower edge. */
  readonly drawnRows: number
  scrollTo(row: number): void
  scrollBy(rows: number): void
  /** Scrolls as little as it takes to have the row in view. */
  show(row: number): void
  /** For ScaledScrollbar. */
  readonly scrollbar: {
    readonly totalRows: number
    readonly visibleRows: number
    readonly trackPx: number
    readonly topRow: number
    readonly onTopRow: (row: number) => void
  }
}

export function useScaledRows<E extends HTMLElement>(
  totalRows: number,
  rowPx: number,
): ScaledRows<E> {
  const ref = useRef<E>(null)
  const [heightPx, setHeightPx] = useState(0)
  const [wantedTop, setWantedTop] = useState(0)
  const visibleRows = Math.max(1, Math.floor(heightPx / rowPx))
  const shape = { totalRows, visibleRows, trackPx: heightPx }
  const topRow = clampTopRow(shape, wantedTop)
  const latest = useRef({ shape, topRow })
  latest.current = { shape, topRow }

  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return
    const observer = new ResizeObserver(() => setHeightPx(element.clientHeight))
    observer.observe(element)
    setHeightPx(element.clientHeight)
    return () => observer.disconnect()
  }, [])

  const scrollTo = useCallback((row: number) => {
    const top = clampTopRow(latest.current.shape, row)
    latest.current.topRow = top
    setWantedTop(top)
  }, [])
  const scrollBy = useCallback((rows: number) => scrollTo(latest.current.topRow + rows), [scrollTo])
  const show = useCallback(
    (row: number) => scrollTo(topRowShowing(latest.current.shape, latest.current.topRow, row)),
    [scrollTo],
  )

  useEffect(() => {
    const element = ref.current
    if (element === null) return
    let rest = 0
    const turn = (event: WheelEvent) => {
      const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)
      if (event.ctrlKey || event.metaKey || isSideways) return
      event.preventDefault()
      const step = wheelRows(event, rest, rowPx, latest.current.shape.visibleRows)
      rest = step.rest
      if (step.rows !== 0) scrollBy(step.rows)
    }
    element.addEventListener('wheel', turn, { passive: false })
    return () => element.removeEventListener('wheel', turn)
  }, [rowPx, scrollBy])

  const drawnRows = Math.max(0, Math.min(Math.ceil(heightPx / rowPx), totalRows - topRow))
  const scrollbar = { ...shape, topRow, onTopRow: scrollTo }
  return { ref, topRow, visibleRows, drawnRows, scrollTo, scrollBy, show, scrollbar }
}
