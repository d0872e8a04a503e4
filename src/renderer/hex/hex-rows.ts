// A row of the hex view as data: its bytes with what is typed over them, and what is known of them.

import type { CellColumns } from '../../bridge/frames'
import type { CellsWindow } from '../data/cells-feed'
import type { PageCache } from '../data/page-cache'
import { SECTOR } from './hex-layout'
import type { StageQueue } from './stage-queue'

export type RowState = 'fresh' | 'stale' | 'absent' | 'failed'
export type RowKind = 'data' | 'zero' | 'hole' | 'unknown'

export interface HexRowModel {
  readonly offset: number
  readonly count: number
  readonly state: RowState
  /** Absent while they are not read. */
  readonly bytes: Uint8Array | undefined
  /** 1 for each byte that is typed and not yet seen in a page. */
  readonly typed: Uint8Array
  readonly kind: RowKind
  readonly staged: 'written' | 'zeroed' | undefined
}

export interface RowSources {
  readonly size: number
  readonly cache: PageCache
  readonly queue: StageQueue
  /** Cells of one sector around the rows. */
  readonly sectors: CellsWindow | undefined
}

export function rowModel(sources: RowSources, offset: number, bytesPerRow: number): HexRowModel {
  const { size, cache, queue, sectors } = sources
  const count = Math.min(bytesPerRow, size - offset)
  const page = cache.pageAt(offset)
  const typed = new Uint8Array(count)
  const place = { offset, count, typed, state: page.kind, ...sectorOf(sectors, offset) }
  if (page.kind === 'absent' || page.kind === 'failed') return { ...place, bytes: undefined }
  const from = offset % cache.pageBytes
  const bytes = page.bytes.slice(from, from + count)
  queue.overlay(offset, bytes, typed)
  return { ...place, bytes }
}

/** The class of the sector that a row lies in; a mixed one counts as data. */
function sectorOf(
  window: CellsWindow | undefined,
  offset: number,
): Pick<HexRowModel, 'kind' | 'staged'> {
  const at = window === undefined ? -1 : Math.floor(offset / SECTOR) - window.firstCell
  if (window === undefined || at < 0 || at >= window.cellCount) {
    return { kind: 'unknown', staged: undefined }
  }
  return { kind: kindOf(window.columns, at), staged: stagedOf(window.columns, at) }
}

function kindOf({ data, zero, hole, unknown }: CellColumns, at: number): RowKind {
  if ((data[at] as number) > 0) return 'data'
  if ((unknown[at] as number) > 0) return 'unknown'
  if ((zero[at] as number) > 0) return 'zero'
  return (hole[at] as number) > 0 ? 'hole' : 'unknown'
}

function stagedOf({ written, zeroed }: CellColumns, at: number): HexRowModel['staged'] {
  if ((written[at] as number) > 0) return 'written'
  return (zeroed[at] as number) > 0 ? 'zeroed' : undefined
}

/** Styles of a byte's text. */
export const STYLE_PLAIN = 0
export const STYLE_FAINT = 1
export const STYLE_TYPED = 2

export function stylesOf(model: HexRowModel, isFaint: (byte: number) => boolean): Uint8Array {
  const styles = new Uint8Array(model.count)
  for (let i = 0; i < model.count; i++) {
    if (model.typed[i] === 1) styles[i] = STYLE_TYPED
    else if (isFaint(model.bytes?.[i] ?? 0)) styles[i] = STYLE_FAINT
  }
  return styles
}
