// Cuts a copy into units of work, in order and without gaps: a stretch of known zeroes, or a window that
// is read and then written. A unit begins and ends at blocks of the target, the end excepted, so that no
// two of them ever meet in one block, and each block is retired by one write or one zero.
//
// The end: where the source ends inside one of the target's smallest blocks and the target goes on, the
// last window holds that block whole; what lies behind the source's end is the target's own.

import { alignDown, alignUp, type ByteRange } from '../base/ranges'
import type { Disk } from '../disk/disk'
import type { CopyPlan } from './copy-plan'
import type { SourceRuns } from './source-runs'

export interface ZeroUnit extends ByteRange {
  readonly kind: 'zero'
}

export interface DataUnit extends ByteRange {
  readonly kind: 'data'
  /** What has to be read: ascending, apart, inside the source. All else is known to be zero. */
  readonly reads: readonly ByteRange[]
  /** Bytes at the end that are the target's own, and are written back as they are. */
  readonly kept: number
}

export type CopyUnit = ZeroUnit | DataUnit

export class CopyUnits {
  readonly #runs: SourceRuns
  readonly #plan: CopyPlan
  readonly #zeroMost: () => number
  readonly #size: number
  /** Where the target's last block of the copy begins and ends, when it has to be filled up. */
  readonly #tail: ByteRange | undefined
  #at: number

  /** `zeroMost`: how long a unit of zeroes may be at this moment. */
  constructor(
    disks: { readonly source: Disk; readonly target: Disk },
    plan: CopyPlan,
    runs: SourceRuns,
    start: number,
    zeroMost: () => number,
  ) {
    this.#runs = runs
    this.#plan = plan
    this.#zeroMost = zeroMost
    this.#size = disks.source.size
    this.#tail = tailOf(disks.source.size, disks.target, plan.block)
    this.#at = start
  }

  /** The next unit; `undefined` at the end. One call at a time. */
  async next(): Promise<CopyUnit | undefined> {
    const offset = this.#at
    if (offset >= this.#size) return undefined
    const zeroEnd = await this.#zeroesFrom(offset)
    const isLong = zeroEnd >= Math.min(this.#windowEnd(offset), this.#size)
    const unit: CopyUnit =
      zeroEnd > offset && isLong
        ? { kind: 'zero', offset, length: Math.min(zeroEnd - offset, this.#zeroMost()) }
        : await this.#window(offset)
    this.#at = offset + unit.length
    return unit
  }

  /** Where the known zeroes that begin at `offset` end, in whole blocks. */
  async #zeroesFrom(offset: number): Promise<number> {
    const run = await this.#runs.at(offset)
    if (!run.isZero) return offset
    const end = run.end === this.#size ? this.#size : alignDown(run.end, this.#plan.block)
    return Math.min(end, this.#tail?.offset ?? end)
  }

  #windowEnd(offset: number): number {
    return alignDown(offset, this.#plan.window) + this.#plan.window
  }

  /** Ends early where zeroes begin that go beyond it: those are a unit of their own. */
  async #window(offset: number): Promise<DataUnit> {
    const reads: { offset: number; length: number }[] = []
    const most = Math.min(this.#windowEnd(offset), this.#size)
    let end = most
    for (let at = offset; at < end; ) {
      const run = await this.#runs.at(at)
      const stop = Math.min(run.end, end)
      if (!run.isZero) addRead(reads, at, stop)
      else if (run.end >= most && this.#tail === undefined) {
        end = Math.min(end, alignUp(at, this.#plan.block))
      }
      at = stop
    }
    const tail = this.#tail
    const kept = tail !== undefined && end > tail.offset ? tail.offset + tail.length - end : 0
    return { kind: 'data', offset, length: end - offset + kept, reads, kept }
  }
}

function addRead(reads: { offset: number; length: number }[], from: number, to: number): void {
  const last = reads.at(-1)
  if (last !== undefined && last.offset + last.length === from) last.length = to - last.offset
  else reads.push({ offset: from, length: to - from })
}

/** The target's last block, from its preferred beginning to the end of its smallest block. */
function tailOf(size: number, target: Disk, block: number): ByteRange | undefined {
  const end = Math.min(alignUp(size, target.blockSize.minimum), target.size)
  if (end === size) return undefined
  const offset = alignDown(size, block)
  return { offset, length: end - offset }
}
