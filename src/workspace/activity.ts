// What happens to a session's disk: bytes by verb for the chart, and touched places for the flash on
// the map. Both are summed here and sent at a bounded rate; never one message a request.

import type { ActivityTick, ActivityVerb, Touch } from '../bridge/model'
import type { ByteRange } from '../engine/base/ranges'
import { RangeCollector } from './range-collector'

export const TICK_MS = 1000
/** Ten minutes of ticks. */
const HISTORY = 600
const TOUCHES_PER_VERB = 512
const VERBS: readonly ActivityVerb[] = ['read', 'write', 'zero', 'trim']

type Sums = Record<ActivityVerb, number>

export class Activity {
  readonly #touches: Record<ActivityVerb, RangeCollector>
  readonly #history: ActivityTick[] = []
  #sums: Sums = { read: 0, write: 0, zero: 0, trim: 0 }
  #requests = 0

  constructor() {
    const collector = () => new RangeCollector(TOUCHES_PER_VERB)
    this.#touches = { read: collector(), write: collector(), zero: collector(), trim: collector() }
  }

  note(verb: ActivityVerb, range: ByteRange): void {
    this.#sums[verb] += range.length
    this.#requests++
    this.#touches[verb].add(range)
  }

  get hasTouches(): boolean {
    return VERBS.some((verb) => !this.#touches[verb].isEmpty)
  }

  takeTouches(): Touch[] {
    return VERBS.flatMap((verb) => this.#touches[verb].take().map((range) => ({ verb, ...range })))
  }

  /** Closes the current second. Undefined when nothing happened, twice in a row. */
  tick(time: number): ActivityTick | undefined {
    const idle = this.#requests === 0
    if (idle && (this.#history.at(-1)?.requests ?? 0) === 0) return undefined
    const { read, write, zero, trim } = this.#sums
    const tick = {
      time,
      read,
      written: write,
      zeroed: zero,
      trimmed: trim,
      requests: this.#requests,
    }
    this.#sums = { read: 0, write: 0, zero: 0, trim: 0 }
    this.#requests = 0
    this.#history.push(tick)
    if (this.#history.length > HISTORY) this.#history.shift()
    return tick
  }

  get history(): readonly ActivityTick[] {
    return this.#history
  }
}
