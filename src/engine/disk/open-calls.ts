import { PlatterError } from '../base/errors'

/** Counts the calls in progress on a disk, so that close() waits for them and later calls are refused. */
export class OpenCalls {
  readonly #what: string
  #active = 0
  #closed = false
  #idle: (() => void)[] = []

  /** `what` names the disk in the refusal. */
  constructor(what: string) {
    this.#what = what
  }

  get isClosed(): boolean {
    return this.#closed
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new PlatterError('CLOSED', `${this.#what}: the disk is closed`)
    this.#active++
    try {
      return await call()
    } finally {
      this.#active--
      if (this.#active === 0) for (const wake of this.#idle.splice(0)) wake()
    }
  }

  /** Refuses what comes later and waits for what is under way; false when it was closed before. */
  async close(): Promise<boolean> {
    const first = !this.#closed
    this.#closed = true
    if (this.#active > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    return first
  }
}
