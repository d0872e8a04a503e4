// Carries out one valid request on a disk and gives the messages of its answer. A read is finished
// before its first byte is sent, so a failure never has to be told in the middle of data.

import { PlatterError } from '../base/errors'
import type { CallOptions, Disk } from '../disk/disk'
import { EXTENT_ZERO } from '../disk/extents'
import * as nbd from './constants'
import { MAX_SENT_EXTENTS } from './limits'
import type { Allocate } from './reply-encoder'
import { encodeHole, encodeStatus, encodeSuccess, prepareRead } from './reply-encoder'
import type { RequestHeader } from './request-parser'
import type { HeaderStyle } from './served-export'
import type { SelectedContext } from './server-contexts'
import { parseStatusPayload } from './status-payload'
import type { WireError } from './wire-errors'
import { wireErrorOf } from './wire-errors'

export interface ServedConnection {
  readonly disk: Disk
  readonly headers: HeaderStyle
  readonly contexts: readonly SelectedContext[]
  /** Ask the disk for its extents before a read, and send what reads as zeroes as holes. */
  readonly sendHoles: boolean
  /** With a signal that says that the client is gone: what only it would have used may stop. */
  readonly options: CallOptions
  /** For the message of a read that is answered in one. */
  readonly allocate: Allocate
}

export function serveRequest(
  request: RequestHeader,
  payload: Uint8Array,
  connection: ServedConnection,
): Promise<Uint8Array[]> {
  switch (request.command) {
    case nbd.NBD_CMD_READ:
      return serveRead(request, connection)
    case nbd.NBD_CMD_BLOCK_STATUS:
      return serveStatus(request, payload, connection)
    default:
      return change(request, payload, connection).then(() => [
        encodeSuccess(request, connection.headers),
      ])
  }
}

/** What a failure of the disk is to the client, given what it asked. */
export function failureOf(request: RequestHeader, error: unknown): WireError {
  const wire = wireErrorOf(error)
  const isFast = (request.flags & nbd.NBD_CMD_FLAG_FAST_ZERO) !== 0
  // The protocol keeps NBD_ENOTSUP for fast zeroes.
  return wire.errno === nbd.NBD_ENOTSUP && !isFast ? { ...wire, errno: nbd.NBD_EINVAL } : wire
}

function serveRead(request: RequestHeader, connection: ServedConnection): Promise<Uint8Array[]> {
  const { offset, length, flags } = request
  const { disk, headers, options, allocate } = connection
  const mayCut = headers !== 'simple' && (flags & nbd.NBD_CMD_FLAG_DF) === 0
  if (connection.sendHoles && mayCut && disk.capabilities.extents) {
    return readAroundHoles(request, connection)
  }
  const { message, data } = prepareRead(request, headers, offset, length, true, allocate)
  return disk.read(data, offset, options).then(() => [message])
}

const plain: Allocate = (length) => new Uint8Array(length)

/** Below this, a hole costs more in messages than it saves in bytes. */
const SMALLEST_HOLE = 4096

async function readAroundHoles(
  request: RequestHeader,
  connection: ServedConnection,
): Promise<Uint8Array[]> {
  const { disk, headers, options } = connection
  const end = request.offset + request.length
  const pieces: Promise<Uint8Array>[] = []
  const list = await disk.extents(request.offset, request.length, options)
  let at = request.offset
  const readTo = (to: number) => {
    if (to === at) return
    const reply = prepareRead(request, headers, at, to - at, to === end, plain)
    pieces.push(disk.read(reply.data, at, options).then(() => reply.message))
    at = to
  }
  for (const extent of list) {
    if ((extent.flags & EXTENT_ZERO) === 0 || extent.length < SMALLEST_HOLE) continue
    readTo(extent.offset)
    const holeEnd = Math.min(extent.offset + extent.length, end)
    pieces.push(Promise.resolve(encodeHole(request, headers, at, holeEnd - at, holeEnd === end)))
    at = holeEnd
  }
  readTo(end)
  // All of them, even after a failure: no read may be left running behind the answer.
  const results = await Promise.allSettled(pieces)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function serveStatus(
  request: RequestHeader,
  payload: Uint8Array,
  connection: ServedConnection,
): Promise<Uint8Array[]> {
  const { offset, flags } = request
  const { disk, headers, options } = connection
  const { length, contexts } =
    payload.length === 0
      ? { length: request.length, contexts: connection.contexts }
      : parseStatusPayload(payload, offset, connection.contexts, disk)
  const first = (flags & nbd.NBD_CMD_FLAG_REQ_ONE) !== 0
  const most = first ? 1 : MAX_SENT_EXTENTS
  const lists = await Promise.all(
    contexts.map(({ context }) => context.extents(offset, length, { ...options, first })),
  )
  return lists.map((list, i) => {
    if (list.count === 0 || list.offset !== offset || list.end > offset + length) {
      throw new PlatterError('IO_ERROR', `extents of ${length} bytes at ${offset} are not usable`)
    }
    const { id } = contexts[i] as SelectedContext
    const count = Math.min(list.count, most)
    return encodeStatus(request, headers, id, list, count, i === lists.length - 1)
  })
}

/** Everything that has no data in its answer. Length 0 does nothing, well. */
async function change(
  request: RequestHeader,
  payload: Uint8Array,
  connection: ServedConnection,
): Promise<void> {
  const { command, offset, length, flags } = request
  const { disk } = connection
  if (command === nbd.NBD_CMD_FLUSH) return disk.flush()
  if (length === 0) return
  if (command === nbd.NBD_CMD_CACHE) {
    if (disk.capabilities.cache) await disk.cache(offset, length, connection.options)
    return
  }
  const wanted = (flags & nbd.NBD_CMD_FLAG_FUA) !== 0
  const fua = wanted && disk.capabilities.fua
  if (command === nbd.NBD_CMD_WRITE) await disk.write(payload, offset, { fua })
  else if (command === nbd.NBD_CMD_TRIM) await disk.trim(offset, length, { fua })
  else await writeZeroes(request, connection, fua)
  if (wanted && !fua) await disk.flush()
}

async function writeZeroes(
  request: RequestHeader,
  connection: ServedConnection,
  fua: boolean,
): Promise<void> {
  const { offset, length, flags } = request
  const { disk, options } = connection
  const fast = (flags & nbd.NBD_CMD_FLAG_FAST_ZERO) !== 0
  if (fast && !disk.capabilities.fastZero) {
    throw new PlatterError('NOT_SUPPORTED', 'zeroing is no faster than writing on this disk')
  }
  if (disk.capabilities.zero) {
    const mayTrim = (flags & nbd.NBD_CMD_FLAG_NO_HOLE) === 0
    return disk.zero(offset, length, { mayTrim, fast, fua })
  }
  const step = Math.min(length, disk.blockSize.maximum, MAX_ZEROES)
  const zeroes = new Uint8Array(step)
  for (let at = offset; at < offset + length && options.signal?.aborted !== true; at += step) {
    const part = Math.min(step, offset + length - at)
    await disk.write(part === step ? zeroes : zeroes.subarray(0, part), at, { fua })
  }
}

/** Zeroes written at a time to a disk that cannot zero. */
const MAX_ZEROES = 1024 * 1024
