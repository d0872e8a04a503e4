// Holds byte ranges so that overlapping work waits and the rest goes on. Those that wait are served in
// the order in which they came, so that nobody starves.

import type { ByteRange } from '../base/ranges'
import { endOf } from '../base/ranges'

interface Claim extends ByteRange {
  /** Shared claims go together; an exclusive one meets no other. */
  readonly exclusive: boolean
  readonly granted: () => void
  held: boolean
}

export class RangeLock {
  #claims: Claim[] = []

  /** Runs `work` once no earlier claim stands against it. */
  async hold<T>(range: ByteRange, exclusive: boolean, work: () => Promise<T>): Promise<T> {
    let claim: Claim | undefined
    await new Promise<void>((granted) => {
      claim = { ...range, exclusive, granted, held: false }
      this.#claims.push(claim)
      this.#grant()
    })
    try {
      return await work()
    } finally {
      this.#claims = this.#claims.filter((other) => other !== claim)
      this.#grant()
    }
  }

  #grant(): void {
    for (const [i, claim] of this.#claims.entries()) {
      if (claim.held || this.#claims.slice(0, i).some((other) => conflict(claim, other))) continue
      claim.held = true
      claim.granted()
    }
  }
}

const conflict = (a: Claim, b: Claim): boolean =>
  (a.exclusive || b.exclusive) && a.offset < endOf(b) && b.offset < endOf(a)
