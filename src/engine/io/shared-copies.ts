// Copies between two files, shared by the hole worker's thread and, where nobody waits for it, the one that
// asks: a thread that does nothing else is kept at work, and what it has no time for is done here, which is
// all of it while it starts. Between two copies of its own this thread hears what happened meanwhile.

import { ensure } from '../base/assert'
import type { HoleReply } from './hole-requests'
import type { HoleWorker } from './hole-worker'
import type { CarryRequest } from './range-carrier'

/** One that the thread works on, and one that it goes on with. */
const AT_THREAD = 2
/** For fewer a thread is not started: they would be done before it is there. */
const WORTH_A_THREAD = 32

interface Waiting {
  readonly request: CarryRequest
  resolve(reply: HoleReply | Promise<HoleReply>): void
}

export class SharedCopies {
  readonly #worker: HoleWorker
  readonly #waiting: Waiting[] = []
  #atThread = 0
  #hasTurn = false
  #hasAnswered = false

  constructor(worker: HoleWorker) {
    this.#worker = worker
  }

  ask(request: CarryRequest): Promise<HoleReply> {
    const reply = new Promise<HoleReply>((resolve) => this.#waiting.push({ request, resolve }))
    this.#hand()
    return reply
  }

  get #isForThread(): boolean {
    const { isStarted, mayWait } = this.#worker
    const least = isStarted || !mayWait ? 1 : WORTH_A_THREAD
    return this.#waiting.length >= least && this.#atThread < AT_THREAD
  }

  #hand(): void {
    while (this.#isForThread) {
      // A thread that still starts would keep back the oldest, before which the others do not count.
      const isNew = this.#worker.mayWait && !this.#hasAnswered
      const next = isNew ? this.#waiting.pop() : this.#waiting.shift()
      const { request, resolve } = ensure(next, 'a copy that waits')
      this.#atThread++
      const reply = this.#worker.ask({ kind: 'copy', ...request }).finally(() => {
        this.#hasAnswered = true
        this.#atThread--
        this.#hand()
      })
      resolve(reply)
    }
    if (this.#waiting.length === 0 || this.#hasTurn || !this.#worker.mayWait) return
    this.#hasTurn = true
    setImmediate(() => {
      this.#hasTurn = false
      const next = this.#waiting.shift()
      if (next !== undefined) next.resolve(this.#worker.askHere({ kind: 'copy', ...next.request }))
      this.#hand()
    })
  }
}
