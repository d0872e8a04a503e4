// What both versions of overlay files have in common: how they begin, and names in bounded fields.

import { utf8 } from '../../base/bytes'
import { PlatterError } from '../../base/errors'

/** `ADD_COW` and 0xff. */
export const MAGIC = Uint8Array.of(0x41, 0x44, 0x44, 0x5f, 0x43, 0x4f, 0x57, 0xff)
/** Magic and version. */
export const PREFIX_BYTES = 12
export const NAME_BYTES = 1024

export const hasMagic = (head: Uint8Array): boolean =>
  head.length >= MAGIC.length && MAGIC.every((byte, i) => head[i] === byte)

/**
 * The text of a NUL-terminated UTF-8 field. `what` names it for the refusal: OVERLAY_NAME_UNTERMINATED.
 */
export function decodeName(field: Uint8Array, what: string): string {
  const end = field.indexOf(0)
  if (end < 0) {
    throw new PlatterError(
      'OVERLAY_NAME_UNTERMINATED',
      `${what}: no NUL ends it in its field of ${field.length} bytes`,
    )
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(field.subarray(0, end))
  } catch {
    throw new PlatterError(
      'OVERLAY_NAME_UNTERMINATED',
      `${what}: its ${end} bytes are not valid UTF-8`,
    )
  }
}

/** As decodeName; OVERLAY_NAME_MISSING for an empty one. */
export function decodeNeededName(field: Uint8Array, what: string): string {
  const name = decodeName(field, what)
  if (name === '') throw new PlatterError('OVERLAY_NAME_MISSING', `${what}: it is empty`)
  return name
}

/** The field of `length` bytes with its NUL; OVERLAY_NAME_UNTERMINATED for what does not fit or has a NUL. */
export function encodeName(name: string, length: number, what: string): Uint8Array<ArrayBuffer> {
  const field = new Uint8Array(length)
  const bytes = utf8(name)
  if (bytes.length >= length || bytes.includes(0)) {
    throw new PlatterError(
      'OVERLAY_NAME_UNTERMINATED',
      `${what}: its ${bytes.length} bytes and a NUL do not fit a field of ${length}, or it has a NUL itself`,
    )
  }
  field.set(bytes)
  return field
}
