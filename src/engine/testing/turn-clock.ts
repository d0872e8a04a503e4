import type { Clock } from '../base/clock'
import type { Prng } from '../base/prng'
import type { Disk } from '../disk/disk'
import { DelayDisk } from '../layers/delay'

/** A clock whose milliseconds are turns of the event loop: things take time, in order, without sleeping. */
export class TurnClock implements Clock {
  #turns = 0

  now(): number {
    return this.#turns
  }

  after(ms: number, task: () => void): () => void {
    let left = Math.max(1, Math.ceil(ms))
    let handle: NodeJS.Immediate
    const turn = () => {
      left--
      if (left === 0) {
        this.#turns++
        task()
      } else handle = setImmediate(turn)
    }
    handle = setImmediate(turn)
    return () => clearImmediate(handle)
  }
}

/** The disk, each of whose answers takes a random number of turns: calls complete in any order. */
export function jittery(disk: Disk, prng: Prng, most = 4): Disk {
  return new DelayDisk({ disk, clock: new TurnClock(), delayMs: () => prng.below(most + 1) })
}
