/**
 * One cancel for any number of calls at a time. Each call gets a signal of its own: so many listeners on
 * one signal would look like a leak, and Node says so on stderr.
 */
export class AbortFan {
  readonly #signal: AbortSignal | undefined
  readonly #open = new Set<AbortController>()
  readonly #onAbort = () => {
    for (const call of this.#open) call.abort(this.#signal?.reason)
  }

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort)
  }

  async run<T>(call: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const signal = this.#signal
    if (signal === undefined || signal.aborted) return call(signal)
    const own = new AbortController()
    this.#open.add(own)
    try {
      return await call(own.signal)
    } finally {
      this.#open.delete(own)
    }
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
