// A handshake is written as a script: a generator that yields what it needs (bytes to read, bytes to
// pass over) and what it says, and is fed by ScriptRunner with chunks cut anywhere. No socket, no clock:
// the step that a script stands at has a name, which is what a timeout or a hang-up reports.
// A script that asks for a secure connection stops until resume(); whoever runs it does the work.
// Every length that a script yields has been checked by it; the runner holds at most that many bytes.

import { assert, ensure } from '../base/assert'
import { ChunkQueue } from '../base/chunk-queue'
import { PlatterError } from '../base/errors'

export type Step =
  | { readonly kind: 'read'; readonly length: number; readonly stage: string }
  | { readonly kind: 'skip'; readonly length: number; readonly stage: string }
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'secure'; readonly stage: string }

export type Script<T> = Generator<Step, T, Uint8Array>

const NOTHING = new Uint8Array(0)

/** The next `length` bytes; `stage` says what they are, for messages. */
export function* read(length: number, stage: string): Script<Uint8Array> {
  return yield { kind: 'read', length, stage }
}

/** Throws away the next `length` bytes without holding them. */
export function* skip(length: number, stage: string): Script<void> {
  yield { kind: 'skip', length, stage }
}

export function* send(bytes: Uint8Array): Script<void> {
  yield { kind: 'send', bytes }
}

/**
 * From here on the connection is encrypted. What came in the clear behind the last message is not taken
 * for what the other side says: somebody else may have put it there.
 */
export function* secure(stage: string): Script<void> {
  yield { kind: 'secure', stage }
}

export interface ScriptResult<T> {
  readonly value: T
  /** Bytes that arrived after the ones that the script read. */
  readonly rest: Uint8Array
}

export class ScriptRunner<T> {
  readonly #script: Script<T>
  readonly #send: (bytes: Uint8Array) => void
  readonly #received = new ChunkQueue()
  #step: Step | undefined
  #toSkip = 0
  #result: ScriptResult<T> | undefined

  constructor(script: Script<T>, send: (bytes: Uint8Array) => void) {
    this.#script = script
    this.#send = send
  }

  /** What is being waited for. */
  get stage(): string {
    return this.#step === undefined || this.#step.kind === 'send' ? 'end' : this.#step.stage
  }

  get result(): ScriptResult<T> | undefined {
    return this.#result
  }

  /** The script waits for an encrypted connection, and for resume() after it. */
  get wantsSecurity(): boolean {
    return this.#step?.kind === 'secure'
  }

  /** The connection is encrypted now. Throws what the script throws. */
  resume(): void {
    assert(this.wantsSecurity, 'the script did not ask for security')
    this.#advance(NOTHING)
    this.#run()
  }

  /** Runs to the first read. Throws what the script throws. */
  start(): void {
    this.#advance(NOTHING)
    this.#run()
  }

  /** Keeps a copy of `chunk`. Throws what the script throws. */
  receive(chunk: Uint8Array): void {
    this.#received.push(chunk.slice())
    this.#run()
  }

  #run(): void {
    while (this.#step !== undefined) {
      const bytes = this.#perform(this.#step)
      if (bytes === undefined) return
      this.#advance(bytes)
    }
  }

  /** What the step gives the script; `undefined` while bytes are missing. */
  #perform(step: Step): Uint8Array | undefined {
    if (step.kind === 'send') {
      this.#send(step.bytes)
      return NOTHING
    }
    if (step.kind === 'secure') {
      if (this.#received.length === 0) return undefined
      throw new PlatterError(
        'PROTOCOL',
        `${this.#received.length} bytes in the clear where encryption was to begin`,
      )
    }
    if (step.kind === 'read') return this.#received.take(step.length)
    this.#toSkip -= this.#received.skip(this.#toSkip)
    return this.#toSkip === 0 ? NOTHING : undefined
  }

  #advance(bytes: Uint8Array): void {
    const next = this.#script.next(bytes)
    if (next.done === true) {
      this.#step = undefined
      const rest = ensure(this.#received.take(this.#received.length), 'rest')
      this.#result = { value: next.value, rest }
      return
    }
    this.#step = next.value
    if (next.value.kind === 'skip') this.#toSkip = next.value.length
  }
}
