// What a request costs and does, told from its header.

import * as nbd from './constants'
import { MAX_SENT_EXTENTS } from './limits'
import type { RequestHeader } from './request-parser'

/** The bytes that a request keeps in memory: those that it carries, asks for, or may be told. */
export function costOf(header: RequestHeader): number {
  if (header.command === nbd.NBD_CMD_READ) return header.length
  if (header.command === nbd.NBD_CMD_BLOCK_STATUS)
    return header.payloadLength + costOfStatus(header)
  return header.payloadLength
}

/** What no disk's extents are shorter than, all but a few. */
const SHORT_EXTENT = 512
const EXTENT_BYTES = 16

/** A disk in fragments has long answers, and nobody knows before it is asked: the most that there may be. */
function costOfStatus({ flags, length, payloadLength }: RequestHeader): number {
  if ((flags & nbd.NBD_CMD_FLAG_REQ_ONE) !== 0) return 0
  // A length that stands in a payload has not come yet.
  const extents = payloadLength > 0 ? MAX_SENT_EXTENTS : Math.ceil(length / SHORT_EXTENT)
  return EXTENT_BYTES * Math.min(extents, MAX_SENT_EXTENTS)
}

export const changesDisk = (header: RequestHeader): boolean =>
  header.command === nbd.NBD_CMD_WRITE ||
  header.command === nbd.NBD_CMD_TRIM ||
  header.command === nbd.NBD_CMD_WRITE_ZEROES
