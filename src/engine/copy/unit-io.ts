// Carries one unit: reads what has to be read, all at once, and retires the blocks, all at once.

import { type ByteRange, endOf, splitByUnit } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { AbortFan } from './abort-fan'
import type { CopyPlan } from './copy-plan'
import type { DataUnit } from './copy-units'
import type { TargetZeroes } from './target-zeroes'
import { blockRuns, WindowBuffer } from './unit-blocks'

/**
 * Carries a range of the source to the same place of the target by itself, without anybody's buffer; false
 * where it cannot, and then it is not asked again.
 */
export type RangeCopy = (offset: number, length: number) => Promise<boolean>

/** What one side refused; `range` is the request. */
export class UnitFailure {
  readonly doing: 'reading' | 'writing' | 'zeroing'
  readonly range: ByteRange
  readonly cause: unknown

  constructor(doing: UnitFailure['doing'], range: ByteRange, cause: unknown) {
    this.doing = doing
    this.range = range
    this.cause = cause
  }
}

export class UnitIo {
  readonly #source: Disk
  readonly #target: Disk
  readonly #plan: CopyPlan
  readonly #zeroes: TargetZeroes
  readonly #cancel: AbortFan
  /** Used last in, first out: a buffer that was just read into is still in the processor's cache. */
  readonly #buffers: WindowBuffer[] = []
  /** One for all, where nobody looks at what is in it. */
  readonly #sink: WindowBuffer | undefined
  #rangeCopy: RangeCopy | undefined
  /** Bytes. */
  read = 0
  written = 0

  constructor(
    disks: { readonly source: Disk; readonly target: Disk },
    plan: CopyPlan,
    zeroes: TargetZeroes,
    options: {
      readonly signal?: AbortSignal | undefined
      readonly rangeCopy?: RangeCopy | undefined
      readonly keepsNothing?: boolean | undefined
    },
  ) {
    this.#source = disks.source
    this.#target = disks.target
    this.#plan = plan
    this.#zeroes = zeroes
    this.#cancel = new AbortFan(options.signal)
    this.#rangeCopy = options.rangeCopy
    if (options.keepsNothing === true) this.#sink = new WindowBuffer(plan.window)
  }

  /** Rejects with a UnitFailure when all calls have settled. */
  async carry(unit: DataUnit): Promise<void> {
    const buffer = this.#sink ?? this.#buffers.pop() ?? new WindowBuffer(this.#plan.window)
    await this.#fill(unit, buffer)
    const runs = blockRuns(unit, buffer, this.#plan)
    const calls: Promise<void>[] = []
    const rangeCopy = unit.kept === 0 ? this.#rangeCopy : undefined
    if (rangeCopy !== undefined) this.#buffers.push(buffer)
    for (const run of runs) {
      if (run.isZero) calls.push(this.zero(run))
      else if (rangeCopy !== undefined) calls.push(this.#copyRange(rangeCopy, run))
      else this.#write(unit, buffer, run, calls)
    }
    if (calls.length === 1) await calls[0]
    else await settle(calls)
    if (rangeCopy === undefined) this.#buffers.push(buffer)
  }

  /** Nothing is in flight any more. */
  close(): void {
    this.#cancel.close()
  }

  async zero(range: ByteRange): Promise<void> {
    try {
      await this.#zeroes.put(range.offset, range.length)
    } catch (error) {
      throw new UnitFailure('zeroing', range, error)
    }
  }

  #fill(unit: DataUnit, { bytes }: WindowBuffer): Promise<void> {
    const calls: Promise<void>[] = []
    if (unit.kept > 0) calls.push(this.#keep(unit, bytes))
    for (const range of unit.reads) {
      for (const part of splitByUnit(range, this.#plan.readMost)) {
        const into = bytes.subarray(part.offset - unit.offset, endOf(part) - unit.offset)
        calls.push(this.#readPart(this.#source, into, part))
      }
    }
    return calls.length === 1 ? (calls[0] as Promise<void>) : settle(calls)
  }

  /** The target's own bytes behind the end of the source, in its last block. */
  async #keep(unit: DataUnit, bytes: Uint8Array): Promise<void> {
    const { minimum } = this.#target.blockSize
    const end = endOf(unit)
    const whole = Math.max(unit.offset, end - (end % minimum || minimum))
    const block = new Uint8Array(end - whole)
    await this.#readPart(this.#target, block, { offset: whole, length: block.length })
    bytes.set(block.subarray(block.length - unit.kept), unit.length - unit.kept)
  }

  async #readPart(disk: Disk, into: Uint8Array, range: ByteRange): Promise<void> {
    try {
      await this.#cancel.run((signal) => disk.read(into, range.offset, { signal }))
    } catch (error) {
      throw new UnitFailure('reading', range, error)
    }
    this.read += range.length
  }

  #write(unit: DataUnit, { bytes }: WindowBuffer, run: ByteRange, calls: Promise<void>[]): void {
    for (const part of splitByUnit(run, this.#plan.writeMost)) {
      const from = bytes.subarray(part.offset - unit.offset, endOf(part) - unit.offset)
      calls.push(this.#writePart(from, part))
    }
  }

  /** Its buffer is gone by now: where the range cannot be copied it is read again. */
  async #copyRange(rangeCopy: RangeCopy, run: ByteRange): Promise<void> {
    let done: boolean
    try {
      done = await rangeCopy(run.offset, run.length)
    } catch (error) {
      throw new UnitFailure('writing', run, error)
    }
    if (done) {
      this.written += run.length
      return
    }
    this.#rangeCopy = undefined
    const unit: DataUnit = { kind: 'data', ...run, reads: [run], kept: 0 }
    const buffer = new WindowBuffer(run.length)
    await this.#fill(unit, buffer)
    const calls: Promise<void>[] = []
    this.#write(unit, buffer, run, calls)
    await settle(calls)
  }

  async #writePart(from: Uint8Array, range: ByteRange): Promise<void> {
    try {
      await this.#target.write(from, range.offset)
    } catch (error) {
      throw new UnitFailure('writing', range, error)
    }
    this.written += range.length
  }
}

/** Waits for all, then rejects with the first failure: no buffer is in use behind a rejection. */
async function settle(calls: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'rejected') throw result.reason
  }
}
