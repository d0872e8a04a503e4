// The server's replies as bytes, in whichever headers the connection agreed on. A read is encoded around
// the buffer that the disk fills: its header sits in front of the data in the same allocation, so that
// nothing is copied on the way out.

import { utf8 } from '../base/bytes'
import type { ExtentList } from '../disk/extents'
import * as nbd from './constants'
import type { RequestHeader } from './request-parser'
import type { HeaderStyle } from './served-export'
import type { WireError } from './wire-errors'
import { putU16, putU32, putU64 } from './wire-write'

/** What of a request its reply repeats. */
export type ReplyTo = Pick<RequestHeader, 'cookieHigh' | 'cookieLow' | 'offsetHigh' | 'offsetLow'>

/** Gives a buffer of exactly that length; whatever is in it will be overwritten. */
export type Allocate = (length: number) => Uint8Array

export function encodeSuccess(request: ReplyTo, headers: HeaderStyle): Uint8Array {
  if (headers === 'simple') return simpleReply(new Uint8Array(16), request, nbd.NBD_SUCCESS)
  return startChunk(request, headers, nbd.NBD_REPLY_TYPE_NONE, 0, true).bytes
}

export function encodeFailure(
  request: ReplyTo,
  error: WireError,
  headers: HeaderStyle,
): Uint8Array {
  if (headers === 'simple') return simpleReply(new Uint8Array(16), request, error.errno)
  const text = utf8(error.message.slice(0, MAX_ERROR_TEXT))
  const type = nbd.NBD_REPLY_TYPE_ERROR
  const { bytes, at } = startChunk(request, headers, type, 6 + text.length, true)
  putU32(bytes, at, error.errno)
  putU16(bytes, at + 4, text.length)
  bytes.set(text, at + 6)
  return bytes
}

/** At most three bytes a character keep it below the protocol's 4096. */
const MAX_ERROR_TEXT = 1024

export function encodeHole(
  request: ReplyTo,
  headers: HeaderStyle,
  offset: number,
  length: number,
  done: boolean,
): Uint8Array {
  const { bytes, at } = startChunk(request, headers, nbd.NBD_REPLY_TYPE_OFFSET_HOLE, 12, done)
  putU64(bytes, at, offset)
  putU32(bytes, at + 8, length)
  return bytes
}

/** The first `count` extents of one context. */
export function encodeStatus(
  request: ReplyTo,
  headers: HeaderStyle,
  contextId: number,
  list: ExtentList,
  count: number,
  done: boolean,
): Uint8Array {
  return headers === 'extended'
    ? encodeLongStatus(request, contextId, list, count, done)
    : encodeShortStatus(request, headers, contextId, list, count, done)
}

function encodeShortStatus(
  request: ReplyTo,
  headers: HeaderStyle,
  contextId: number,
  list: ExtentList,
  count: number,
  done: boolean,
): Uint8Array {
  const type = nbd.NBD_REPLY_TYPE_BLOCK_STATUS
  const { bytes, at } = startChunk(request, headers, type, 4 + 8 * count, done)
  putU32(bytes, at, contextId)
  for (let i = 0, to = at + 4; i < count; i++, to += 8) {
    putU32(bytes, to, list.lengths[i] as number)
    putU32(bytes, to + 4, list.flags[i] as number)
  }
  return bytes
}

function encodeLongStatus(
  request: ReplyTo,
  contextId: number,
  list: ExtentList,
  count: number,
  done: boolean,
): Uint8Array {
  const type = nbd.NBD_REPLY_TYPE_BLOCK_STATUS_EXT
  const { bytes, at } = startChunk(request, 'extended', type, 8 + 16 * count, done)
  putU32(bytes, at, contextId)
  putU32(bytes, at + 4, count)
  for (let i = 0, to = at + 8; i < count; i++, to += 16) {
    putU64(bytes, to, list.lengths[i] as number)
    putU64(bytes, to + 8, list.flags[i] as number)
  }
  return bytes
}

/** A reply to a read, complete but for the data. */
export interface ReadReply {
  readonly message: Uint8Array
  /** The part of the message that the disk fills. */
  readonly data: Uint8Array
}

/** Data from `offset` on; in simple headers it has to be all of the read. */
export function prepareRead(
  request: ReplyTo,
  headers: HeaderStyle,
  offset: number,
  length: number,
  done: boolean,
  allocate: Allocate,
): ReadReply {
  const before = readHeaderLength(headers)
  const message = allocate(before + length)
  putReadHeader(message, request, headers, offset, length, done)
  return { message, data: message.subarray(before) }
}

/** What stands before the data: in simple headers it has to be all of the read. */
export function encodeReadHeader(
  request: ReplyTo,
  headers: HeaderStyle,
  offset: number,
  length: number,
  done: boolean,
): Uint8Array {
  const bytes = new Uint8Array(readHeaderLength(headers))
  putReadHeader(bytes, request, headers, offset, length, done)
  return bytes
}

const readHeaderLength = (headers: HeaderStyle): number =>
  headers === 'simple' ? nbd.SIMPLE_REPLY_LENGTH : headerLength(headers) + 8

function putReadHeader(
  bytes: Uint8Array,
  request: ReplyTo,
  headers: HeaderStyle,
  offset: number,
  length: number,
  done: boolean,
): void {
  if (headers === 'simple') {
    simpleReply(bytes, request, nbd.NBD_SUCCESS)
    return
  }
  putChunkHeader(bytes, request, headers, nbd.NBD_REPLY_TYPE_OFFSET_DATA, 8 + length, done)
  putU64(bytes, headerLength(headers), offset)
}

function simpleReply(bytes: Uint8Array, request: ReplyTo, errno: number): Uint8Array {
  putU32(bytes, 0, nbd.NBD_SIMPLE_REPLY_MAGIC)
  putU32(bytes, 4, errno)
  putU32(bytes, 8, request.cookieHigh)
  putU32(bytes, 12, request.cookieLow)
  return bytes
}

const headerLength = (headers: HeaderStyle): number =>
  headers === 'extended' ? nbd.EXTENDED_REPLY_LENGTH : nbd.STRUCTURED_REPLY_LENGTH

/** A chunk with its header, and where its payload of `length` bytes begins. */
function startChunk(
  request: ReplyTo,
  headers: HeaderStyle,
  type: number,
  length: number,
  done: boolean,
): { readonly bytes: Uint8Array; readonly at: number } {
  const at = headerLength(headers)
  const bytes = new Uint8Array(at + length)
  putChunkHeader(bytes, request, headers, type, length, done)
  return { bytes, at }
}

function putChunkHeader(
  bytes: Uint8Array,
  request: ReplyTo,
  headers: HeaderStyle,
  type: number,
  length: number,
  done: boolean,
): void {
  const isExtended = headers === 'extended'
  putU32(bytes, 0, isExtended ? nbd.NBD_EXTENDED_REPLY_MAGIC : nbd.NBD_STRUCTURED_REPLY_MAGIC)
  putU16(bytes, 4, done ? nbd.NBD_REPLY_FLAG_DONE : 0)
  putU16(bytes, 6, type)
  putU32(bytes, 8, request.cookieHigh)
  putU32(bytes, 12, request.cookieLow)
  if (!isExtended) {
    putU32(bytes, 16, length)
    return
  }
  putU32(bytes, 16, request.offsetHigh)
  putU32(bytes, 20, request.offsetLow)
  putU64(bytes, 24, length)
}
