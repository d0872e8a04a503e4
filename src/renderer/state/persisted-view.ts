// What a reload must not lose: which session is in front, where the map and the cursor stand, the tab.
// It lives in sessionStorage, so that two tabs of a browser keep apart. Read defensively: it is text.

import type { CursorState, MapViewState } from '../views'
import type { AppState, AppStore } from './app-state'
import { NEW_VIEW, type SessionView, SIDE_TABS, type SideTab } from './views-slice'

const KEY = 'platter.view'
const SAVE_AFTER_MS = 200

interface Kept {
  readonly activeId?: string
  readonly sideTab?: SideTab
  readonly radix?: 16 | 10
  readonly views: Readonly<Record<string, SessionView>>
}

export function serializeView(state: AppState): string {
  const views = Object.fromEntries(
    Object.entries(state.views).map(([id, { map, cursor }]) => [id, { map, cursor }]),
  )
  const { activeId, sideTab, radix } = state
  return JSON.stringify({ activeId, sideTab, radix, views })
}

/** What can be used of a text that was kept; nothing of it is trusted. */
export function parseView(text: string | null): Kept {
  const kept = asRecord(parseJson(text))
  const views: Record<string, SessionView> = {}
  for (const [id, value] of Object.entries(asRecord(kept['views']))) {
    const { map, cursor } = asRecord(value)
    const mapState = asMap(map)
    views[id] = {
      ...NEW_VIEW,
      cursor: asCursor(cursor),
      ...(mapState === undefined ? {} : { map: mapState }),
    }
  }
  const tab = SIDE_TABS.find((each) => each === kept['sideTab'])
  const { activeId, radix } = kept
  return {
    views,
    ...(typeof activeId === 'string' ? { activeId } : {}),
    ...(tab === undefined ? {} : { sideTab: tab }),
    ...(radix === 16 || radix === 10 ? { radix } : {}),
  }
}

/** Takes up what was kept, and keeps what changes from now on. */
export function persistView(store: AppStore, storage: Storage, page: Window): void {
  store.setState(parseView(storage.getItem(KEY)))
  const save = () => storage.setItem(KEY, serializeView(store.getState()))
  let timer: number | undefined
  store.subscribe((state, before) => {
    const same =
      state.views === before.views &&
      state.activeId === before.activeId &&
      state.sideTab === before.sideTab &&
      state.radix === before.radix
    if (same || timer !== undefined) return
    timer = page.setTimeout(() => {
      timer = undefined
      save()
    }, SAVE_AFTER_MS)
  })
  page.addEventListener('pagehide', save)
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '{}')
  } catch {
    return undefined // Written by another version, or cut short: the page starts afresh.
  }
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const isOffset = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

function asMap(value: unknown): MapViewState | undefined {
  const { cellBytes, top } = asRecord(value)
  if (!isOffset(cellBytes) || !isOffset(top) || cellBytes < 512) return undefined
  return Number.isInteger(Math.log2(cellBytes)) ? { cellBytes, top } : undefined
}

function asCursor(value: unknown): CursorState {
  const { offset, selection } = asRecord(value)
  if (!isOffset(offset)) return { offset: 0 }
  const range = asRecord(selection)
  if (!isOffset(range['offset']) || !isOffset(range['length'])) return { offset }
  return { offset, selection: { offset: range['offset'], length: range['length'] } }
}
