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
