// The body of an error chunk: the error's number, the length of a text, the text, and for
// NBD_REPLY_TYPE_ERROR_OFFSET the offset behind it, which is not looked at.

import { NBD_REPLY_TYPE_ERROR_OFFSET } from './constants'
import { MAX_STRING } from './limits'
import type { PendingRequest } from './pending-request'
import type { WireError } from './wire-errors'
import { u16At, u32At } from './wire-read'

/**
 * The length of the text, out of the six fixed bytes at `at`. When they are seen for the first time, with
 * `left` bytes of the chunk behind them, they are judged; throws the request's violation.
 */
export function errorTextLength(
  request: PendingRequest,
  type: number,
  bytes: Uint8Array,
  at: number,
  left: number,
  isFirst: boolean,
): number {
  const length = u16At(bytes, at + 4)
  if (!isFirst) return length
  if (u32At(bytes, at) === 0) throw request.violation('an error chunk without an error')
  const behind = type === NBD_REPLY_TYPE_ERROR_OFFSET ? 8 : 0
  if (length > MAX_STRING || length + behind > left) {
    throw request.violation(`an error text of ${length} bytes in ${left}`)
  }
  return length
}

/** The error, once its text has come as well. */
export function readError(bytes: Uint8Array, at: number, textLength: number): WireError {
  const text = bytes.subarray(at + 6, at + 6 + textLength)
  return { errno: u32At(bytes, at), message: new TextDecoder('utf-8').decode(text) }
}
