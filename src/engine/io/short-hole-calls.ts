// Questions about holes that are answered on the thread that asks, for programs in which nobody waits for
// that thread: to start another costs 50 ms, which is a third of a short command, and a trip to it ten
// times what most of the calls take. What may take long goes to the thread all the same: long walks, large
// allocations, copies, and writing out.

import type { HoleLibc } from './hole-libc'
import { loadHoleLibc } from './hole-libc'
import type { HoleReply, HoleRequest } from './hole-requests'
import { answerHoleRequest } from './hole-requests'

/** Less than a millisecond of a local file system; on NFS, where each may be a question, 0.2 s. */
const MOST_EXTENTS = 256
/** Giving space back takes 0.2 ms a MiB. */
const MOST_BYTES = 1024 * 1024

export class ShortHoleCalls {
  #loading: Promise<HoleLibc | undefined> | undefined
  #isFragmented = false

  /**
   * Of what isShort. `undefined`: this is for the thread to answer after all. A walk may stop earlier than
   * was asked for.
   */
  async answer(request: HoleRequest, signal?: AbortSignal): Promise<HoleReply | undefined> {
    // What cannot be loaded here will not be there either, which then says why.
    this.#loading ??= loadHoleLibc().catch(() => undefined)
    const libc = await this.#loading
    if (libc === undefined) return undefined
    if (request.kind !== 'walk') return answerHoleRequest(libc, request)
    if (signal?.aborted) return { kind: 'aborted' }
    const maxExtents = Math.min(request.maxExtents, MOST_EXTENTS)
    const reply = answerHoleRequest(libc, { ...request, maxExtents })
    const isFull = reply.kind === 'walked' && reply.lengths.length >= maxExtents
    if (isFull && maxExtents < request.maxExtents) this.#isFragmented = true
    return reply
  }

  isShort(request: HoleRequest): boolean {
    switch (request.kind) {
      case 'probe':
      case 'size':
        return true
      case 'walk':
        return !this.#isFragmented
      case 'allocate':
        return request.length <= MOST_BYTES
      default:
        return false
    }
  }
}
