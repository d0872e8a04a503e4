import { PlatterError } from '../engine/base/errors'

/** Lets changes run side by side, and now and then somebody alone, who keeps new ones out. */
export class ChangeGate {
  readonly #what: string
  readonly #running = new Set<Promise<unknown>>()
  #taken = false

  /** `what` is being changed: for the message of the refusal. */
  constructor(what: string) {
    this.#what = what
  }

  /** BUSY while somebody is alone with it. */
  check(): void {
    if (!this.#taken) return
    const why = 'its overlay is being exchanged: try again in a moment'
    throw new PlatterError('BUSY', `${this.#what}: ${why}; nothing was changed`)
  }

  async change<T>(task: () => Promise<T>): Promise<T> {
    this.check()
    const running = task()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Runs the task when all that was running has ended. */
  async alone<T>(task: () => Promise<T>): Promise<T> {
    this.check()
    this.#taken = true
    try {
      await Promise.allSettled([...this.#running])
      return await task()
    } finally {
      this.#taken = false
    }
  }
}
