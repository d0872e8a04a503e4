// Requests of NBD clients as they cross to a page: 40 little-endian bytes each, one after another in the
// order of their sequence numbers: time, offset and length as 64-bit floats, duration in milliseconds as
// a 32-bit float, client in 32 bits, command, flags and error in 16 each, 16 unused. Flags and numbers
// are the protocol's own; the tables below have their names, without the prefixes of the specification.

import { assert } from '../engine/base/assert'

/** At the place of each command's number. */
export const REQUEST_COMMANDS = [
  'READ',
  'WRITE',
  'DISC',
  'FLUSH',
  'TRIM',
  'CACHE',
  'WRITE_ZEROES',
  'BLOCK_STATUS',
] as const

/** At the place of each flag's bit. */
export const REQUEST_FLAGS = [
  'FUA',
  'NO_HOLE',
  'DF',
  'REQ_ONE',
  'FAST_ZERO',
  'PAYLOAD_LEN',
] as const

const REQUEST_ERRORS: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
}

export interface RequestRow {
  /** Its own among all requests of the export; requests are numbered in the order in which they ended. */
  readonly seq: number
  /** When the request had come, milliseconds since 1970. */
  readonly time: number
  /** ExportClient.id; the client may be gone. */
  readonly client: number
  readonly command: number
  readonly flags: number
  /** Bytes. */
  readonly offset: number
  readonly length: number
  /** 0: it went well. */
  readonly errno: number
  readonly durationMs: number
}

export const commandName = (command: number): string =>
  REQUEST_COMMANDS[command] ?? `command ${command}`

export const errorName = (errno: number): string => REQUEST_ERRORS[errno] ?? `error ${errno}`

export const flagNames = (flags: number): string[] =>
  REQUEST_FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0)

const ROW_BYTES = 40
const MAX_U16 = 0xffff

/** Without their sequence numbers, which the frame has. */
export function encodeRequestRows(
  rows: readonly Omit<RequestRow, 'seq'>[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(rows.length * ROW_BYTES)
  const view = new DataView(bytes.buffer)
  rows.forEach((row, i) => {
    const at = i * ROW_BYTES
    view.setFloat64(at, row.time, true)
    view.setFloat64(at + 8, row.offset, true)
    view.setFloat64(at + 16, row.length, true)
    view.setFloat32(at + 24, row.durationMs, true)
    view.setUint32(at + 28, row.client, true)
    view.setUint16(at + 32, row.command, true)
    view.setUint16(at + 34, row.flags, true)
    view.setUint16(at + 36, Math.min(row.errno, MAX_U16), true)
  })
  return bytes
}

export function decodeRequestRows(bytes: Uint8Array, first: number): RequestRow[] {
  assert(bytes.length % ROW_BYTES === 0, `a frame of ${bytes.length} bytes of requests`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.length / ROW_BYTES }, (_, i) => {
    const at = i * ROW_BYTES
    return {
      seq: first + i,
      time: view.getFloat64(at, true),
      offset: view.getFloat64(at + 8, true),
      length: view.getFloat64(at + 16, true),
      durationMs: view.getFloat32(at + 24, true),
      client: view.getUint32(at + 28, true),
      command: view.getUint16(at + 32, true),
      flags: view.getUint16(at + 34, true),
      errno: view.getUint16(at + 36, true),
    }
  })
}
