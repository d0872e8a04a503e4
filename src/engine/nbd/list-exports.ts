// Asks a server what it serves: one NBD_OPT_LIST, then NBD_OPT_INFO for each of the first
// MAX_LISTED_INFO names, all on one connection that ends with NBD_OPT_ABORT. In full, the kind of
// replies is settled first, and each export is asked for its contexts as well.
//
// nbd-server up to 3.24 says of every export in NBD_OPT_INFO that it is empty. So what is said to be empty
// is opened, on a connection of its own, and only then believed.

import { ByteReader } from '../base/bytes'
import type { Clock } from '../base/clock'
import { PlatterError } from '../base/errors'
import type { ExportDetails, Replies, TlsWish } from './client-handshake'
import {
  askAbout,
  askForReplies,
  greetSecurely,
  listContexts,
  parseDetails,
  unexpectedReply,
} from './client-handshake'
import { openNbdClient } from './client-open'
import type { OptionAnswer } from './client-options'
import { encodeOption, errorOfOption, exchangeOption } from './client-options'
import * as nbd from './constants'
import type { Script } from './handshake-script'
import { send } from './handshake-script'
import {
  DEFAULT_CONNECT_TIMEOUT_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  MAX_LISTED_INFO,
  MAX_LISTED_OPENED,
  MAX_STRING,
} from './limits'
import type { SecureTransport } from './run-handshake'
import { runHandshake } from './run-handshake'
import type { Transport } from './transport'

export interface ListedExport {
  readonly name: string
  readonly description: string
  /** Absent when the server did not say, with `error` when it refused. */
  readonly size?: number
  readonly readOnly?: boolean
  readonly error?: string
  /** In full. */
  readonly details?: ExportDetails
  readonly contexts?: readonly string[]
}

/** What one connection tells of a server and of all its exports. */
export interface ServerReport extends Replies {
  readonly handshake: 'fixed newstyle' | 'oldstyle'
  readonly tls: boolean
  readonly exports: readonly ListedExport[]
}

export interface ListNbdOptions {
  readonly dial: (signal?: AbortSignal) => Promise<Transport>
  readonly clock: Clock
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** TLS, and who does it; not asked for unless told. */
  readonly tls?: { readonly wish: TlsWish; readonly secure: SecureTransport } | undefined
}

export async function listNbdExports(options: ListNbdOptions): Promise<readonly ListedExport[]> {
  const { exports } = await askServer(options, false)
  return exports.map(({ details: _, ...listed }) => listed)
}

export const reportNbdServer = (options: ListNbdOptions): Promise<ServerReport> =>
  askServer(options, true)

async function askServer(options: ListNbdOptions, inFull: boolean): Promise<ServerReport> {
  const transport = await options.dial(options.signal)
  const report = await runHandshake({
    transport,
    script: reportScript(inFull, options.tls?.wish),
    clock: options.clock,
    timeoutMs: options.timeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    signal: options.signal,
    secure: options.tls?.secure,
    finish: (result) => ({ result }),
  })
  if (report.handshake === 'oldstyle') return report
  return { ...report, exports: await openTheEmpty(report.exports, options) }
}

/** The first MAX_LISTED_OPENED exports of size 0, with the size that they have when they are opened. */
async function openTheEmpty(
  exports: readonly ListedExport[],
  options: ListNbdOptions,
): Promise<ListedExport[]> {
  const known: ListedExport[] = []
  let opened = 0
  for (const listed of exports) {
    const isDoubtful = listed.size === 0 && opened < MAX_LISTED_OPENED
    if (isDoubtful) opened++
    known.push(isDoubtful ? await withOpenedSize(listed, options) : listed)
  }
  return known
}

async function withOpenedSize(
  { size: _, ...listed }: ListedExport,
  options: ListNbdOptions,
): Promise<ListedExport> {
  const { dial, clock, tls, signal, timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options
  const connection = {
    dial,
    goal: { exportName: listed.name, contexts: [], tls: tls?.wish },
    secure: tls?.secure,
    clock,
    connectTimeoutMs: timeoutMs,
    requestTimeoutMs: DEFAULT_REQUEST_TIMEOUT_MS,
  }
  try {
    const client = await openNbdClient(connection, () => undefined, signal)
    await client.disconnect()
    const { size } = client.info
    const details = listed.details === undefined ? {} : { details: { ...listed.details, size } }
    return { ...listed, size, ...details }
  } catch (error) {
    // Refused: said of this export alone. A server that is gone, silent or wrong fails the whole list.
    const isRefusal =
      error instanceof PlatterError && ['EXPORT_UNKNOWN', 'REFUSED'].includes(error.code)
    if (!isRefusal) throw error
    return { ...listed, error: `said to be empty, and cannot be opened: ${error.message}` }
  }
}

export function* reportScript(inFull: boolean, wish: TlsWish = 'never'): Script<ServerReport> {
  const { greeting, tls } = yield* greetSecurely(wish)
  if (greeting.style === 'oldstyle') {
    const { size, flags } = greeting
    const readOnly = (flags & nbd.NBD_FLAG_READ_ONLY) !== 0
    const only = { name: '', description: '', size, readOnly, details: { size, flags } }
    return { handshake: 'oldstyle', tls, structured: false, extended: false, exports: [only] }
  }
  if (!greeting.fixed) {
    throw new PlatterError('NOT_SUPPORTED', 'the server is too old to list its exports')
  }
  const replies = inFull ? yield* askForReplies('extended') : { structured: false, extended: false }
  const exports = yield* listAll(inFull && replies.structured)
  return { handshake: 'fixed newstyle', tls, ...replies, exports }
}

function* listAll(withContexts: boolean): Script<ListedExport[]> {
  const answer = yield* exchangeOption(nbd.NBD_OPT_LIST)
  if (answer.error !== undefined) {
    yield* send(encodeOption(nbd.NBD_OPT_ABORT))
    throw errorOfOption(answer, 'list of exports')
  }
  const found = answer.replies.map((reply) => parseServerReply(answer, reply.type, reply.data))
  const exports: ListedExport[] = []
  let canAsk = true
  for (const [i, listed] of found.entries()) {
    if (!canAsk || i >= MAX_LISTED_INFO) {
      exports.push(listed)
      continue
    }
    const info = yield* askAbout(nbd.NBD_OPT_INFO, listed.name)
    canAsk = info.error?.type !== nbd.NBD_REP_ERR_UNSUP
    const known = canAsk ? withDetails(listed, info) : listed
    const contexts = withContexts ? yield* listContexts(listed.name) : undefined
    exports.push(contexts === undefined ? known : { ...known, contexts })
  }
  yield* send(encodeOption(nbd.NBD_OPT_ABORT))
  return exports
}

function parseServerReply(answer: OptionAnswer, type: number, data: Uint8Array): ListedExport {
  if (type !== nbd.NBD_REP_SERVER || data.length < 4) {
    throw unexpectedReply(answer, type, data.length)
  }
  const reader = new ByteReader(data)
  const length = reader.u32()
  if (length > reader.remaining || length > MAX_STRING) {
    throw new PlatterError(
      'PROTOCOL',
      `NBD_OPT_LIST: a name of ${length} bytes in a reply of ${data.length}`,
    )
  }
  const name = reader.text(length)
  if (name === undefined) throw new PlatterError('PROTOCOL', 'NBD_OPT_LIST: a name is not UTF-8')
  return { name, description: reader.text(Math.min(reader.remaining, MAX_STRING)) ?? '' }
}

function withDetails(listed: ListedExport, answer: OptionAnswer): ListedExport {
  try {
    if (answer.error !== undefined) throw errorOfOption(answer, 'details')
    const details = parseDetails(answer, listed.name)
    const { size, flags, description = listed.description } = details
    const readOnly = (flags & nbd.NBD_FLAG_READ_ONLY) !== 0
    return { ...listed, size, readOnly, description, details }
  } catch (error) {
    if (!(error instanceof PlatterError)) throw error
    return { ...listed, error: error.message }
  }
}
