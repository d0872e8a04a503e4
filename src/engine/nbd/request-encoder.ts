import {
  EXTENDED_REQUEST_LENGTH,
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_FLAG_PAYLOAD_LEN,
  NBD_CMD_WRITE,
  NBD_EXTENDED_REQUEST_MAGIC,
  NBD_REQUEST_MAGIC,
  REQUEST_LENGTH,
} from './constants'

/** What stands in a request's header; `contexts` as in RequestSpec. */
export interface RequestFields {
  readonly command: number
  readonly flags: number
  readonly cookie: number
  readonly offset: number
  readonly length: number
  readonly contexts?: readonly number[] | undefined
}

/**
 * The 28 bytes of a request, or 32 with extended headers, which then say of every write that its length
 * is that of a payload. The payload of a write follows on the wire; that of a status query for chosen
 * contexts (extended headers only) is part of what is returned.
 */
export function encodeRequest(fields: RequestFields, extended: boolean): Uint8Array {
  const { command, cookie, offset } = fields
  const contexts = command === NBD_CMD_BLOCK_STATUS ? fields.contexts : undefined
  const payload = contexts === undefined ? 0 : 8 + 4 * contexts.length
  const size = extended ? EXTENDED_REQUEST_LENGTH : REQUEST_LENGTH
  const bytes = new Uint8Array(size + payload)
  const view = new DataView(bytes.buffer)
  const hasPayload = command === NBD_CMD_WRITE || payload > 0
  const flags = extended && hasPayload ? fields.flags | NBD_CMD_FLAG_PAYLOAD_LEN : fields.flags
  view.setUint32(0, extended ? NBD_EXTENDED_REQUEST_MAGIC : NBD_REQUEST_MAGIC)
  view.setUint16(4, flags)
  view.setUint16(6, command)
  setOffset(view, 8, cookie)
  setOffset(view, 16, offset)
  if (!extended) view.setUint32(24, fields.length)
  else setOffset(view, 24, payload > 0 ? payload : fields.length)
  if (contexts !== undefined) {
    setOffset(view, size, fields.length)
    for (const [i, id] of contexts.entries()) view.setUint32(size + 8 + 4 * i, id)
  }
  return bytes
}

/** 64 bits of a number below 2^53, without a bigint for each request. */
function setOffset(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, value >>> 0)
}
