// Bytes for tests, written the way the specification draws them: one field after the other. It shares
// nothing with the product's reader and writer (no DataView, no constants), so that the two cannot be
// wrong together. Only tests import it.

export type Field = string | Uint8Array

const hex = (value: number | bigint, digits: number): string =>
  value.toString(16).padStart(digits, '0')

export const u8 = (value: number): Field => hex(value, 2)
export const u16 = (value: number): Field => hex(value, 4)
export const u32 = (value: number): Field => hex(value, 8)
export const u64 = (value: number | bigint): Field => hex(value, 16)
export const zeros = (count: number): Field => '00'.repeat(count)
export const text = (value: string): Field =>
  [...new TextEncoder().encode(value)].map((byte) => hex(byte, 2)).join('')
/** A text behind its length in 32 bits. */
export const sized = (value: string): Field => `${u32(byteLength(value))}${text(value)}`

export const byteLength = (value: string): number => new TextEncoder().encode(value).length

/** Fields as hexadecimal digits, or bytes as they are, one after the other. */
export function script(...fields: readonly Field[]): Uint8Array {
  const bytes: number[] = []
  for (const field of fields) {
    if (typeof field !== 'string') {
      for (const byte of field) bytes.push(byte)
      continue
    }
    const digits = field.replaceAll(' ', '')
    if (digits.length % 2 !== 0) throw new RangeError(`half a byte in ${field}`)
    for (let i = 0; i < digits.length; i += 2)
      bytes.push(Number.parseInt(digits.slice(i, i + 2), 16))
  }
  return Uint8Array.from(bytes)
}

// The frames of the protocol, in the specification's own numbers.

/** What a newstyle server says first; `flags` 3 is fixed newstyle without zeroes. */
export const greeting = (flags = 3): Uint8Array =>
  script(text('NBDMAGIC'), text('IHAVEOPT'), u16(flags))

export const clientFlags = (flags = 3): Uint8Array => script(u32(flags))

export function option(number: number, ...data: readonly Field[]): Uint8Array {
  const body = script(...data)
  return script(text('IHAVEOPT'), u32(number), u32(body.length), body)
}

export function optionReply(number: number, type: number, ...data: readonly Field[]): Uint8Array {
  const body = script(...data)
  return script('0003e889045565a9', u32(number), u32(type), u32(body.length), body)
}

export const ack = (number: number): Uint8Array => optionReply(number, 1)

export const optionError = (number: number, error: number, message = ''): Uint8Array =>
  optionReply(number, 0x80000000 + error, text(message))

/** The answers of a server without extended headers and with structured replies. */
export const structuredOnly = script(optionError(11, 1), ack(8))

export interface RequestFields {
  readonly command: number
  readonly flags?: number
  readonly cookie?: number | bigint
  readonly offset?: number | bigint
  readonly length?: number
  readonly data?: Uint8Array
}

export const request = (fields: RequestFields): Uint8Array =>
  script(
    '25609513',
    u16(fields.flags ?? 0),
    u16(fields.command),
    u64(fields.cookie ?? 1),
    u64(fields.offset ?? 0),
    u32(fields.length ?? fields.data?.length ?? 0),
    fields.data ?? '',
  )

export const simpleReply = (
  cookie: number | bigint,
  error = 0,
  ...data: readonly Field[]
): Uint8Array => script('67446698', u32(error), u64(cookie), ...data)

export function chunk(
  cookie: number | bigint,
  type: number,
  done: boolean,
  ...data: readonly Field[]
): Uint8Array {
  const body = script(...data)
  return script('668e33ef', u16(done ? 1 : 0), u16(type), u64(cookie), u32(body.length), body)
}

export interface ExtendedRequestFields extends Omit<RequestFields, 'length'> {
  readonly length?: number | bigint
}

export const extendedRequest = (fields: ExtendedRequestFields): Uint8Array =>
  script(
    '21e41c71',
    u16(fields.flags ?? 0),
    u16(fields.command),
    u64(fields.cookie ?? 1),
    u64(fields.offset ?? 0),
    u64(fields.length ?? fields.data?.length ?? 0),
    fields.data ?? '',
  )

/** `offset` is that of the request. */
export function extendedChunk(
  cookie: number | bigint,
  type: number,
  done: boolean,
  offset: number | bigint,
  ...data: readonly Field[]
): Uint8Array {
  const body = script(...data)
  return script(
    '6e8a278c',
    u16(done ? 1 : 0),
    u16(type),
    u64(cookie),
    u64(offset),
    u64(body.length),
    body,
  )
}

export const errorChunk = (
  cookie: number | bigint,
  error: number,
  message = '',
  done = true,
): Uint8Array => chunk(cookie, 0x8001, done, u32(error), u16(byteLength(message)), text(message))

/** The fields of NBD_INFO_EXPORT. */
export const infoExport = (number: number, size: number | bigint, flags: number): Uint8Array =>
  optionReply(number, 3, u16(0), u64(size), u16(flags))

/**
 * Calls `test` with the bytes whole, byte by byte, and cut in two at every place: what arrives has no
 * relation to what was sent at once.
 */
export function forEveryCut(
  bytes: Uint8Array,
  test: (pieces: readonly Uint8Array[]) => void,
): void {
  test([bytes])
  test([...bytes].map((byte) => Uint8Array.of(byte)))
  for (let at = 1; at < bytes.length; at++) test([bytes.slice(0, at), bytes.slice(at)])
}
