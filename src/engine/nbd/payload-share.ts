// One client's part of the payload bytes that all clients may hold together, and its own limit on it.

import type { BudgetHolder, PayloadBudget } from './payload-budget'

export interface PayloadShareOptions extends BudgetHolder {
  readonly budget: PayloadBudget
  /** The most that this client may hold; a single request may always have what it needs. */
  readonly limit: number
}

export class PayloadShare {
  readonly #options: PayloadShareOptions
  #held = 0

  constructor(options: PayloadShareOptions) {
    this.#options = options
  }

  /** False: not now; onRoom() tells when to ask again, or a give() does. */
  take(bytes: number): boolean {
    if (bytes === 0) return true
    const { budget, limit } = this.#options
    if (this.#held > 0 && this.#held + bytes > limit) {
      budget.withdraw(this.#options)
      return false
    }
    if (!budget.take(this.#options, bytes)) return false
    this.#held += bytes
    return true
  }

  give(bytes: number): void {
    this.#held -= bytes
    this.#options.budget.give(this.#options, bytes)
  }

  /** Wants nothing more for now. */
  withdraw(): void {
    this.#options.budget.withdraw(this.#options)
  }

  /** The client is gone, and all that it held is free. */
  leave(): void {
    this.#options.budget.leave(this.#options)
  }
}
