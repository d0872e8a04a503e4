// What a few bytes can mean: numbers in both byte orders, text, identifiers, moments. Pure. A value that
// needs more bytes than there are is left out.

export interface InspectedNumber {
  readonly name: string
  readonly little: string
  readonly big: string
}

export interface InspectedValue {
  readonly name: string
  readonly value: string
}

export interface Inspection {
  readonly numbers: readonly InspectedNumber[]
  readonly values: readonly InspectedValue[]
}

/** As many as the longest of them takes. */
export const INSPECTED_BYTES = 32

export const inspectBytes = (bytes: Uint8Array): Inspection => ({
  numbers: inspectNumbers(bytes),
  values: [...inspectText(bytes), ...inspectIds(bytes), ...inspectTimes(bytes)],
})

type Get = (view: DataView, littleEndian: boolean) => number | bigint

const NUMBERS: readonly (readonly [name: string, size: number, get: Get])[] = [
  ['u8', 1, (view) => view.getUint8(0)],
  ['i8', 1, (view) => view.getInt8(0)],
  ['u16', 2, (view, le) => view.getUint16(0, le)],
  ['i16', 2, (view, le) => view.getInt16(0, le)],
  ['u32', 4, (view, le) => view.getUint32(0, le)],
  ['i32', 4, (view, le) => view.getInt32(0, le)],
  ['u64', 8, (view, le) => view.getBigUint64(0, le)],
  ['i64', 8, (view, le) => view.getBigInt64(0, le)],
  ['f32', 4, (view, le) => view.getFloat32(0, le)],
  ['f64', 8, (view, le) => view.getFloat64(0, le)],
]

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function inspectNumbers(bytes: Uint8Array): InspectedNumber[] {
  const view = viewOf(bytes)
  return NUMBERS.filter(([, size]) => size <= bytes.length).map(([name, size, get]) => {
    const text = (littleEndian: boolean) => numberText(name, get(view, littleEndian))
    return { name, little: text(true), big: size === 1 ? '' : text(false) }
  })
}

const numberText = (name: string, value: number | bigint): string =>
  name.startsWith('f') && typeof value === 'number'
    ? floatText(value, name === 'f32' ? 7 : 15)
    : String(value)

/** No more digits than the type holds. */
function floatText(value: number, digits: number): string {
  if (!Number.isFinite(value) || value === 0) return Object.is(value, -0) ? '-0' : String(value)
  const plain = Number(value.toPrecision(digits))
  const size = Math.abs(plain)
  return size >= 1e-4 && size < 1e15 ? String(plain) : plain.toExponential()
}

function inspectText(bytes: Uint8Array): InspectedValue[] {
  const latin = bytes.subarray(0, 16)
  return [
    { name: 'ASCII', value: Array.from(latin, printable).join('') },
    { name: 'UTF-8', value: firstUtf8(bytes) },
    { name: 'UTF-16 LE', value: utf16(bytes) },
  ]
}

const printable = (byte: number) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')

/** The first character, when the bytes begin with a whole one. */
function firstUtf8(bytes: Uint8Array): string {
  for (let length = 1; length <= 4 && length <= bytes.length; length++) {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
      return `${visible(text)}  U+${(text.codePointAt(0) ?? 0xfeff).toString(16).toUpperCase().padStart(4, '0')}`
    } catch {
      // Not a whole character yet: one byte more may make it one.
    }
  }
  return 'not UTF-8'
}

const visible = (text: string) => (/^[\p{C}\p{Z}]/u.test(text) || text === '' ? '·' : text)

function utf16(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i + 1 < bytes.length && i < 16; i += 2) {
    const unit = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8)
    const character = String.fromCharCode(unit)
    text += /[\p{C}\p{Z}]/u.test(character) && character !== ' ' ? '·' : character
  }
  return text
}

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

function inspectIds(bytes: Uint8Array): InspectedValue[] {
  if (bytes.length < 16) return []
  const grouped = (text: string) =>
    text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  const swapped = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((i) => bytes[i] ?? 0)
  return [
    { name: 'GUID', value: grouped(hex(Uint8Array.from(swapped))).toUpperCase() },
    { name: 'UUID', value: grouped(hex(bytes.subarray(0, 16))) },
  ]
}

/** 100 ns steps from 1601 to 1970. */
const FILETIME_EPOCH = 116_444_736_000_000_000n
const FAR_MS = Date.UTC(9999, 11, 31)

function inspectTimes(bytes: Uint8Array): InspectedValue[] {
  const view = viewOf(bytes)
  const times: InspectedValue[] = []
  if (bytes.length >= 4) {
    times.push({ name: 'Unix, 32 bit LE', value: momentText(view.getInt32(0, true) * 1000) })
    times.push({ name: 'Unix, 32 bit BE', value: momentText(view.getInt32(0, false) * 1000) })
    times.push({ name: 'DOS', value: dosText(view.getUint16(0, true), view.getUint16(2, true)) })
  }
  if (bytes.length >= 8) {
    const fileTime = (view.getBigUint64(0, true) - FILETIME_EPOCH) / 10_000n
    times.push({ name: 'FILETIME', value: momentText(Number(fileTime)) })
  }
  return times
}

function momentText(ms: number): string {
  if (Math.abs(ms) > FAR_MS) return 'out of range'
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** The time stands before the date on disk; the numbers are local time of whoever wrote them. */
function dosText(time: number, date: number): string {
  const [year, month, day] = [1980 + (date >> 9), (date >> 5) & 15, date & 31]
  const [hour, minute, second] = [time >> 11, (time >> 5) & 63, (time & 31) * 2]
  const real = month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 60
  if (!real) return 'not a time'
  const two = (n: number) => String(n).padStart(2, '0')
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`
}
