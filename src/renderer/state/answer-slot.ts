// Asks a host for one thing that is on screen, again and again as it changes. Another subject cancels
// the question before it; the same subject at another stamp waits for the answer under way and is then
// asked once, so that a disk that changes all the time still gets answers, and never a queue of them.

export interface SlotAnswer<T> {
  readonly subject: string
  readonly stamp: number
  readonly value?: T
  readonly error?: unknown
}

export interface SlotQuestion<T> {
  readonly subject: string
  readonly stamp: number
  load(signal: AbortSignal): Promise<T>
}

export class AnswerSlot<T> {
  readonly #onAnswer: (answer: SlotAnswer<T>) => void
  #running: { question: SlotQuestion<T>; abort: AbortController } | undefined
  #next: SlotQuestion<T> | undefined

  constructor(onAnswer: (answer: SlotAnswer<T>) => void) {
    this.#onAnswer = onAnswer
  }

  ask(question: SlotQuestion<T>): void {
    if (this.#running?.question.subject === question.subject) {
      this.#next = question
      return
    }
    this.close()
    this.#start(question)
  }

  /** Forgets what is under way: nothing is heard of it any more. */
  close(): void {
    this.#running?.abort.abort()
    this.#running = undefined
    this.#next = undefined
  }

  #start(question: SlotQuestion<T>): void {
    const abort = new AbortController()
    const running = { question, abort }
    this.#running = running
    const { subject, stamp } = question
    question.load(abort.signal).then(
      (value) => this.#settle(running, { subject, stamp, value }),
      (error: unknown) => this.#settle(running, { subject, stamp, error }),
    )
  }

  #settle(running: object, answer: SlotAnswer<T>): void {
    if (this.#running !== running) return
    const next = this.#next
    this.#running = undefined
    this.#next = undefined
    this.#onAnswer(answer)
    if (next !== undefined) this.ask(next)
  }
}
