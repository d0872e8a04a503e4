// One message and its bytes as one WebSocket message, and back.
//
//   without bytes   a text message: the JSON
//   with bytes      a binary message: u32 big endian, the JSON's length in bytes | JSON | the bytes
//
// An attached array of length 0 is still attached. What arrives is bounded and checked for shape; anything
// else is a PROTOCOL error, after which the caller closes the channel.

import { ByteReader, ByteWriter, utf8 } from '../engine/base/bytes'
import { PlatterError } from '../engine/base/errors'
import type { WireMessage } from './channel'
import {
  checkAttachedLength,
  checkWireMessage,
  MAX_JSON_LENGTH,
  protocolError,
} from './wire-message'

const LENGTH_FIELD = 4

/** Bytes of one encoded message at most, for a receiver that takes `maxBytes` attached. */
export const maxWireLength = (maxBytes: number): number => LENGTH_FIELD + MAX_JSON_LENGTH + maxBytes

/** Throws LIMIT when the message without its bytes is too large. */
export function encodeWire(
  message: WireMessage,
  bytes: Uint8Array | undefined,
): string | Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(message)
  // A character takes three bytes of UTF-8 at most, so short texts need no count.
  const mayBeLong = text.length * 3 > MAX_JSON_LENGTH
  if (bytes === undefined && !mayBeLong) return text
  const json = utf8(text)
  if (json.length > MAX_JSON_LENGTH) {
    const what = 'name' in message ? `${message.kind} ${message.name}` : message.kind
    throw new PlatterError(
      'LIMIT',
      `bridge: ${what} is ${json.length} bytes, more than the ${MAX_JSON_LENGTH} of one message`,
    )
  }
  if (bytes === undefined) return text
  return new ByteWriter(LENGTH_FIELD + json.length + bytes.length)
    .u32(json.length)
    .put(json)
    .put(bytes)
    .done()
}

export interface DecodedWire {
  readonly message: WireMessage
  /** A view into what was decoded, not a copy. */
  readonly bytes: Uint8Array | undefined
}

/** Throws PROTOCOL for whatever encodeWire does not make, or more than `maxBytes` attached. */
export function decodeWire(data: string | Uint8Array, maxBytes: number): DecodedWire {
  if (typeof data === 'string') return { message: parse(data), bytes: undefined }
  const reader = new ByteReader(data)
  if (reader.remaining < LENGTH_FIELD) throw protocolError(`${data.length} bytes, too few`)
  const jsonLength = reader.u32()
  if (jsonLength > reader.remaining || jsonLength > MAX_JSON_LENGTH) {
    throw protocolError(`a length of ${jsonLength} before ${reader.remaining} bytes`)
  }
  const text = reader.text(jsonLength)
  if (text === undefined) throw protocolError('text that is not UTF-8')
  checkAttachedLength(reader.remaining, maxBytes)
  return { message: parse(text), bytes: reader.bytes(reader.remaining) }
}

function parse(text: string): WireMessage {
  if (text.length > MAX_JSON_LENGTH) throw protocolError(`${text.length} characters, too many`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw protocolError('text that is not JSON')
  }
  return checkWireMessage(value)
}
