// The client's handshake, from the server's first byte to the transmission phase or to a list of
// exports, as scripts without sockets (handshake-script.ts). What is asked for, in this order: TLS
// (first, since it voids all that was agreed on before it), extended headers, without them structured
// replies, then contexts (they need one of the two), then NBD_OPT_GO with all that it may tell; a server
// without GO gets NBD_OPT_EXPORT_NAME, a server that is not fixed newstyle nothing else.
// Only flags that the server offered are sent back.

import { ByteReader, ByteWriter, safeNumber, utf8 } from '../base/bytes'
import { PlatterError } from '../base/errors'
import type { OptionAnswer } from './client-options'
import { encodeOption, encodeString, errorOfOption, exchangeOption } from './client-options'
import * as nbd from './constants'
import type { ExportInfo, MetaContextId, WireBlockSize } from './export-info'
import { parseBlockSize } from './export-info'
import type { Script } from './handshake-script'
import { read, secure, send, skip } from './handshake-script'
import { MAX_CONTEXTS } from './limits'

/**
 * `never`: not asked for. `opportunistic`: a server without it is used in the clear. `required`: a
 * server without it is refused, and so is one too old to have it, which may be somebody in the middle.
 */
export type TlsWish = 'never' | 'opportunistic' | 'required'

export interface OpenGoal {
  readonly exportName: string
  /** Contexts to ask for, in order of preference; those that the server lacks are left out. */
  readonly contexts: readonly string[]
  /** The most to ask for; extended headers unless told. */
  readonly replies?: 'simple' | 'structured' | 'extended' | undefined
  readonly tls?: TlsWish | undefined
  /** Also find out which contexts there are to ask for. */
  readonly listContexts?: boolean | undefined
}

export type Greeting =
  | { readonly style: 'oldstyle'; readonly size: number; readonly flags: number }
  | { readonly style: 'newstyle'; readonly fixed: boolean; readonly noZeroes: boolean }

/** Reads the server's first words and answers with the client's flags. */
export function* greet(): Script<Greeting> {
  const magics = new ByteReader(yield* read(16, `the server's greeting`))
  const first = magics.u64()
  if (first !== nbd.NBDMAGIC) {
    throw new PlatterError('PROTOCOL', `not an NBD server: it begins with 0x${first.toString(16)}`)
  }
  const second = magics.u64()
  if (second === nbd.NBD_OLDSTYLE_MAGIC) return yield* readOldstyle()
  if (second !== nbd.IHAVEOPT) {
    throw new PlatterError('PROTOCOL', `unknown handshake 0x${second.toString(16)}`)
  }
  const offered = new ByteReader(yield* read(2, 'the handshake flags')).u16()
  const known = nbd.NBD_FLAG_FIXED_NEWSTYLE | nbd.NBD_FLAG_NO_ZEROES
  yield* send(new ByteWriter(4).u32(offered & known).done())
  return {
    style: 'newstyle',
    fixed: (offered & nbd.NBD_FLAG_FIXED_NEWSTYLE) !== 0,
    noZeroes: (offered & nbd.NBD_FLAG_NO_ZEROES) !== 0,
  }
}

function* readOldstyle(): Script<Greeting> {
  const fields = new ByteReader(yield* read(12, 'the oldstyle export'))
  const size = fields.u64Safe('the export size')
  const flags = fields.u32() & 0xffff
  yield* skip(nbd.EXPORT_NAME_PADDING, 'the oldstyle padding')
  return { style: 'oldstyle', size, flags }
}

/** The greeting, and TLS behind it when it is wished for and to be had. */
export function* greetSecurely(wish: TlsWish): Script<{ greeting: Greeting; tls: boolean }> {
  const greeting = yield* greet()
  if (wish === 'never') return { greeting, tls: false }
  if (greeting.style === 'oldstyle' || !greeting.fixed) {
    if (wish === 'opportunistic') return { greeting, tls: false }
    throw new PlatterError('REFUSED', 'the server is too old for TLS, which the URI demands')
  }
  const answer = yield* exchangeOption(nbd.NBD_OPT_STARTTLS)
  const [reply] = answer.replies
  if (reply !== undefined) throw unexpectedReply(answer, reply.type, reply.data.length)
  if (answer.error === undefined) {
    yield* secure('the end of the TLS handshake')
    return { greeting, tls: true }
  }
  if (wish === 'opportunistic') return { greeting, tls: false }
  yield* send(encodeOption(nbd.NBD_OPT_ABORT))
  throw errorOfOption(answer, 'TLS, which the URI demands')
}

/** Opens one export. After it, the connection is in the transmission phase. */
export function* openExport(goal: OpenGoal): Script<ExportInfo> {
  const { greeting, tls } = yield* greetSecurely(goal.tls ?? 'never')
  const plain = {
    exportName: goal.exportName,
    structured: false,
    extended: false,
    tls,
    contexts: [],
  } as const
  if (greeting.style === 'oldstyle') {
    if (goal.exportName !== '') {
      throw new PlatterError(
        'EXPORT_UNKNOWN',
        `export '${goal.exportName}': the server is of the old style, which has no names`,
      )
    }
    return { ...plain, size: greeting.size, flags: greeting.flags, handshake: 'oldstyle' }
  }
  if (!greeting.fixed) {
    const chosen = yield* chooseByName(goal.exportName, greeting.noZeroes)
    return { ...plain, ...chosen, handshake: 'newstyle' }
  }
  const replies = yield* askForReplies(goal.replies ?? 'extended')
  const offered =
    replies.structured && goal.listContexts === true
      ? yield* listContexts(goal.exportName)
      : undefined
  const contexts = replies.structured ? yield* askForContexts(goal) : []
  const common = {
    exportName: goal.exportName,
    tls,
    ...replies,
    contexts,
    ...(offered === undefined ? {} : { offeredContexts: offered }),
  } as const
  const details = yield* go(goal.exportName)
  if (details !== undefined) return { ...common, ...details, handshake: 'fixed newstyle' }
  if (replies.extended) {
    throw new PlatterError('PROTOCOL', 'the server has extended headers but not NBD_OPT_GO')
  }
  const chosen = yield* chooseByName(goal.exportName, greeting.noZeroes)
  return { ...common, ...chosen, handshake: 'fixed newstyle' }
}

export interface Replies {
  readonly structured: boolean
  readonly extended: boolean
}

/** Extended headers bring structured replies with them. */
export function* askForReplies(most: 'simple' | 'structured' | 'extended'): Script<Replies> {
  if (most === 'extended' && (yield* agree(nbd.NBD_OPT_EXTENDED_HEADERS))) {
    return { structured: true, extended: true }
  }
  const structured = most !== 'simple' && (yield* agree(nbd.NBD_OPT_STRUCTURED_REPLY))
  return { structured, extended: false }
}

/** An option without data that the server has or has not. */
export function* agree(option: number): Script<boolean> {
  const answer = yield* exchangeOption(option)
  const [reply] = answer.replies
  if (reply !== undefined) throw unexpectedReply(answer, reply.type, reply.data.length)
  if (answer.error === undefined) return true
  if (answer.error.type === nbd.NBD_REP_ERR_TLS_REQD) throw errorOfOption(answer, 'connection')
  return false
}

function* askForContexts(goal: OpenGoal): Script<MetaContextId[]> {
  if (goal.contexts.length === 0) return []
  const data = encodeQueries(goal.exportName, goal.contexts)
  const answer = yield* exchangeOption(nbd.NBD_OPT_SET_META_CONTEXT, data)
  // A server without contexts, or that refuses them, still serves reads; GO will say what is wrong.
  return answer.error === undefined ? parseContexts(answer, goal.contexts) : []
}

/** Every context that the server names; undefined when it will not tell. */
export function* listContexts(exportName: string): Script<string[] | undefined> {
  const answer = yield* exchangeOption(nbd.NBD_OPT_LIST_META_CONTEXT, encodeQueries(exportName, []))
  if (answer.error !== undefined) return undefined
  const names = new Set<string>()
  for (const { type, data } of answer.replies) {
    const name =
      type === nbd.NBD_REP_META_CONTEXT && data.length > 4
        ? new ByteReader(data.subarray(4)).text(data.length - 4)
        : undefined
    if (name === undefined) throw unexpectedReply(answer, type, data.length)
    names.add(name)
  }
  return [...names]
}

/** The data of NBD_OPT_SET_META_CONTEXT and NBD_OPT_LIST_META_CONTEXT. */
export function encodeQueries(exportName: string, contexts: readonly string[]): Uint8Array {
  const queries = contexts.map(encodeString)
  const name = encodeString(exportName)
  const length = queries.reduce((sum, query) => sum + query.length, name.length + 4)
  const data = new ByteWriter(length).put(name).u32(queries.length)
  for (const query of queries) data.put(query)
  return data.done()
}

function parseContexts(answer: OptionAnswer, asked: readonly string[]): MetaContextId[] {
  const found: MetaContextId[] = []
  for (const reply of answer.replies) {
    const reader = new ByteReader(reply.data)
    if (reply.type !== nbd.NBD_REP_META_CONTEXT || reply.data.length < 5) {
      throw unexpectedReply(answer, reply.type, reply.data.length)
    }
    const id = reader.u32()
    const name = reader.text(reader.remaining)
    if (name === undefined || found.length === MAX_CONTEXTS || found.some((c) => c.id === id)) {
      throw new PlatterError(
        'PROTOCOL',
        `context '${name ?? '?'}': bad name, number ${id} or count`,
      )
    }
    if (asked.includes(name)) found.push({ id, name })
  }
  return found
}

export type ExportDetails = Omit<
  ExportInfo,
  'exportName' | 'structured' | 'extended' | 'tls' | 'contexts' | 'offeredContexts' | 'handshake'
>

const INFO_ASKED = [nbd.NBD_INFO_NAME, nbd.NBD_INFO_DESCRIPTION, nbd.NBD_INFO_BLOCK_SIZE]

/** NBD_OPT_GO; `undefined` when the server does not know the option. */
function* go(exportName: string): Script<ExportDetails | undefined> {
  const answer = yield* askAbout(nbd.NBD_OPT_GO, exportName)
  if (answer.error === undefined) return parseDetails(answer, exportName)
  if (answer.error.type === nbd.NBD_REP_ERR_UNSUP) return undefined
  yield* send(encodeOption(nbd.NBD_OPT_ABORT))
  throw errorOfOption(answer, `export '${exportName}'`)
}

/** Sends NBD_OPT_INFO or NBD_OPT_GO for one export, asking for all that it may tell. */
export function* askAbout(option: number, exportName: string): Script<OptionAnswer> {
  const name = encodeString(exportName)
  const data = new ByteWriter(name.length + 2 + 2 * INFO_ASKED.length)
  data.put(name).u16(INFO_ASKED.length)
  for (const info of INFO_ASKED) data.u16(info)
  return yield* exchangeOption(option, data.done())
}

/** The INFO replies to one question; kinds of information that we do not know are passed over. */
export function parseDetails(answer: OptionAnswer, exportName: string): ExportDetails {
  let main: { size: number; flags: number } | undefined
  let blockSize: WireBlockSize | undefined
  const texts: { canonicalName?: string; description?: string } = {}
  for (const { type, data } of answer.replies) {
    if (type !== nbd.NBD_REP_INFO || data.length < 2) {
      throw unexpectedReply(answer, type, data.length)
    }
    const reader = new ByteReader(data)
    const kind = reader.u16()
    if (kind === nbd.NBD_INFO_EXPORT) {
      if (data.length !== 12) throw unexpectedReply(answer, type, data.length)
      main = { size: safeNumber(reader.u64(), 'the export size'), flags: reader.u16() }
    } else if (kind === nbd.NBD_INFO_BLOCK_SIZE) {
      if (data.length !== 14) throw unexpectedReply(answer, type, data.length)
      blockSize = parseBlockSize(reader)
    } else if (kind === nbd.NBD_INFO_NAME) {
      const name = reader.text(reader.remaining)
      if (name !== undefined && name !== exportName) texts.canonicalName = name
    } else if (kind === nbd.NBD_INFO_DESCRIPTION) {
      const text = reader.text(reader.remaining)
      if (text !== undefined && text !== '') texts.description = text
    }
  }
  if (main === undefined) {
    throw new PlatterError('PROTOCOL', `export '${exportName}': the server left its size out`)
  }
  return { ...main, ...texts, ...(blockSize === undefined ? {} : { blockSize }) }
}

/** NBD_OPT_EXPORT_NAME: the oldest way, whose only refusal is that the server hangs up. */
function* chooseByName(exportName: string, noZeroes: boolean): Script<ExportDetails> {
  yield* send(encodeOption(nbd.NBD_OPT_EXPORT_NAME, utf8(exportName)))
  const fields = new ByteReader(yield* read(10, EXPORT_NAME_STAGE))
  const size = fields.u64Safe('the export size')
  const flags = fields.u16()
  if (!noZeroes) yield* skip(nbd.EXPORT_NAME_PADDING, 'the padding after NBD_OPT_EXPORT_NAME')
  return { size, flags }
}

/** A server that hangs up at this stage means that it has no such export. */
export const EXPORT_NAME_STAGE = 'the reply to NBD_OPT_EXPORT_NAME'

export function unexpectedReply(answer: OptionAnswer, type: number, length: number): PlatterError {
  return new PlatterError(
    'PROTOCOL',
    `${nbd.nameOfOption(answer.option)}: unexpected ${nbd.nameOfOptionReply(type)} of ${length} bytes`,
  )
}
