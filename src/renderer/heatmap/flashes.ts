// What was touched a moment ago, and how much of its light is left. Reads fade in 0.6 s, what changes
// the disk in 1.5 s. A burst is bounded: touches that continue one another are joined, and the oldest
// are forgotten beyond a limit.

import type { ActivityVerb, Touch } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import { endOf } from '../../engine/base/ranges'

export const MAX_FLASHES = 512

const FADE_MS: Readonly<Record<ActivityVerb, number>> = {
  read: 600,
  write: 1500,
  zero: 1500,
  trim: 1500,
}
/** Touches this close in time that lie side by side are one. */
const JOIN_MS = 100

export interface Flash extends ByteRange {
  readonly verb: ActivityVerb
  readonly since: number
}

export class Flashes {
  #flashes: Flash[] = []

  add(touches: readonly Touch[], now: number): void {
    for (const { verb, offset, length } of touches) {
      const last = this.#flashes.at(-1)
      const joins = last?.verb === verb && now - last.since < JOIN_MS && endOf(last) === offset
      if (joins && last !== undefined) {
        this.#flashes[this.#flashes.length - 1] = { ...last, length: last.length + length }
      } else this.#flashes.push({ verb, offset, length, since: now })
    }
    if (this.#flashes.length > MAX_FLASHES) this.#flashes = this.#flashes.slice(-MAX_FLASHES)
  }

  /** Those that still shine, oldest first. */
  current(now: number): readonly Flash[] {
    this.#flashes = this.#flashes.filter(({ verb, since }) => now - since < FADE_MS[verb])
    return this.#flashes
  }

  clear(): void {
    this.#flashes = []
  }
}

/** 1 at the touch, 0 when it has faded; without motion it stays 0.7 for the same time. */
export function strengthOf({ verb, since }: Flash, now: number, isStill: boolean): number {
  const left = 1 - Math.max(0, now - since) / FADE_MS[verb]
  if (left <= 0) return 0
  return isStill ? 0.7 : left * left
}
