// The host's side of one stream: frames go out as long as the page has granted credit for them. A page
// grants a few at the start and one more for each frame that it has dealt with, so a page that is slow
// gets fewer frames, and none pile up on the way.

import { assert } from '../engine/base/assert'
import { abortedError, PlatterError } from '../engine/base/errors'
import { MAX_CREDIT } from './wire-message'

/** What a stream's handler writes to. */
export interface StreamSink<Frame> {
  /** Aborted when the page closed the stream or is gone. */
  readonly signal: AbortSignal
  /** Resolves when there is credit for a frame; rejects with ABORTED when the stream is closed. */
  ready(): Promise<void>
  /** Takes one credit; there has to be one. Nothing once the stream is closed. Gives `bytes` away. */
  send(frame: Frame, bytes: Uint8Array): void
}

export class CreditSink implements StreamSink<unknown> {
  readonly #name: string
  readonly #post: (frame: unknown, bytes: Uint8Array) => void
  readonly #controller = new AbortController()
  #credit = 0
  #waiting: { resolve(): void; reject(error: Error): void }[] = []

  constructor(name: string, post: (frame: unknown, bytes: Uint8Array) => void) {
    this.#name = name
    this.#post = post
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  ready(): Promise<void> {
    if (this.signal.aborted) return Promise.reject(abortedError(this.signal, this.#name))
    if (this.#credit > 0) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  send(frame: unknown, bytes: Uint8Array): void {
    if (this.signal.aborted) return
    assert(this.#credit > 0, `${this.#name}: a frame without credit`)
    this.#credit--
    this.#post(frame, bytes)
  }

  /** Credit beyond MAX_CREDIT is not kept. */
  grant(frames: number): void {
    this.#credit = Math.min(this.#credit + frames, MAX_CREDIT)
    const waiting = this.#waiting
    this.#waiting = []
    for (const { resolve } of waiting) resolve()
  }

  close(why: string): void {
    const error = new PlatterError('ABORTED', `${this.#name}: ${why}`)
    this.#controller.abort(error)
    const waiting = this.#waiting
    this.#waiting = []
    for (const { reject } of waiting) reject(error)
  }
}
