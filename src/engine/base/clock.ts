/** Time, handed in: pure code has no clock of its own, and a test can move this one by hand. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number
  /** Calls `task` once after `ms`; the returned function calls it off. */
  after(ms: number, task: () => void): () => void
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = 0
  #tasks: { at: number; task: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, task }
    this.#tasks.push(entry)
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry)
    }
  }

  /** Moves time forward and runs what is due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = this.#tasks.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#tasks = this.#tasks.filter((t) => t !== due)
      this.#now = due.at
      due.task()
    }
    this.#now = end
  }
}
