// The data of the options that carry some, taken apart with every length held against what is there.
// What is malformed comes back as a text, for the client's NBD_REP_ERR_INVALID.

import { ByteReader } from '../base/bytes'
import { MAX_STRING } from './limits'

export interface OptionData {
  readonly option: number
  readonly bytes: Uint8Array
}

/** The whole data as one name, for NBD_OPT_EXPORT_NAME; `undefined` when it is not one. */
export function parseName(data: OptionData): string | undefined {
  const name = readText(new ByteReader(data.bytes), data.bytes.length)
  return typeof name === 'string' ? name : undefined
}

export interface InfoRequest {
  readonly name: string
  /** The kinds of information asked for. */
  readonly kinds: readonly number[]
}

export function parseInfoRequest(data: OptionData): InfoRequest | string {
  const reader = new ByteReader(data.bytes)
  const name = readString(reader, 'the name')
  if (typeof name !== 'string') return name.refusal
  if (reader.remaining < 2) return 'the number of information requests is missing'
  const count = reader.u16()
  if (reader.remaining !== count * 2) {
    return `${count} information requests in ${reader.remaining} bytes`
  }
  const kinds: number[] = []
  for (let i = 0; i < count; i++) kinds.push(reader.u16())
  return { name, kinds }
}

export interface MetaRequest {
  readonly name: string
  readonly queries: readonly string[]
}

export function parseMetaRequest(data: OptionData): MetaRequest | string {
  const reader = new ByteReader(data.bytes)
  const name = readString(reader, 'the name')
  if (typeof name !== 'string') return name.refusal
  if (reader.remaining < 4) return 'the number of queries is missing'
  const count = reader.u32()
  if (count * 4 > reader.remaining) return `${count} queries in ${reader.remaining} bytes`
  const queries: string[] = []
  for (let i = 0; i < count; i++) {
    const query = readString(reader, `query ${i + 1}`)
    if (typeof query !== 'string') return query.refusal
    queries.push(query)
  }
  if (reader.remaining > 0) return `${reader.remaining} bytes after the last query`
  return { name, queries }
}

interface Refusal {
  readonly refusal: string
}

/** `u32 length, text`. */
function readString(reader: ByteReader, what: string): string | Refusal {
  if (reader.remaining < 4) return { refusal: `the length of ${what} is missing` }
  const length = reader.u32()
  if (length > reader.remaining) {
    return { refusal: `${what} of ${length} bytes in the remaining ${reader.remaining}` }
  }
  const text = readText(reader, length)
  return typeof text === 'string' ? text : { refusal: `${what} ${text.refusal}` }
}

function readText(reader: ByteReader, length: number): string | Refusal {
  if (length > MAX_STRING) return { refusal: `is longer than ${MAX_STRING} bytes` }
  const text = reader.text(length)
  if (text === undefined) return { refusal: 'is not UTF-8' }
  return text.includes('\0') ? { refusal: 'has a NUL character' } : text
}
