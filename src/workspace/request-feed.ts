// The request log of one export as pages see it: who watches is woken a few times a second while
// something is new, and nothing at all is done while nobody does.

import type { RequestRow } from '../bridge/request-rows'
import type { Clock } from '../engine/base/clock'
import { RequestLog } from '../engine/nbd/request-log'
import { Throttle } from './throttle'

const WAKE_MS = 100

export interface RequestFrame {
  /** Sequence number of the first of `rows`. */
  readonly first: number
  /** Rows before this one are forgotten. */
  readonly oldest: number
  readonly rows: readonly RequestRow[]
}

export class RequestFeed {
  readonly log = new RequestLog()
  readonly #clock: Clock
  readonly #wake: Throttle
  readonly #watchers = new Set<() => void>()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#wake = new Throttle(clock, WAKE_MS, () => this.#tell())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Calls `watcher` some time after something has changed; the returned function ends that. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    this.log.onRecord = () => this.#wake.request()
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size > 0) return
      this.log.onRecord = undefined
      this.#wake.stop()
    }
  }

  /** What is known from the request of that number on. */
  frame(from: number): RequestFrame {
    const { log } = this
    // The log has the time of a clock that cannot be set; people have the other one.
    const epochMs = Date.now() - this.#clock.now()
    const rows = log.from(from).map(({ startedMs, ...record }) => {
      return { ...record, time: epochMs + startedMs }
    })
    return { first: Math.max(from, log.first), oldest: log.first, rows }
  }

  clear(): void {
    this.log.clear()
    this.#wake.request()
  }

  close(): void {
    this.#isClosed = true
    this.#wake.stop()
    this.#tell()
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}
