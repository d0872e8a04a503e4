// Reads that are answered at once, because it is known where their bytes lie: short ones are copied out
// of the page cache into their reply, long ones leave for the socket without a copy, and what is known to
// be zeroes leaves as a hole. Anything else is read in the ordinary way (serve-request.ts).
//
// Long bytes are placed again when their turn on the socket comes. What the disk holds may have changed
// by then: the read has not been answered, so it may return either. That bytes are in memory was looked
// up when the request came; if they are gone since, they are read.

import type { PlacedReads } from '../disk/placement'
import * as nbd from './constants'
import { encodeHole, encodeReadHeader, prepareRead } from './reply-encoder'
import type { RequestHeader } from './request-parser'
import type { ServedConnection } from './serve-request'
import type { PlacedBytes, Transport } from './transport'

/** From here on, a copy costs more than to hand out pages. */
const SHORTEST_PLACED = 32 * 1024
/** Below this, a hole costs more in messages than it saves in bytes. */
const SMALLEST_HOLE = 4096
/** A read in more pieces is better read. */
const MOST_PIECES = 64

interface Piece {
  readonly offset: number
  length: number
  readonly isZero: boolean
}

/** Part of an answer: a message as it is, or the header of bytes that are taken when they are sent. */
export type ReadPart =
  | { readonly message: Uint8Array }
  | { readonly header: Uint8Array; readonly offset: number; readonly length: number }

/** `undefined`: the read has to be made. A message that stands alone is from connection.allocate. */
export function placeRead(
  request: RequestHeader,
  connection: ServedConnection,
  mayPlace: boolean,
): ReadPart[] | undefined {
  const { placed } = connection.disk
  if (placed === undefined || request.length === 0) return undefined
  if (mayPlace && request.length >= SHORTEST_PLACED) return placeLong(request, connection, placed)
  return readShort(request, connection, placed)
}

function readShort(
  request: RequestHeader,
  connection: ServedConnection,
  placed: PlacedReads,
): ReadPart[] | undefined {
  const { offset, length } = request
  let message: Uint8Array | undefined
  let data: Uint8Array | undefined
  for (let at = 0; at < length; ) {
    const placement = placed.place(offset + at, length - at)
    if (placement === undefined) return undefined
    const isHole = placement.file === undefined && placement.length === length
    if (isHole && mayCut(request, connection) && length >= SMALLEST_HOLE) {
      return [{ message: encodeHole(request, connection.headers, offset, length, true) }]
    }
    if (message === undefined || data === undefined) {
      const { headers, allocate } = connection
      const reply = prepareRead(request, headers, offset, length, true, allocate)
      message = reply.message
      data = reply.data
    }
    const into = data.subarray(at, at + placement.length)
    if (placement.file === undefined) into.fill(0)
    else if (!placement.file.readNow(into, placement.offset)) return undefined
    at += placement.length
  }
  return message && [{ message }]
}

const mayCut = ({ flags }: RequestHeader, { headers }: ServedConnection): boolean =>
  headers !== 'simple' && (flags & nbd.NBD_CMD_FLAG_DF) === 0

function placeLong(
  request: RequestHeader,
  connection: ServedConnection,
  placed: PlacedReads,
): ReadPart[] | undefined {
  const pieces = piecesOf(request, placed)
  if (pieces === undefined) return undefined
  const { headers } = connection
  const isCut = mayCut(request, connection)
  const end = request.offset + request.length
  const parts: ReadPart[] = []
  let from = request.offset
  const dataTo = (to: number) => {
    if (to === from) return
    const header = encodeReadHeader(request, headers, from, to - from, to === end)
    parts.push({ header, offset: from, length: to - from })
    from = to
  }
  for (const { offset, length, isZero } of pieces) {
    if (!isZero || !isCut || length < SMALLEST_HOLE) continue
    dataTo(offset)
    from = offset + length
    parts.push({ message: encodeHole(request, headers, offset, length, from === end) })
  }
  dataTo(end)
  return parts
}

function piecesOf(request: RequestHeader, placed: PlacedReads): Piece[] | undefined {
  const { offset, length } = request
  const pieces: Piece[] = []
  for (let at = offset; at < offset + length; ) {
    const placement = placed.place(at, offset + length - at)
    if (placement === undefined || pieces.length === MOST_PIECES) return undefined
    const { file } = placement
    let known = placement.length
    let isZero = file === undefined
    if (file !== undefined && !file.isInMemory(placement.offset, known)) {
      known = file.holeAt(placement.offset, known)
      if (known === 0) return undefined
      isZero = true
    }
    const last = pieces.at(-1)
    if (last !== undefined && last.isZero === isZero) last.length += known
    else pieces.push({ offset: at, length: known, isZero })
    at += known
  }
  return pieces
}

/** What became of an answer in parts. */
export interface PartsOutcome {
  /** Some of it did not leave. */
  readonly isLost: boolean
  /** Why it could not be had, after its header was sent. */
  readonly error: unknown
}

/** Sends them in their order. False: wait for the drain before more. */
export function sendParts(
  parts: readonly ReadPart[],
  connection: ServedConnection,
  transport: Transport,
  onDone: (outcome: PartsOutcome) => void,
): boolean {
  let waiting = parts.length
  const outcome: { isLost: boolean; error: unknown } = { isLost: false, error: undefined }
  const done = () => {
    waiting--
    if (waiting === 0) onDone(outcome)
  }
  const lost = (error?: unknown) => {
    outcome.isLost = true
    outcome.error ??= error
    done()
  }
  let free = true
  for (const part of parts) {
    if ('message' in part) free = transport.write(part.message, done)
    else {
      const bytes = placedBytes(part, connection)
      free = transport.sendPlaced?.({ ...bytes, onSent: done, onLost: lost }) === true
    }
  }
  return free
}

function placedBytes(
  { header, offset, length }: Extract<ReadPart, { readonly header: Uint8Array }>,
  { disk, options }: ServedConnection,
): Omit<PlacedBytes, 'onSent' | 'onLost'> {
  return {
    header,
    length,
    place: (at) => disk.placed?.place(offset + at, length - at),
    read: (target, at) => disk.read(target, offset + at, options),
  }
}
