import type { Clock } from '../engine/base/clock'

/** Runs `task` soon after the first call, and at most once an interval however often it is asked. */
export class Throttle {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #task: () => void
  #callOff: (() => void) | undefined

  constructor(clock: Clock, intervalMs: number, task: () => void) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#task = task
  }

  request(): void {
    if (this.#callOff !== undefined) return
    this.#callOff = this.#clock.after(this.#intervalMs, () => {
      this.#callOff = undefined
      this.#task()
    })
  }

  /** Runs what is waiting now. */
  flush(): void {
    if (this.#callOff === undefined) return
    this.stop()
    this.#task()
  }

  stop(): void {
    this.#callOff?.()
    this.#callOff = undefined
  }
}
