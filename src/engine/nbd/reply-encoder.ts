// The server's replies as bytes. A read is encoded around the buffer that the disk filled: its header
// sits in front of the data in the same allocation, so that nothing is copied on the way out.

import { ByteWriter, utf8 } from '../base/bytes'
import type { ExtentList } from '../disk/extents'
import * as nbd from './constants'
import type { RequestHeader } from './request-parser'
import type { WireError } from './wire-errors'

/** Room in front of the data of a structured read: the chunk's header and its offset. */
export const DATA_CHUNK_HEADER = nbd.STRUCTURED_REPLY_LENGTH + 8

type Cookie = Pick<RequestHeader, 'cookieHigh' | 'cookieLow'>

export function encodeSimpleReply(cookie: Cookie, errno: number): Uint8Array {
  return putSimpleHeader(new ByteWriter(nbd.SIMPLE_REPLY_LENGTH), cookie, errno).done()
}

export function encodeDone(cookie: Cookie): Uint8Array {
  const writer = new ByteWriter(nbd.STRUCTURED_REPLY_LENGTH)
  return putChunkHeader(writer, cookie, nbd.NBD_REPLY_TYPE_NONE, 0, true).done()
}

export function encodeErrorChunk(cookie: Cookie, error: WireError): Uint8Array {
  const text = utf8(error.message.slice(0, MAX_ERROR_TEXT))
  const writer = new ByteWriter(nbd.STRUCTURED_REPLY_LENGTH + 6 + text.length)
  putChunkHeader(writer, cookie, nbd.NBD_REPLY_TYPE_ERROR, 6 + text.length, true)
  return writer.u32(error.errno).u16(text.length).put(text).done()
}

/** At most three bytes a character keep it below the protocol's 4096. */
const MAX_ERROR_TEXT = 1024

export function encodeHole(
  cookie: Cookie,
  offset: number,
  length: number,
  done: boolean,
): Uint8Array {
  const writer = new ByteWriter(nbd.STRUCTURED_REPLY_LENGTH + 12)
  putChunkHeader(writer, cookie, nbd.NBD_REPLY_TYPE_OFFSET_HOLE, 12, done)
  return writer.u64(offset).u32(length).done()
}

export function encodeStatus(
  cookie: Cookie,
  contextId: number,
  list: ExtentList,
  count: number,
  done: boolean,
): Uint8Array {
  const length = 4 + 8 * count
  const writer = new ByteWriter(nbd.STRUCTURED_REPLY_LENGTH + length)
  putChunkHeader(writer, cookie, nbd.NBD_REPLY_TYPE_BLOCK_STATUS, length, done).u32(contextId)
  for (let i = 0; i < count; i++) {
    writer.u32(list.lengths[i] as number).u32(list.flags[i] as number)
  }
  return writer.done()
}

/** A reply buffer for a read and the part of it that the disk fills. */
export interface ReadReply {
  readonly data: Uint8Array
  /** The finished message; to be called when `data` is filled. */
  finish(): Uint8Array
}

export function prepareSimpleRead(cookie: Cookie, length: number): ReadReply {
  const writer = new ByteWriter(nbd.SIMPLE_REPLY_LENGTH + length)
  return {
    data: writer.bytes.subarray(nbd.SIMPLE_REPLY_LENGTH),
    finish: () => putSimpleHeader(writer, cookie, nbd.NBD_SUCCESS).zeros(length).done(),
  }
}

export function prepareDataChunk(
  cookie: Cookie,
  offset: number,
  length: number,
  done: boolean,
): ReadReply {
  const writer = new ByteWriter(DATA_CHUNK_HEADER + length)
  const type = nbd.NBD_REPLY_TYPE_OFFSET_DATA
  return {
    data: writer.bytes.subarray(DATA_CHUNK_HEADER),
    finish: () =>
      putChunkHeader(writer, cookie, type, 8 + length, done)
        .u64(offset)
        .zeros(length)
        .done(),
  }
}

function putSimpleHeader(writer: ByteWriter, cookie: Cookie, errno: number): ByteWriter {
  return writer
    .u32(nbd.NBD_SIMPLE_REPLY_MAGIC)
    .u32(errno)
    .u32(cookie.cookieHigh)
    .u32(cookie.cookieLow)
}

function putChunkHeader(
  writer: ByteWriter,
  cookie: Cookie,
  type: number,
  length: number,
  done: boolean,
): ByteWriter {
  return writer
    .u32(nbd.NBD_STRUCTURED_REPLY_MAGIC)
    .u16(done ? nbd.NBD_REPLY_FLAG_DONE : 0)
    .u16(type)
    .u32(cookie.cookieHigh)
    .u32(cookie.cookieLow)
    .u32(length)
}
