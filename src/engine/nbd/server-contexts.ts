// Which kinds of block status a client may ask an export for, and which it has chosen.

import { ByteWriter, utf8 } from '../base/bytes'
import * as nbd from './constants'
import type { ExportSource, MetaContext, NbdExport } from './export-registry'
import type { Script } from './handshake-script'
import { MAX_CONTEXTS } from './limits'
import type { OptionData } from './option-data'
import { parseMetaRequest } from './option-data'
import { refuse, refuseUnknown, reply } from './option-replies'
import type { HeaderStyle } from './served-export'
import { contextsOf } from './served-export'

export interface SelectedContext {
  readonly id: number
  readonly context: MetaContext
}

/** What a SET has chosen, for the name that it was given. */
export interface ChosenContexts {
  readonly exportName: string
  readonly selected: readonly SelectedContext[]
}

/** Whoever negotiates; a SET leaves what it chose in it. */
export interface ContextChoice {
  readonly headers: HeaderStyle
  contexts: ChosenContexts | undefined
}

export function* onMetaContext(
  state: ContextChoice,
  data: OptionData,
  options: { readonly exports: ExportSource },
): Script<undefined> {
  const { option } = data
  const isSet = option === nbd.NBD_OPT_SET_META_CONTEXT
  // Whatever becomes of it, a SET voids the one before.
  if (isSet) state.contexts = undefined
  if (state.headers === 'simple') {
    return yield* refuse(option, nbd.NBD_REP_ERR_INVALID, 'structured replies come first')
  }
  const request = parseMetaRequest(data)
  if (typeof request === 'string') return yield* refuse(option, nbd.NBD_REP_ERR_INVALID, request)
  const found = options.exports.find(request.name)
  if (found === undefined) return yield* refuseUnknown(option, request.name)
  const selected = isSet
    ? selectContexts(found, request.queries)
    : listContexts(found, request.queries)
  for (const { id, context } of selected) {
    const name = utf8(context.name)
    const body = new ByteWriter(4 + name.length).u32(id).put(name)
    yield* reply(option, nbd.NBD_REP_META_CONTEXT, body.done())
  }
  if (isSet) state.contexts = { exportName: request.name, selected }
  return yield* reply(option, nbd.NBD_REP_ACK)
}

/** Exact names only, each once; a namespace alone selects nothing. */
function selectContexts(source: NbdExport, queries: readonly string[]): SelectedContext[] {
  return contextsOf(source)
    .filter((context) => queries.includes(context.name))
    .slice(0, MAX_CONTEXTS)
    .map((context, i) => ({ id: i + 1, context }))
}

/** No query lists all; `base:` lists a namespace, and `qemu:dirty-bitmap:` a part of one. */
function listContexts(source: NbdExport, queries: readonly string[]): SelectedContext[] {
  const matches = (name: string) =>
    queries.length === 0 ||
    queries.some((query) => query === name || (query.endsWith(':') && name.startsWith(query)))
  return contextsOf(source)
    .filter((context) => matches(context.name))
    .map((context) => ({ id: 0, context }))
}
