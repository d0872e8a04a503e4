import type { Clock } from '../base/clock'

/**
 * One timer for any number of deadlines: set for the earliest one that was announced, and then asking
 * its owner, who looks at all of them and names the next.
 */
export class SweepTimer {
  readonly #clock: Clock
  readonly #sweep: () => number | undefined
  #at = Number.POSITIVE_INFINITY
  #cancel: () => void = () => undefined

  constructor(clock: Clock, sweep: () => number | undefined) {
    this.#clock = clock
    this.#sweep = sweep
  }

  /** There is a deadline at `time`. */
  expect(time: number): void {
    if (time >= this.#at) return
    this.#cancel()
    this.#at = time
    this.#cancel = this.#clock.after(Math.max(0, time - this.#clock.now()), () => this.#run())
  }

  stop(): void {
    this.#cancel()
    this.#at = Number.POSITIVE_INFINITY
  }

  #run(): void {
    this.#at = Number.POSITIVE_INFINITY
    const next = this.#sweep()
    if (next !== undefined) this.expect(next)
  }
}
