import type { Clock } from '../base/clock'

/**
 * The time of this machine. `now` is monotonic: setting the wall clock does not move it. A timer keeps
 * the process alive until it ran, was called off, or the clock was made not to hold the process.
 */
export class SystemClock implements Clock {
  readonly #holdsProcess: boolean

  constructor(options: { readonly holdsProcess?: boolean } = {}) {
    this.#holdsProcess = options.holdsProcess ?? true
  }

  now(): number {
    return performance.now()
  }

  after(ms: number, task: () => void): () => void {
    // A longer delay than this would wrap round and fire at once.
    const timer = setTimeout(task, Math.min(Math.max(ms, 0), 2 ** 31 - 1))
    if (!this.#holdsProcess) timer.unref()
    return () => clearTimeout(timer)
  }
}

export const systemClock: Clock = new SystemClock()

/** For timeouts and ticks that must not keep a finished program from ending. */
export const backgroundClock: Clock = new SystemClock({ holdsProcess: false })
