// Locks on ranges of blocks, first come first served: a claim waits for the earlier claims that it
// meets, held or waiting, and for no others. A range is taken as one, so a request that changes many
// blocks cannot deadlock with another, and none can be overtaken for ever.

import { abortedError, throwIfAborted } from '../base/errors'

interface Claim {
  readonly first: number
  readonly end: number
  /** Later claims that wait for this one. */
  readonly followers: Claim[]
  /** Earlier claims that this one still waits for. */
  waitsFor: number
  grant: () => void
}

export class BlockLocks {
  readonly #claims = new Set<Claim>()

  get isIdle(): boolean {
    return this.#claims.size === 0
  }

  /**
   * Resolves with the function that lets go, once no earlier claim meets `first`…`end` (exclusive).
   * A cancelled wait rejects with ABORTED and leaves nothing behind.
   */
  async acquire(first: number, end: number, signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal, 'wait for a block')
    const claim: Claim = { first, end, followers: [], waitsFor: 0, grant: () => undefined }
    for (const earlier of this.#claims) {
      if (earlier.first >= end || first >= earlier.end) continue
      earlier.followers.push(claim)
      claim.waitsFor++
    }
    this.#claims.add(claim)
    if (claim.waitsFor > 0) await this.#turn(claim, signal)
    let held = true
    return () => {
      if (held) this.#release(claim)
      held = false
    }
  }

  #turn(claim: Claim, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        // The claim keeps its place until its turn comes, and then lets go at once.
        claim.grant = () => this.#release(claim)
        reject(abortedError(signal as AbortSignal, 'wait for a block'))
      }
      claim.grant = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  #release(claim: Claim): void {
    this.#claims.delete(claim)
    for (const follower of claim.followers) {
      follower.waitsFor--
      if (follower.waitsFor === 0) follower.grant()
    }
  }
}
