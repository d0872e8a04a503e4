// The payload bytes that all clients of a server may hold together: what they are sending, what is being
// read for them, and replies that have not left yet. Who finds no room waits in line, unread; nobody
// overtakes. A holder that gives nothing back for a time, while others wait, is cut off: else a few
// clients that never read could keep everybody out.

import type { Clock } from '../base/clock'

export interface BudgetHolder {
  /** There may be room now: ask again. */
  onRoom(): void
  /** It has held `bytes` for too long. */
  onStalled(bytes: number): void
}

interface Holding {
  bytes: number
  /** When it last gave something back, or began to hold. */
  since: number
}

export interface BudgetOptions {
  readonly limit: number
  readonly stallTimeoutMs: number
  readonly clock: Clock
}

export class PayloadBudget {
  readonly #options: BudgetOptions
  readonly #holdings = new Map<BudgetHolder, Holding>()
  readonly #waiting = new Set<BudgetHolder>()
  #used = 0
  #cancelTimer: (() => void) | undefined

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  get used(): number {
    return this.#used
  }

  /** Takes `bytes` for `holder`; false: it stands in line and will be told. Alone, anything fits. */
  take(holder: BudgetHolder, bytes: number): boolean {
    const fits = this.#used === 0 || this.#used + bytes <= this.#options.limit
    const isNext = this.#waiting.size === 0 || firstOf(this.#waiting) === holder
    if (!fits || !isNext) {
      this.#waiting.add(holder)
      this.#watch()
      return false
    }
    this.#waiting.delete(holder)
    this.#used += bytes
    const holding = this.#holdings.get(holder)
    if (holding !== undefined) holding.bytes += bytes
    else this.#holdings.set(holder, { bytes, since: this.#options.clock.now() })
    // The one behind it may fit as well.
    if (this.#waiting.size > 0) this.#wakeFirst()
    return true
  }

  give(holder: BudgetHolder, bytes: number): void {
    const holding = this.#holdings.get(holder)
    if (holding === undefined) return
    this.#used -= bytes
    holding.bytes -= bytes
    holding.since = this.#options.clock.now()
    if (holding.bytes === 0) this.#holdings.delete(holder)
    if (this.#waiting.size > 0) this.#wakeFirst()
  }

  /** It does not want anything now, and stands in nobody's way. */
  withdraw(holder: BudgetHolder): void {
    if (this.#waiting.delete(holder) && this.#waiting.size > 0) this.#wakeFirst()
  }

  /** It is gone: what it held is free, and it waits no more. */
  leave(holder: BudgetHolder): void {
    this.#waiting.delete(holder)
    const holding = this.#holdings.get(holder)
    this.#holdings.delete(holder)
    this.#used -= holding?.bytes ?? 0
    if (this.#waiting.size > 0) this.#wakeFirst()
  }

  #wakeFirst(): void {
    const first = firstOf(this.#waiting)
    if (first !== undefined) queueMicrotask(() => first.onRoom())
  }

  /** While anybody waits, looks at the holders once in a while. */
  #watch(): void {
    const { clock, stallTimeoutMs } = this.#options
    this.#cancelTimer ??= clock.after(stallTimeoutMs / 2, () => {
      this.#cancelTimer = undefined
      if (this.#waiting.size === 0) return
      for (const [holder, { bytes, since }] of [...this.#holdings]) {
        if (clock.now() - since >= stallTimeoutMs) holder.onStalled(bytes)
      }
      this.#watch()
    })
  }
}

const firstOf = <T>(set: ReadonlySet<T>): T | undefined => set.values().next().value
