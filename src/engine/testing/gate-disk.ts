import type { Disk } from '../disk/disk'
import { type DiskRequest, WrapDisk } from '../layers/wrap-disk'

export interface Held {
  /** Resolves when a request has come to the gate. */
  readonly reached: Promise<void>
  readonly release: () => void
}

interface Gate {
  readonly matches: (request: DiskRequest) => boolean
  readonly side: 'before' | 'after'
  readonly reach: () => void
  readonly open: Promise<void>
}

/** Holds single requests until a test lets them go, on their way in or with the answer on its way out. */
export class GateDisk extends WrapDisk {
  #gates: Gate[] = []

  constructor(disk: Disk) {
    super(disk, 'gate')
  }

  /** Holds the next request that matches. */
  hold(matches: (request: DiskRequest) => boolean, side: 'before' | 'after' = 'before'): Held {
    let reach: () => void = () => undefined
    let release: () => void = () => undefined
    const reached = new Promise<void>((resolve) => {
      reach = resolve
    })
    const open = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#gates.push({ matches, side, reach, open })
    return { reached, release }
  }

  protected async around<T>(request: DiskRequest, pass: () => Promise<T>): Promise<T> {
    const gate = this.#gates.find((candidate) => candidate.matches(request))
    if (gate === undefined) return pass()
    this.#gates = this.#gates.filter((other) => other !== gate)
    if (gate.side === 'before') {
      gate.reach()
      await gate.open
      return pass()
    }
    const result = await pass()
    gate.reach()
    await gate.open
    return result
  }
}
