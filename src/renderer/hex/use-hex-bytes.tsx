// What the hex view is fed with: pages of bytes, classes of sectors, and what is typed.

import { useEffect, useMemo, useRef, useState } from 'react'
import { CellsFeed } from '../data/cells-feed'
import { PageCache } from '../data/page-cache'
import type { HexViewProps } from '../views'
import { SECTOR } from './hex-layout'
import type { RowSources } from './hex-rows'
import { StageQueue } from './stage-queue'

interface Shown {
  readonly offset: number
  readonly length: number
}

export function useHexBytes(props: HexViewProps, shown: Shown | undefined) {
  const { peer, session } = props
  const { size } = session.image
  const [, setChange] = useState(0)
  const latest = useRef(props)
  latest.current = props
  const sources = useMemo(() => {
    const changed = () => setChange((n) => n + 1)
    // Page and answer may come in either order: what is typed is let go when both are here.
    const settle = () => {
      queue.settle((offset) => freshEpoch(cache, offset), cache.pageBytes)
      changed()
    }
    const queue: StageQueue = new StageQueue({
      peer,
      session: session.id,
      onChange: settle,
      onProblem: (message) => latest.current.onProblem(message),
      onEdit: (edit) => latest.current.onEdit(edit),
    })
    const cache = new PageCache({ peer, session: session.id, size, onChange: settle })
    const feed = new CellsFeed(peer, session.id, changed)
    return { cache, queue, feed }
  }, [peer, session.id, size])

  const { cache, queue, feed } = sources
  useEffect(() => {
    cache.open()
    return () => {
      cache.close()
      feed.close()
    }
  }, [cache, feed])
  const from = shown?.offset
  const length = shown?.length
  useEffect(() => {
    if (from === undefined || length === undefined || length <= 0) return
    cache.show({ offset: from, length })
    const firstCell = Math.floor(from / SECTOR)
    const end = Math.ceil((from + length) / SECTOR)
    // More than a screen on either side, so that a turn of the wheel asks nothing.
    const wanted = { cellBytes: SECTOR, firstCell, cellCount: end - firstCell }
    feed.show(wanted, Math.ceil(size / SECTOR))
  }, [cache, feed, size, from, length])
  const rows: RowSources = { size, cache, queue, sectors: feed.window }
  return { rows, cache, queue }
}

function freshEpoch(cache: PageCache, offset: number): number | 'absent' | undefined {
  const page = cache.pageAt(offset)
  if (page.kind === 'fresh') return page.epoch
  return page.kind === 'absent' && !cache.isReading(offset) ? 'absent' : undefined
}
