import { ByteWriter } from '../base/bytes'
import { NBD_REQUEST_MAGIC, REQUEST_LENGTH } from './constants'

/** The 28 bytes of a request; the payload of a write follows it on the wire. */
export function encodeRequest(
  command: number,
  flags: number,
  cookie: number,
  offset: number,
  length: number,
): Uint8Array {
  return new ByteWriter(REQUEST_LENGTH)
    .u32(NBD_REQUEST_MAGIC)
    .u16(flags)
    .u16(command)
    .u64(cookie)
    .u64(offset)
    .u32(length)
    .done()
}
