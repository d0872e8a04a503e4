// How far a copy is: all bytes done, and the watermark below which everything is done. Units are begun in
// order and end in any; the watermark stands at the oldest one that has not ended.

import type { Clock } from '../base/clock'

export interface CopyProgress {
  /** Bytes of the source that are dealt with, holes included. */
  readonly done: number
  readonly total: number
  /** Over the last seconds; 0 while unknown. */
  readonly bytesPerSecond: number
  /** Absent while unknown. */
  readonly msLeft?: number
}

export class Watermark {
  /** Beginnings of the units under way, ascending. */
  readonly #begun: { offset: number; ended: boolean }[] = []
  #end: number

  constructor(start: number) {
    this.#end = start
  }

  /** Everything below is done. */
  get completed(): number {
    return this.#begun[0]?.offset ?? this.#end
  }

  /** The returned function says that the unit has ended. */
  begin(offset: number, length: number): () => void {
    const unit = { offset, ended: false }
    this.#begun.push(unit)
    this.#end = offset + length
    return () => {
      unit.ended = true
      while (this.#begun[0]?.ended === true) this.#begun.shift()
    }
  }
}

const REPORT_MS = 100
const RATE_WINDOW_MS = 5000

export interface MeterOptions {
  readonly total: number
  readonly clock: Clock
  readonly report: (progress: CopyProgress) => void
}

/** Tells of progress at most ten times a second. */
export class ProgressMeter {
  readonly #options: MeterOptions
  readonly #samples: { at: number; done: number }[]
  #done: number

  /** `done` is there from an earlier run and counts for no rate. */
  constructor(done: number, options: MeterOptions) {
    this.#options = options
    this.#done = done
    this.#samples = [{ at: options.clock.now(), done }]
  }

  add(bytes: number): void {
    this.#done += bytes
    const now = this.#options.clock.now()
    const last = this.#samples.at(-1)
    if (last !== undefined && now - last.at < REPORT_MS) return
    this.#samples.push({ at: now, done: this.#done })
    while ((this.#samples[1]?.at ?? now) < now - RATE_WINDOW_MS) this.#samples.shift()
    this.tell()
  }

  /** Tells now, whenever it was told before. */
  tell(): void {
    const { total, clock, report } = this.#options
    const first = this.#samples[0] as { at: number; done: number }
    const ms = clock.now() - first.at
    const rate = ms > 0 ? ((this.#done - first.done) / ms) * 1000 : 0
    const left = rate > 0 ? { msLeft: ((total - this.#done) / rate) * 1000 } : {}
    report({ done: this.#done, total, bytesPerSecond: rate, ...left })
  }
}
