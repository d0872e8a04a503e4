// What the server tells about an export and holds requests against: one value, worked out once from the
// disk, so that INFO, GO and the checks of the transmission phase cannot disagree.

import { alignDown } from '../base/ranges'
import { MAX_PAYLOAD } from '../disk/disk'
import * as nbd from './constants'
import type { WireBlockSize } from './export-info'
import type { MetaContext, NbdExport } from './export-registry'

/** What a connection's replies look like; `extended` also has 64-bit lengths both ways. */
export type HeaderStyle = 'simple' | 'structured' | 'extended'

export interface ServedExport {
  readonly source: NbdExport
  readonly size: number
  /** Transmission flags. */
  readonly flags: number
  readonly blockSize: WireBlockSize
}

/** `withPayload`: block status may name its contexts in a payload. */
export function describeExport(
  source: NbdExport,
  headers: HeaderStyle,
  withPayload = false,
): ServedExport {
  const { disk } = source
  const { minimum, preferred, maximum } = disk.blockSize
  return {
    source,
    size: disk.size,
    flags:
      transmissionFlags(source, headers !== 'simple') |
      (headers === 'extended' && withPayload ? nbd.NBD_FLAG_BLOCK_STATUS_PAYLOAD : 0),
    blockSize: {
      minimum,
      preferred: Math.max(preferred, 512),
      maximum: alignDown(Math.min(maximum, MAX_PAYLOAD), minimum),
    },
  }
}

function transmissionFlags(source: NbdExport, structured: boolean): number {
  const can = source.disk.capabilities
  const write = can.write && !source.readOnly
  const when = (condition: boolean, flag: number) => (condition ? flag : 0)
  return (
    nbd.NBD_FLAG_HAS_FLAGS |
    when(!write, nbd.NBD_FLAG_READ_ONLY) |
    when(can.flush, nbd.NBD_FLAG_SEND_FLUSH) |
    when(write && (can.fua || can.flush), nbd.NBD_FLAG_SEND_FUA) |
    when(write && can.trim, nbd.NBD_FLAG_SEND_TRIM) |
    // Where the disk cannot zero, the server writes zeroes; a fast request is then refused.
    when(write, nbd.NBD_FLAG_SEND_WRITE_ZEROES | nbd.NBD_FLAG_SEND_FAST_ZERO) |
    when(structured, nbd.NBD_FLAG_SEND_DF) |
    when(can.multiConn, nbd.NBD_FLAG_CAN_MULTI_CONN) |
    when(can.cache, nbd.NBD_FLAG_SEND_CACHE)
  )
}

/** Every context of an export, base:allocation first. */
export function contextsOf(source: NbdExport): readonly MetaContext[] {
  const allocation: MetaContext = {
    name: nbd.BASE_ALLOCATION,
    extents: (offset, length, options) => source.disk.extents(offset, length, options),
  }
  return [allocation, ...(source.contexts ?? [])]
}
