// What `nbdinfo --json` says of a server and its exports, under the same keys, so that a script that
// reads the one can read the other.

import * as nbd from '../engine/nbd/constants'
import type { ExportInfo, WireBlockSize } from '../engine/nbd/export-info'
import type { ListedExport, ServerReport } from '../engine/nbd/list-exports'

export interface NbdinfoExport {
  readonly 'export-name': string
  readonly description?: string
  readonly uri: string
  readonly contexts?: readonly string[]
  readonly is_rotational: boolean
  readonly is_read_only: boolean
  readonly can_cache: boolean
  readonly can_df: boolean
  readonly can_fast_zero: boolean
  readonly can_flush: boolean
  readonly can_fua: boolean
  readonly can_multi_conn: boolean
  readonly can_trim: boolean
  readonly can_zero: boolean
  readonly block_size_minimum?: number
  readonly block_size_preferred?: number
  readonly block_size_maximum?: number
  readonly 'export-size': number
  readonly 'export-size-str': string
}

export interface NbdinfoServer {
  readonly protocol: string
  readonly TLS: boolean
  readonly structured: boolean
  /** Not a key of nbdinfo 1.14. */
  readonly extended: boolean
}

const PROTOCOLS = {
  'fixed newstyle': 'newstyle-fixed',
  newstyle: 'newstyle',
  oldstyle: 'oldstyle',
} as const

export const describeServer = (
  server: Pick<ExportInfo | ServerReport, 'handshake' | 'tls' | 'structured' | 'extended'>,
): NbdinfoServer => ({
  protocol: PROTOCOLS[server.handshake],
  TLS: server.tls,
  structured: server.structured,
  extended: server.extended,
})

interface Described {
  readonly exportName: string
  readonly description?: string | undefined
  readonly size: number
  readonly flags: number
  readonly blockSize?: WireBlockSize | undefined
  readonly contexts?: readonly string[] | undefined
}

export function describeExport(uri: string, info: Described): NbdinfoExport {
  const { flags, blockSize, contexts, description, size } = info
  const has = (flag: number) => (flags & nbd.NBD_FLAG_HAS_FLAGS) !== 0 && (flags & flag) !== 0
  return {
    'export-name': info.exportName,
    ...(description === undefined || description === '' ? {} : { description }),
    uri,
    ...(contexts === undefined ? {} : { contexts }),
    is_rotational: has(nbd.NBD_FLAG_ROTATIONAL),
    is_read_only: has(nbd.NBD_FLAG_READ_ONLY),
    can_cache: has(nbd.NBD_FLAG_SEND_CACHE),
    can_df: has(nbd.NBD_FLAG_SEND_DF),
    can_fast_zero: has(nbd.NBD_FLAG_SEND_FAST_ZERO),
    can_flush: has(nbd.NBD_FLAG_SEND_FLUSH),
    can_fua: has(nbd.NBD_FLAG_SEND_FUA),
    can_multi_conn: has(nbd.NBD_FLAG_CAN_MULTI_CONN),
    can_trim: has(nbd.NBD_FLAG_SEND_TRIM),
    can_zero: has(nbd.NBD_FLAG_SEND_WRITE_ZEROES),
    ...(blockSize === undefined
      ? {}
      : {
          block_size_minimum: blockSize.minimum,
          block_size_preferred: blockSize.preferred,
          block_size_maximum: blockSize.maximum,
        }),
    'export-size': size,
    'export-size-str': sizeText(size),
  }
}

/** `1M`: in the largest unit that leaves nothing over. */
function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0]
  for (; value >= 1024 && value % 1024 === 0; unit++) value /= 1024
  return `${value}${['', 'K', 'M', 'G', 'T', 'P', 'E'][unit]}`
}

/** The URI of another export of the same server. */
export function uriOfExport(uri: string, exportName: string): string {
  const name = encodeURIComponent(exportName).replaceAll('%2F', '/')
  return uri.replace(/^([a-z+]+:\/\/[^/?#]*)[^?#]*/i, (_, server: string) => `${server}/${name}`)
}

/** One line of a list: what could be learned of the export, with nbdinfo's keys where there are details. */
export function describeListed(
  uri: string,
  listed: ListedExport,
): Omit<ListedExport, 'details'> & Partial<NbdinfoExport> {
  const { details, ...shown } = listed
  if (details === undefined) return shown
  const { name: exportName, contexts, description } = listed
  const info = { ...details, exportName, contexts, description }
  return { ...shown, ...describeExport(uriOfExport(uri, exportName), info) }
}
