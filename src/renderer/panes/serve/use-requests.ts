import { useCallback, useEffect, useState } from 'react'
import type { ExportId } from '../../../bridge/model'
import type { RequestRow } from '../../../bridge/request-rows'
import { RequestsFeed, type RequestsState } from '../../data/requests-feed'
import { useAppState } from '../../state/use-app'

const NOTHING: RequestsState = { rows: [], problem: undefined }

export interface Requests {
  /** Oldest first; as they were when the list was paused. */
  readonly rows: readonly RequestRow[]
  readonly problem: string | undefined
  readonly isPaused: boolean
  /** How many have come since. */
  readonly newer: number
  pause(): void
  resume(): void
}

/** Follows the requests of an export as long as it is shown. */
export function useRequests(id: ExportId): Requests {
  const peer = useAppState((state) => state.peer)
  const connected = useAppState((state) => state.connection.kind === 'connected')
  const [live, setLive] = useState(NOTHING)
  const [held, setHeld] = useState<readonly RequestRow[]>()
  useEffect(() => {
    if (peer === undefined || !connected) return
    const feed = new RequestsFeed(peer, id, setLive, nextFrame)
    return () => feed.close()
  }, [peer, connected, id])
  const { rows } = live
  const pause = useCallback(() => setHeld((now) => now ?? rows), [rows])
  const resume = useCallback(() => setHeld(undefined), [])
  const last = held?.at(-1)?.seq ?? -1
  return {
    rows: held ?? rows,
    problem: live.problem,
    isPaused: held !== undefined,
    newer: held === undefined ? 0 : Math.max(0, (rows.at(-1)?.seq ?? -1) - last),
    pause,
    resume,
  }
}

const nextFrame = () => new Promise<void>((resolve) => requestAnimationFrame(() => resolve()))
