// One option of the fixed newstyle handshake from the client's side: send it, collect every reply up to
// the final one, and leave the meaning to the caller. Lengths and counts are bounded before anything is
// kept; a reply for another option, a wrong magic or an unknown kind of reply ends the connection.

import { ByteReader, ByteWriter, utf8 } from '../base/bytes'
import type { ErrorCode } from '../base/errors'
import { PlatterError } from '../base/errors'
import {
  IHAVEOPT,
  NBD_OPTION_REPLY_MAGIC,
  NBD_REP_ACK,
  NBD_REP_ERR_EXT_HEADER_REQD,
  NBD_REP_ERR_SHUTDOWN,
  NBD_REP_ERR_TLS_REQD,
  NBD_REP_ERR_UNKNOWN,
  NBD_REP_ERR_UNSUP,
  NBD_REP_FLAG_ERROR,
  nameOfOption,
  nameOfOptionReply,
} from './constants'
import type { Script } from './handshake-script'
import { read, send } from './handshake-script'
import { MAX_OPTION_REPLIES, MAX_OPTION_REPLY, MAX_OPTION_REPLY_BYTES, MAX_STRING } from './limits'

export interface OptionReply {
  readonly type: number
  readonly data: Uint8Array
}

/** The replies before the final one, and the final one: NBD_REP_ACK or an error with its text. */
export interface OptionAnswer {
  readonly option: number
  readonly replies: readonly OptionReply[]
  readonly error?: { readonly type: number; readonly text: string }
}

export function encodeOption(option: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  return new ByteWriter(16 + data.length)
    .u64(IHAVEOPT)
    .u32(option)
    .u32(data.length)
    .put(data)
    .done()
}

export function* exchangeOption(option: number, data?: Uint8Array): Script<OptionAnswer> {
  yield* send(encodeOption(option, data))
  const replies: OptionReply[] = []
  let bytes = 0
  for (;;) {
    const reply = yield* readReply(option)
    if (reply.type === NBD_REP_ACK) return { option, replies }
    if (reply.type >= NBD_REP_FLAG_ERROR) {
      const text = new ByteReader(reply.data).text(reply.data.length) ?? ''
      return { option, replies, error: { type: reply.type, text } }
    }
    bytes += reply.data.length
    if (replies.length === MAX_OPTION_REPLIES || bytes > MAX_OPTION_REPLY_BYTES) {
      const limit = `${MAX_OPTION_REPLIES} replies or ${MAX_OPTION_REPLY_BYTES} bytes`
      throw new PlatterError('PROTOCOL', `${nameOfOption(option)}: more than ${limit} in answer`)
    }
    replies.push(reply)
  }
}

function* readReply(option: number): Script<OptionReply> {
  const name = nameOfOption(option)
  const header = new ByteReader(yield* read(20, `the reply to ${name}`))
  const magic = header.u64()
  if (magic !== NBD_OPTION_REPLY_MAGIC) {
    throw new PlatterError('PROTOCOL', `${name}: the reply begins with 0x${magic.toString(16)}`)
  }
  const about = header.u32()
  if (about !== option) {
    throw new PlatterError('PROTOCOL', `${name}: the reply is for ${nameOfOption(about)}`)
  }
  const type = header.u32()
  const length = header.u32()
  const limit = type >= NBD_REP_FLAG_ERROR ? MAX_STRING : MAX_OPTION_REPLY
  if (length > limit) {
    throw new PlatterError(
      'PROTOCOL',
      `${name}: ${nameOfOptionReply(type)} of ${length} bytes, above the limit of ${limit}`,
    )
  }
  // A copy: the piece that the runner hands out may be a view of a larger chunk.
  const data = yield* read(length, `${nameOfOptionReply(type)} to ${name}`)
  return { type, data: data.slice() }
}

const CODES = new Map<number, ErrorCode>([
  [NBD_REP_ERR_UNSUP, 'NOT_SUPPORTED'],
  [NBD_REP_ERR_TLS_REQD, 'REFUSED'],
  [NBD_REP_ERR_UNKNOWN, 'EXPORT_UNKNOWN'],
  [NBD_REP_ERR_SHUTDOWN, 'DISCONNECTED'],
  [NBD_REP_ERR_EXT_HEADER_REQD, 'NOT_SUPPORTED'],
])

const REASONS = new Map<number, string>([
  [NBD_REP_ERR_TLS_REQD, 'the server wants TLS: say nbds: instead of nbd: in the URI'],
  [NBD_REP_ERR_UNKNOWN, 'the server has no such export'],
  [NBD_REP_ERR_SHUTDOWN, 'the server is shutting down'],
])

/** The failure that an error reply means; `what` says what was asked for. */
export function errorOfOption(answer: OptionAnswer, what: string): PlatterError {
  const { type, text } = answer.error ?? { type: 0, text: '' }
  const reason = REASONS.get(type) ?? `the server answered ${nameOfOptionReply(type)}`
  const detail = text === '' ? '' : ` (${text})`
  return new PlatterError(CODES.get(type) ?? 'REFUSED', `${what}: ${reason}${detail}`)
}

/** `u32 length, text`, as names and queries are sent. */
export function encodeString(text: string): Uint8Array {
  const bytes = utf8(text)
  return new ByteWriter(4 + bytes.length).u32(bytes.length).put(bytes).done()
}
