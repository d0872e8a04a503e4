// The cells in view from the host, and the painter that draws them.

import { useEffect, useMemo, useRef, useState } from 'react'
import { CellsFeed } from '../data/cells-feed'
import { cellsFrom } from '../data/resample'
import type { MapViewProps } from '../views'
import type { MapLayout } from './layout'
import type { MapScene } from './map-painter'
import { MapPainter } from './map-painter'
import { useMediaQuery } from './use-theme'

export function useMapCells(
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

export function useMapPainter({ peer, session }: MapViewProps, scene: Omit<MapScene, 'isStill'>) {
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
