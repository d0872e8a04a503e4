// What a handshake says about an export, and the checks that make it fit to rely on.

import type { ByteReader } from '../base/bytes'
import { PlatterError } from '../base/errors'
import { isPowerOfTwo } from '../base/ranges'
import { MAX_MINIMUM_BLOCK } from './limits'

/** Block sizes as the server sent them; `maximum` may be 0xffffffff for no limit. */
export interface WireBlockSize {
  readonly minimum: number
  readonly preferred: number
  readonly maximum: number
}

export interface MetaContextId {
  readonly id: number
  readonly name: string
}

export interface ExportInfo {
  readonly exportName: string
  /** What the server calls the export, when it says so and it differs. */
  readonly canonicalName?: string
  readonly description?: string
  readonly size: number
  /** Transmission flags. */
  readonly flags: number
  readonly blockSize?: WireBlockSize
  readonly handshake: 'fixed newstyle' | 'newstyle' | 'oldstyle'
  /** Structured replies were negotiated. */
  readonly structured: boolean
  /** Extended headers were negotiated: lengths have 64 bits. */
  readonly extended: boolean
  /** The connection is encrypted. */
  readonly tls: boolean
  /** The contexts that were asked for and agreed on. */
  readonly contexts: readonly MetaContextId[]
  /** All that the server names, when it was asked for them and told. */
  readonly offeredContexts?: readonly string[]
}

/** What is not as it was, for a connection made anew; `undefined` when all that matters is the same. */
export function changeOfExport(before: ExportInfo, after: ExportInfo): string | undefined {
  const compare = (what: string, old: unknown, now: unknown): string | undefined =>
    old === now ? undefined : `the ${what} is ${now}, which was ${old}`
  const sizes = ({ blockSize }: ExportInfo) =>
    blockSize === undefined
      ? 'unknown'
      : `${blockSize.minimum}/${blockSize.preferred}/${blockSize.maximum}`
  const contexts = (info: ExportInfo) =>
    info.contexts
      .map(({ name }) => name)
      .sort()
      .join(', ') || 'none'
  return (
    compare('size', before.size, after.size) ??
    compare('set of flags', before.flags, after.flags) ??
    compare('set of block sizes', sizes(before), sizes(after)) ??
    compare('set of contexts', contexts(before), contexts(after)) ??
    compare('use of extended headers', before.extended, after.extended) ??
    compare('use of TLS', before.tls, after.tls)
  )
}

/** The 12 bytes of NBD_INFO_BLOCK_SIZE after its type; refuses sizes that no request could obey. */
export function parseBlockSize(reader: ByteReader): WireBlockSize {
  const size = { minimum: reader.u32(), preferred: reader.u32(), maximum: reader.u32() }
  const { minimum, preferred, maximum } = size
  const refuse = (what: string): never => {
    throw new PlatterError(
      'PROTOCOL',
      `block sizes: ${what} (minimum ${minimum}, preferred ${preferred}, maximum ${maximum})`,
    )
  }
  if (!isPowerOfTwo(minimum)) refuse('the minimum is not a power of two')
  if (minimum > MAX_MINIMUM_BLOCK) refuse(`the minimum is above ${MAX_MINIMUM_BLOCK}`)
  if (!isPowerOfTwo(preferred)) refuse('the preferred size is not a power of two')
  if (preferred < minimum) refuse('the preferred size is below the minimum')
  if (maximum < minimum) refuse('the maximum is below the minimum')
  if (maximum !== 0xffffffff && maximum % minimum !== 0) {
    refuse('the maximum is not a multiple of the minimum')
  }
  return size
}
