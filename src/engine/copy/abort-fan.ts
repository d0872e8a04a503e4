/** As many listeners as a signal may have before Node takes it for a leak, and says so on stderr. */
const MOST_CALLS = 8

interface Branch {
  readonly controller: AbortController
  calls: number
}

/** One cancel for any number of calls at a time: a few of them share a signal, and signals are used again. */
export class AbortFan {
  readonly #signal: AbortSignal | undefined
  readonly #branches: Branch[] = []
  readonly #onAbort = () => {
    for (const { controller } of this.#branches) controller.abort(this.#signal?.reason)
  }

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort)
  }

  async run<T>(call: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    if (this.#signal === undefined || this.#signal.aborted) return call(this.#signal)
    const branch = this.#takeBranch()
    try {
      return await call(branch.controller.signal)
    } finally {
      branch.calls--
    }
  }

  #takeBranch(): Branch {
    let branch = this.#branches.find(({ calls }) => calls < MOST_CALLS)
    if (branch === undefined) {
      branch = { controller: new AbortController(), calls: 0 }
      this.#branches.push(branch)
    }
    branch.calls++
    return branch
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
