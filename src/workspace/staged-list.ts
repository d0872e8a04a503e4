// The staged list: runs of staged blocks of one state, ascending, with who wrote there. Rows come from
// the overlay's own states each time they are asked for, so the list cannot disagree with the map.

import type { StagedPreview, StagedRun } from '../bridge/model'
import type { ByteRange } from '../engine/base/ranges'
import type { Session } from './session'

export interface StagedRows {
  readonly total: number
  readonly rows: readonly StagedRun[]
  readonly written: number
  readonly zeroed: number
}

/** Up to `count` rows from index `first` on, inside `ranges` when given; counts and sums over all. */
export function stagedRows(
  session: Session,
  ranges: readonly ByteRange[] | undefined,
  count: number,
  first = 0,
): StagedRows {
  const rows: StagedRun[] = []
  const sums = { written: 0, zeroed: 0 }
  let total = 0
  for (const range of ranges ?? [{ offset: 0, length: session.overlay.size }]) {
    for (const run of session.overlay.stagedRuns(range.offset, range.length)) {
      sums[run.state] += run.length
      if (total >= first && rows.length < count) rows.push(describeRun(session, run))
      total++
    }
  }
  return { total, rows, ...sums }
}

const NAMES_SHOWN = 3

function describeRun(
  session: Session,
  run: ByteRange & { readonly state: 'written' | 'zeroed' },
): StagedRun {
  const { latest, names } = session.origins.within(run)
  const more = names.length - NAMES_SHOWN
  const origin = names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '')
  return { offset: run.offset, length: run.length, state: run.state, origin, time: latest.time }
}

/** The most of a run that a preview compares with the base. */
const MAX_COMPARED = 4 * 1024 * 1024
const STEP = 256 * 1024
const SHOWN_BYTES = 16

/** Where a staged run first differs from the base, how it reads there, and in how many bytes. */
export async function previewRun(
  session: Session,
  range: ByteRange,
  signal: AbortSignal,
): Promise<StagedPreview> {
  const compared = Math.min(range.length, MAX_COMPARED)
  let differing = 0
  let firstDifference: number | undefined
  for (let done = 0; done < compared; done += STEP) {
    const offset = range.offset + done
    const length = Math.min(STEP, compared - done)
    const [before, after] = await readBoth(session, offset, length, signal)
    for (let i = 0; i < length; i++) {
      if (before[i] === after[i]) continue
      firstDifference ??= offset + i
      differing++
    }
  }
  if (firstDifference === undefined) return { differing, compared, before: '', after: '' }
  const length = Math.min(SHOWN_BYTES, range.offset + range.length - firstDifference)
  const [before, after] = await readBoth(session, firstDifference, length, signal)
  return { firstDifference, differing, compared, before: hexText(before), after: hexText(after) }
}

async function readBoth(
  session: Session,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<[Uint8Array, Uint8Array]> {
  const before = new Uint8Array(length)
  const after = new Uint8Array(length)
  const inBase = Math.max(0, Math.min(length, session.overlay.base.size - offset))
  await Promise.all([
    inBase === 0
      ? undefined
      : session.overlay.base.read(before.subarray(0, inBase), offset, { signal }),
    session.overlay.read(after, offset, { signal }),
  ])
  return [before, after]
}

const hexText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
