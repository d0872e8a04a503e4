// Work of which only the newest counts: what a pane shows, what is under the pointer.

import { PlatterError } from '../engine/base/errors'

export class LatestSlot {
  #current: AbortController | undefined

  /** True while the newest work is under way. */
  get busy(): boolean {
    return this.#current !== undefined
  }

  /**
   * Runs `work` and aborts what ran before it. Resolves to `undefined`, and drops result or error, when a
   * newer run or cancel() has come in between; rejects only for the newest.
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.cancel()
    const own = new AbortController()
    this.#current = own
    try {
      const result = await work(own.signal)
      return this.#current === own ? result : undefined
    } catch (error) {
      if (this.#current === own) throw error
      return undefined
    } finally {
      if (this.#current === own) this.#current = undefined
    }
  }

  /** Aborts what runs; its result is dropped. */
  cancel(): void {
    const current = this.#current
    this.#current = undefined
    current?.abort(new PlatterError('ABORTED', 'superseded: something newer was asked for'))
  }
}
