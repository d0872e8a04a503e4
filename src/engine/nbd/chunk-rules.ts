// What a structured reply chunk may be, given the request that it answers: judged by its header alone,
// before any of its payload is waited for.

import * as nbd from './constants'
import { MAX_ERROR_CHUNK, MAX_STATUS_EXTENTS } from './limits'
import type { PendingRequest } from './pending-request'

export const isErrorChunk = (type: number): boolean => (type & nbd.NBD_REPLY_TYPE_FLAG_ERROR) !== 0

/** The bytes before the extents of a status chunk. */
export const STATUS_HEADER = { compact: 4, extended: 8 } as const
export const STATUS_DESCRIPTOR = { compact: 8, extended: 16 } as const

/** The six bytes of every error chunk: its number and the length of its text. */
export const ERROR_CHUNK_HEADER = 6

/**
 * How many bytes at the start of the payload have to be known before the rest can be taken in: the
 * whole of a hole, the offset before data, the context before extents. Throws what is wrong.
 * Extended headers have extents of their own, and with them there are no others.
 */
export function bodyLength(
  request: PendingRequest,
  type: number,
  length: number,
  isDone: boolean,
  headers: 'compact' | 'extended',
): number {
  const refuse = (): never => {
    throw request.violation(`${nbd.nameOfReplyType(type)} of ${length} bytes`)
  }
  if (isErrorChunk(type)) {
    return length < ERROR_CHUNK_HEADER || length > MAX_ERROR_CHUNK ? refuse() : ERROR_CHUNK_HEADER
  }
  switch (type) {
    case nbd.NBD_REPLY_TYPE_NONE:
      return length !== 0 || !isDone ? refuse() : 0
    case nbd.NBD_REPLY_TYPE_OFFSET_DATA:
      return !request.isRead || length < 9 || length - 8 > request.spec.length ? refuse() : 8
    case nbd.NBD_REPLY_TYPE_OFFSET_HOLE:
      return !request.isRead || length !== 12 ? refuse() : 12
    case nbd.NBD_REPLY_TYPE_BLOCK_STATUS:
    case nbd.NBD_REPLY_TYPE_BLOCK_STATUS_EXT: {
      const asAgreed = (type === nbd.NBD_REPLY_TYPE_BLOCK_STATUS_EXT) === (headers === 'extended')
      if (!asAgreed || !request.isStatus || !hasExtents(request, length, headers)) return refuse()
      return STATUS_HEADER[headers]
    }
    default:
      return refuse()
  }
}

function hasExtents(
  request: PendingRequest,
  length: number,
  headers: 'compact' | 'extended',
): boolean {
  const count = (length - STATUS_HEADER[headers]) / STATUS_DESCRIPTOR[headers]
  const one = (request.spec.flags & nbd.NBD_CMD_FLAG_REQ_ONE) !== 0
  return Number.isInteger(count) && count >= 1 && count <= (one ? 1 : MAX_STATUS_EXTENTS)
}
