// Looks at what the other side sent before anybody believes its shape. Parameters, values and event data
// stay `unknown` here: the host checks parameters against the contract (validators.ts), and a page trusts
// the host that it came from.

import type { PlainError } from '../engine/base/errors'
import { PlatterError } from '../engine/base/errors'
import type { WireMessage } from './channel'
import { MAX_BYTES_PER_REQUEST, MAX_CELLS_PER_FRAME } from './contract'
import { CELL_CLASSES } from './model'

/** Of one message without its bytes: two full tables of rows fit. */
export const MAX_JSON_LENGTH = 2 * 1024 * 1024
/** The most bytes beside a message to a host: those of one request. */
export const MAX_BYTES_TO_HOST = MAX_BYTES_PER_REQUEST
/** The most bytes beside a message to a page: the largest cells frame, 64 bits a number. */
export const MAX_BYTES_TO_PAGE = MAX_CELLS_PER_FRAME * CELL_CLASSES.length * 8
/** Frames that a page may ask for ahead, in one stream. */
export const MAX_CREDIT = 16

const MAX_NAME_LENGTH = 64
const MAX_CAUSES = 16

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isId = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0

const isName = (value: unknown) => typeof value === 'string' && value.length <= MAX_NAME_LENGTH

function isPlainError(value: unknown, depth = 0): value is PlainError {
  if (!isFields(value) || typeof value['message'] !== 'string' || depth > MAX_CAUSES) return false
  if (value['code'] !== undefined && typeof value['code'] !== 'string') return false
  if (value['data'] !== undefined && !isFields(value['data'])) return false
  return value['cause'] === undefined || isPlainError(value['cause'], depth + 1)
}

const SHAPES: Readonly<Record<WireMessage['kind'], (m: Fields) => boolean>> = {
  request: (m) => isId(m['id']) && isName(m['name']),
  reply: (m) => isId(m['id']),
  error: (m) => isId(m['id']) && isPlainError(m['error']),
  cancel: (m) => isId(m['id']),
  event: (m) => isName(m['name']),
  open: (m) => isId(m['id']) && isName(m['name']),
  credit: (m) => isId(m['id']) && isId(m['frames']) && (m['frames'] as number) <= MAX_CREDIT,
  frame: (m) => isId(m['id']),
  end: (m) => isId(m['id']) && (m['error'] === undefined || isPlainError(m['error'])),
}

/** `value` as a message. Throws PROTOCOL when it is none. */
export function checkWireMessage(value: unknown): WireMessage {
  const kind = isFields(value) ? value['kind'] : undefined
  if (typeof kind !== 'string' || !Object.hasOwn(SHAPES, kind)) {
    throw protocolError('a message of no known kind')
  }
  if (!SHAPES[kind as WireMessage['kind']](value as Fields)) {
    throw protocolError(`a malformed ${kind} message`)
  }
  return value as WireMessage
}

/** Refuses bytes beside a message above `limit`, in either direction. */
export function checkAttachedLength(length: number, limit: number): void {
  if (length > limit) throw protocolError(`${length} attached bytes, more than ${limit}`)
}

export const protocolError = (what: string): PlatterError =>
  new PlatterError('PROTOCOL', `bridge: the other side sent ${what}; the connection is closed`)
