// Questions about holes that are answered on the thread that asks, for programs in which nobody waits for
// that thread: to start another costs 50 ms, which is a third of a short command, and a trip to it ten
// times what most of the calls take. What may take long goes to the thread all the same: long walks, large
// allocations, and writing out. Copies are shared (shared-copies.ts).

import { loadHoleLibc } from './hole-libc'
import { HoleAnswers, type HoleReply, type HoleRequest } from './hole-requests'

/** Less than a millisecond of a local file system; on NFS, where each may be a question, 0.2 s. */
const MOST_EXTENTS = 256
/** Giving space back takes 0.2 ms a MiB. */
const MOST_BYTES = 1024 * 1024

export class ShortHoleCalls {
  #loading: Promise<HoleAnswers | undefined> | undefined
  /** Some file has been: the thread is there then, and may as well walk the others. */
  #isFragmented = false

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

  /**
   * `undefined`: this is for the thread to answer after all. A walk may stop earlier than was asked for.
   */
  async answer(request: HoleRequest, signal?: AbortSignal): Promise<HoleReply | undefined> {
    // What cannot be loaded here will not be there either, which then says why.
    this.#loading ??= loadHoleLibc().then(
      (libc) => new HoleAnswers(libc),
      () => undefined,
    )
    const answers = await this.#loading
    if (answers === undefined || request.kind !== 'walk') return answers?.answer(request)
    if (signal?.aborted) return { kind: 'aborted' }
    const maxExtents = Math.min(request.maxExtents, MOST_EXTENTS)
    const reply = answers.answer({ ...request, maxExtents })
    const isFull = reply.kind === 'walked' && reply.lengths.length >= maxExtents
    if (isFull && maxExtents < request.maxExtents) this.#isFragmented = true
    return reply
  }
}
