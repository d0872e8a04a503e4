// Zeroes on the target, in the cheapest way that it has: none at all when the target reads as zeroes
// already, then a fast zero, then a plain one, then zeroes written like data. What the target turns down
// once is not tried again.
//
// A fast zero is tried on blocks that hold old data. Some servers zero a part of the range before they
// answer that it cannot be fast. That is of no harm here: all of the range is to become zeroes, and
// becomes so by the next way at once.

import { hasCode } from '../base/errors'
import { splitByUnit } from '../base/ranges'
import type { Disk, ZeroOptions } from '../disk/disk'
import type { CopyPlan } from './copy-plan'

/** A fast zero takes no time to speak of, and still shows progress and can be cancelled. */
const FAST_MOST = 1024 ** 3
/** A plain one may be as slow as writing: so many bytes in each of all requests fit a timeout. */
const PLAIN_MOST = 32 * 1024 ** 2

export class TargetZeroes {
  readonly #target: Disk
  readonly #plan: CopyPlan
  readonly #isZero: boolean
  #fast: boolean
  #plain: boolean
  #zeroes: Uint8Array | undefined
  /** Bytes that were left alone because the target reads as zeroes. */
  skipped = 0
  /** Bytes that were zeroed, written zeroes among them. */
  zeroed = 0

  constructor(target: Disk, plan: CopyPlan, targetIsZero: boolean) {
    this.#target = target
    this.#plan = plan
    this.#isZero = targetIsZero
    this.#plain = target.capabilities.zero
    this.#fast = this.#plain && target.capabilities.fastZero
  }

  /** How much of a long run of zeroes one unit of work may take, in whole blocks. */
  get most(): number {
    const { block, window } = this.#plan
    if (this.#isZero || this.#fast) return Math.max(block, FAST_MOST)
    return this.#plain ? Math.max(block, PLAIN_MOST) : window
  }

  async put(offset: number, length: number): Promise<void> {
    if (this.#isZero) {
      this.skipped += length
      return
    }
    const done =
      (this.#fast && (await this.#try(offset, length, true))) ||
      (this.#plain && (await this.#try(offset, length, false)))
    if (!done) await this.#write(offset, length)
    this.zeroed += length
  }

  async #try(offset: number, length: number, fast: boolean): Promise<boolean> {
    const options: ZeroOptions = fast ? { mayTrim: true, fast } : { mayTrim: true }
    const range = { offset, length }
    // Fast is one request or none: of several, the second could be turned down after the first.
    const parts = fast ? [range] : splitByUnit(range, Math.max(this.#plan.block, PLAIN_MOST))
    try {
      for (const part of parts) await this.#target.zero(part.offset, part.length, options)
      return true
    } catch (error) {
      if (!hasCode(error, 'NOT_SUPPORTED')) throw error
      if (fast) this.#fast = false
      else this.#plain = false
      return false
    }
  }

  async #write(offset: number, length: number): Promise<void> {
    const { window, writeMost } = this.#plan
    const most = Math.min(window, writeMost)
    this.#zeroes ??= new Uint8Array(most)
    for (const part of splitByUnit({ offset, length }, most)) {
      await this.#target.write(this.#zeroes.subarray(0, part.length), part.offset)
    }
  }
}
