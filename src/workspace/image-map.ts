// The whole map of an image as merged extents, for `platter map`.

import { PlatterError } from '../engine/base/errors'
import type { Disk } from '../engine/disk/disk'
import type { Extent, ExtentList } from '../engine/disk/extents'
import { backgroundClock } from '../engine/io/system-clock'
import { NbdDisk } from '../engine/nbd/nbd-disk'
import {
  formatMapJson,
  formatMapText,
  formatTotalsJson,
  formatTotalsText,
  statusNames,
} from '../engine/survey/map-rows'
import { openImage } from './locators'
import type { Patience } from './opened-image'

const GIB = 2 ** 30
/** One question is about at most this much; the disk answers what it can of it. */
const STEP = 1024 * GIB
/** What a map may grow to: 4 M extents are some 200 MB of text. */
const MAX_ROWS = 4 * 1024 * 1024
/** A server may answer a single byte a call, for ever: beyond these, an answer has to bring a sector. */
const FREE_ANSWERS = 4096
const LEAST_ANSWER = 512

export const ALLOCATION_CONTEXT = 'base:allocation'

export async function mapImage(
  locator: string,
  options: {
    readonly format?: string | undefined
    readonly context?: string | undefined
    readonly patience?: Patience | undefined
  },
): Promise<Extent[]> {
  const { context = ALLOCATION_CONTEXT, format, patience } = options
  const other = context === ALLOCATION_CONTEXT ? {} : { contexts: [context], listContexts: true }
  const image = await openImage(locator, {
    format,
    patience,
    ...other,
    clock: backgroundClock,
    files: { mayWait: true },
  })
  try {
    const rows: Extent[] = []
    const { disk } = image
    const statusOf = statusReader(disk, context, locator)
    for (let at = 0, answers = 0; at < disk.size; answers++) {
      if (answers > FREE_ANSWERS + at / LEAST_ANSWER || rows.length > MAX_ROWS) {
        throw new PlatterError(
          'LIMIT',
          `${locator}: the map is too fine: ${rows.length} extents in ${answers} answers up to offset ${at} of ${disk.size}`,
        )
      }
      const list = await statusOf(at, Math.min(STEP, disk.size - at))
      if (list.offset !== at || list.end <= at) {
        throw new PlatterError('PROTOCOL', `${locator}: the map does not go on at offset ${at}`)
      }
      for (const extent of list) appendMerged(rows, extent)
      at = list.end
    }
    return rows
  } finally {
    await image.close()
  }
}

type StatusReader = (offset: number, length: number) => Promise<ExtentList>

/** Contexts beside the allocation are those of an NBD server. */
function statusReader(disk: Disk, context: string, locator: string): StatusReader {
  if (context === ALLOCATION_CONTEXT) return (offset, length) => disk.extents(offset, length)
  if (disk instanceof NbdDisk) return (offset, length) => disk.status(context, offset, length)
  throw new PlatterError(
    'NOT_SUPPORTED',
    `${locator}: there is no context '${context}': the contexts are ${ALLOCATION_CONTEXT}`,
  )
}

function appendMerged(rows: Extent[], extent: Extent): void {
  const last = rows.at(-1)
  if (last !== undefined && last.flags === extent.flags) {
    rows[rows.length - 1] = { ...last, length: last.length + extent.length }
  } else rows.push(extent)
}

/** The map as text: rows or totals, in nbdinfo's columns or with its JSON keys. */
export function mapText(
  extents: readonly Extent[],
  options: { readonly json: boolean; readonly totals: boolean; readonly context?: string },
): string {
  const { json, totals } = options
  const names = statusNames(options.context ?? ALLOCATION_CONTEXT)
  if (totals) return json ? formatTotalsJson(extents, names) : formatTotalsText(extents, names)
  return json ? formatMapJson(extents, names) : formatMapText(extents, names)
}
