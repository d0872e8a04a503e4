// The server's handshake: fixed newstyle only, as a script without sockets. Each option is read whole
// (its length checked first), answered, and the next one follows; an option that we do not know is
// passed over and answered with NBD_REP_ERR_UNSUP. What was negotiated is one value that options
// replace, so that whatever has to void it (a failed SET_META_CONTEXT, STARTTLS) simply does.
//
// The connection is dropped where the specification says so: unknown client flags, an option without
// its magic, NBD_OPT_EXPORT_NAME for an export that is not there or where it is not allowed (TLS is
// required, extended headers were agreed), too many or absurdly long options.

import { ByteReader, ByteWriter, utf8 } from '../base/bytes'
import { PlatterError } from '../base/errors'
import * as nbd from './constants'
import type { ExportSource } from './export-registry'
import type { Script } from './handshake-script'
import { read, secure, send, skip } from './handshake-script'
import { MAX_OPTION_DATA, MAX_OPTION_SKIP, MAX_OPTIONS, MAX_OPTIONS_PER_EXPORT } from './limits'
import type { OptionData } from './option-data'
import { parseInfoRequest, parseName } from './option-data'
import { refuse, refuseUnknown, reply } from './option-replies'
import type { HeaderStyle, ServedExport } from './served-export'
import { describeExport } from './served-export'
import type { ChosenContexts, SelectedContext } from './server-contexts'
import { onMetaContext } from './server-contexts'

/** How a handshake ends: with an export to serve, or with the client taking its leave. */
export type Agreement =
  | {
      readonly kind: 'serve'
      readonly export: ServedExport
      readonly headers: HeaderStyle
      readonly contexts: readonly SelectedContext[]
    }
  | { readonly kind: 'leave' }

/** `required`: nothing is said about any export in the clear. */
export type TlsMode = 'off' | 'optional' | 'required'

export interface ServerHandshakeOptions {
  readonly exports: ExportSource
  /** Asked before each option: the server is going down. */
  isClosing(): boolean
  /** Asked before each option: too many replies wait because the client does not read them. */
  isFlooded?(): boolean
  readonly tls?: TlsMode
}

interface Negotiation {
  readonly isSecure: boolean
  headers: HeaderStyle
  contexts: ChosenContexts | undefined
}

type OptionHandler = (
  state: Negotiation,
  data: OptionData,
  options: ServerHandshakeOptions,
) => Script<Agreement | undefined>

export function* serverHandshake(options: ServerHandshakeOptions): Script<Agreement> {
  const offered = nbd.NBD_FLAG_FIXED_NEWSTYLE | nbd.NBD_FLAG_NO_ZEROES
  yield* send(new ByteWriter(18).u64(nbd.NBDMAGIC).u64(nbd.IHAVEOPT).u16(offered).done())
  const flags = new ByteReader(yield* read(4, 'the client flags')).u32()
  if ((flags & ~offered) !== 0) {
    throw new PlatterError('PROTOCOL', `client flags 0x${flags.toString(16)} were not offered`)
  }
  let state = freshNegotiation(false)
  const most = MAX_OPTIONS + MAX_OPTIONS_PER_EXPORT * options.exports.list().length
  for (let count = 0; count < most; count++) {
    const header = new ByteReader(yield* read(16, 'an option'))
    if (options.isFlooded?.() === true) {
      throw new PlatterError('LIMIT', 'options go on while the replies to them are not read')
    }
    const magic = header.u64()
    if (magic !== nbd.IHAVEOPT) {
      throw new PlatterError('PROTOCOL', `an option begins with 0x${magic.toString(16)}`)
    }
    const option = header.u32()
    const length = header.u32()
    const isFixed = (flags & nbd.NBD_FLAG_C_FIXED_NEWSTYLE) !== 0
    if (!isFixed && option !== nbd.NBD_OPT_EXPORT_NAME) {
      throw new PlatterError('PROTOCOL', `${nbd.nameOfOption(option)} before fixed newstyle`)
    }
    const data = yield* readOption(option, length)
    if (data === undefined) continue
    if (option === nbd.NBD_OPT_EXPORT_NAME) {
      return yield* onExportName(state, data, flags, options)
    }
    if (option === nbd.NBD_OPT_STARTTLS) {
      // Whatever was agreed on in the clear may have been somebody else's wish.
      if (yield* startTls(state, data, options)) state = freshNegotiation(true)
      continue
    }
    const agreement = yield* answerOption(state, data, options)
    if (agreement !== undefined) return agreement
  }
  throw new PlatterError('LIMIT', `more than ${most} options`)
}

const freshNegotiation = (isSecure: boolean): Negotiation => ({
  isSecure,
  headers: 'simple',
  contexts: undefined,
})

/** True once the connection is encrypted. */
function* startTls(
  state: Negotiation,
  { option, bytes }: OptionData,
  options: ServerHandshakeOptions,
): Script<boolean> {
  const no = function* (type: number, why: string): Script<false> {
    yield* refuse(option, type, why)
    return false
  }
  if (bytes.length > 0) return yield* no(nbd.NBD_REP_ERR_INVALID, 'data is not allowed')
  if (state.isSecure) return yield* no(nbd.NBD_REP_ERR_INVALID, 'the connection has TLS already')
  if ((options.tls ?? 'off') === 'off') {
    return yield* no(nbd.NBD_REP_ERR_UNSUP, 'this server has no TLS')
  }
  if (options.isClosing()) return yield* no(nbd.NBD_REP_ERR_SHUTDOWN, CLOSING)
  yield* reply(option, nbd.NBD_REP_ACK)
  yield* secure('the TLS handshake')
  return true
}

const CLOSING = 'the server is shutting down'

/** The option's data; `undefined` when it was too long, passed over and refused. */
function* readOption(option: number, length: number): Script<OptionData | undefined> {
  const name = nbd.nameOfOption(option)
  if (length <= MAX_OPTION_DATA)
    return { option, bytes: yield* read(length, `the data of ${name}`) }
  if (length > MAX_OPTION_SKIP || option === nbd.NBD_OPT_EXPORT_NAME) {
    throw new PlatterError('LIMIT', `${name}: ${length} bytes of data, above ${MAX_OPTION_DATA}`)
  }
  yield* skip(length, `the data of ${name}`)
  yield* refuse(option, nbd.NBD_REP_ERR_TOO_BIG, `${length} bytes, above ${MAX_OPTION_DATA}`)
  return undefined
}

function* answerOption(
  state: Negotiation,
  data: OptionData,
  options: ServerHandshakeOptions,
): Script<Agreement | undefined> {
  const { option } = data
  if (option === nbd.NBD_OPT_ABORT) {
    yield* reply(option, nbd.NBD_REP_ACK)
    return { kind: 'leave' }
  }
  if (options.tls === 'required' && !state.isSecure) {
    return yield* refuse(option, nbd.NBD_REP_ERR_TLS_REQD, 'NBD_OPT_STARTTLS has to come first')
  }
  const handler = HANDLERS.get(option)
  if (handler === undefined) {
    return yield* refuse(option, nbd.NBD_REP_ERR_UNSUP, `${nbd.nameOfOption(option)} is not known`)
  }
  if (options.isClosing()) {
    return yield* refuse(option, nbd.NBD_REP_ERR_SHUTDOWN, CLOSING)
  }
  return yield* handler(state, data, options)
}

const HANDLERS = new Map<number, OptionHandler>([
  [nbd.NBD_OPT_LIST, onList],
  [nbd.NBD_OPT_INFO, onInfo],
  [nbd.NBD_OPT_GO, onInfo],
  [nbd.NBD_OPT_STRUCTURED_REPLY, onStructuredReply],
  [nbd.NBD_OPT_EXTENDED_HEADERS, onExtendedHeaders],
  [nbd.NBD_OPT_LIST_META_CONTEXT, onMetaContext],
  [nbd.NBD_OPT_SET_META_CONTEXT, onMetaContext],
])

function* onExportName(
  state: Negotiation,
  data: OptionData,
  flags: number,
  options: ServerHandshakeOptions,
): Script<Agreement> {
  const name = parseName(data)
  if (options.tls === 'required' && !state.isSecure) {
    throw new PlatterError('PROTOCOL', 'NBD_OPT_EXPORT_NAME before NBD_OPT_STARTTLS')
  }
  if (state.headers === 'extended') {
    throw new PlatterError('PROTOCOL', 'NBD_OPT_EXPORT_NAME after NBD_OPT_EXTENDED_HEADERS')
  }
  const found = name === undefined ? undefined : options.exports.find(name)
  if (found === undefined || options.isClosing()) {
    throw new PlatterError('EXPORT_UNKNOWN', `no export '${name ?? '(not a name)'}'`)
  }
  const served = describeExport(found, state.headers)
  if (served.blockSize.minimum > 1) {
    const why = `needs blocks of ${served.blockSize.minimum}, which NBD_OPT_EXPORT_NAME cannot say`
    throw new PlatterError('NOT_SUPPORTED', `export '${found.name}' ${why}`)
  }
  const padding = (flags & nbd.NBD_FLAG_C_NO_ZEROES) !== 0 ? 0 : nbd.EXPORT_NAME_PADDING
  const fields = new ByteWriter(10 + padding).u64(served.size).u16(served.flags).zeros(padding)
  yield* send(fields.done())
  return agree(state, name ?? '', served)
}

function* onList(
  _state: Negotiation,
  data: OptionData,
  options: ServerHandshakeOptions,
): Script<undefined> {
  const { option, bytes } = data
  if (bytes.length > 0) return yield* refuse(option, nbd.NBD_REP_ERR_INVALID, 'data is not allowed')
  for (const entry of options.exports.list()) {
    const name = utf8(entry.name)
    const description = utf8(entry.description ?? '')
    const body = new ByteWriter(4 + name.length + description.length)
    body.u32(name.length).put(name).put(description)
    yield* reply(option, nbd.NBD_REP_SERVER, body.done())
  }
  return yield* reply(option, nbd.NBD_REP_ACK)
}

/** NBD_OPT_INFO and NBD_OPT_GO: the same answer; the second one also ends the handshake. */
function* onInfo(
  state: Negotiation,
  data: OptionData,
  options: ServerHandshakeOptions,
): Script<Agreement | undefined> {
  const { option } = data
  const request = parseInfoRequest(data)
  if (typeof request === 'string') return yield* refuse(option, nbd.NBD_REP_ERR_INVALID, request)
  const found = options.exports.find(request.name)
  if (found === undefined) return yield* refuseUnknown(option, request.name)
  const withPayload = option === nbd.NBD_OPT_INFO || contextsFor(state, request.name).length > 0
  const served = describeExport(found, state.headers, withPayload)
  yield* sendBlockSize(option, served)
  if (served.blockSize.minimum > 1 && !request.kinds.includes(nbd.NBD_INFO_BLOCK_SIZE)) {
    const why = `blocks of ${served.blockSize.minimum} bytes have to be obeyed`
    return yield* refuse(option, nbd.NBD_REP_ERR_BLOCK_SIZE_REQD, why)
  }
  const { size, flags } = served
  const main = new ByteWriter(12).u16(nbd.NBD_INFO_EXPORT).u64(size).u16(flags)
  yield* reply(option, nbd.NBD_REP_INFO, main.done())
  if (request.kinds.includes(nbd.NBD_INFO_NAME)) {
    yield* sendText(option, nbd.NBD_INFO_NAME, found.name)
  }
  if (request.kinds.includes(nbd.NBD_INFO_DESCRIPTION) && found.description !== undefined) {
    yield* sendText(option, nbd.NBD_INFO_DESCRIPTION, found.description)
  }
  yield* reply(option, nbd.NBD_REP_ACK)
  return option === nbd.NBD_OPT_GO ? agree(state, request.name, served) : undefined
}

function* sendBlockSize(option: number, served: ServedExport): Script<void> {
  const { minimum, preferred, maximum } = served.blockSize
  const sizes = new ByteWriter(14).u16(nbd.NBD_INFO_BLOCK_SIZE)
  yield* reply(option, nbd.NBD_REP_INFO, sizes.u32(minimum).u32(preferred).u32(maximum).done())
}

function* sendText(option: number, kind: number, text: string): Script<void> {
  const bytes = utf8(text)
  yield* reply(
    option,
    nbd.NBD_REP_INFO,
    new ByteWriter(2 + bytes.length).u16(kind).put(bytes).done(),
  )
}

function* onStructuredReply(state: Negotiation, data: OptionData): Script<undefined> {
  const { option, bytes } = data
  if (bytes.length > 0) return yield* refuse(option, nbd.NBD_REP_ERR_INVALID, 'data is not allowed')
  if (state.headers === 'extended') {
    const why = 'extended headers were agreed on, which are structured'
    return yield* refuse(option, nbd.NBD_REP_ERR_EXT_HEADER_REQD, why)
  }
  state.headers = 'structured'
  return yield* reply(option, nbd.NBD_REP_ACK)
}

function* onExtendedHeaders(state: Negotiation, data: OptionData): Script<undefined> {
  const { option, bytes } = data
  if (bytes.length > 0) return yield* refuse(option, nbd.NBD_REP_ERR_INVALID, 'data is not allowed')
  if (state.headers === 'extended') {
    return yield* refuse(option, nbd.NBD_REP_ERR_INVALID, 'extended headers were agreed on already')
  }
  state.headers = 'extended'
  return yield* reply(option, nbd.NBD_REP_ACK)
}

/** Contexts count only if they were set for the very name that the client goes on with. */
function agree(state: Negotiation, exportName: string, served: ServedExport): Agreement {
  const contexts = contextsFor(state, exportName)
  return { kind: 'serve', export: served, headers: state.headers, contexts }
}

const contextsFor = ({ contexts }: Negotiation, exportName: string): readonly SelectedContext[] =>
  contexts?.exportName === exportName ? contexts.selected : []
