// Carries one unit: reads what has to be read, all at once, and retires the blocks, all at once.

import { type ByteRange, endOf, isAligned, joinRanges, splitByUnit } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { WindowBuffer } from '../disk/window-buffer'
import { AbortFan } from './abort-fan'
import type { CopyPlan } from './copy-plan'
import type { DataUnit } from './copy-units'
import type { TargetZeroes } from './target-zeroes'
import { blockRuns } from './unit-blocks'

/**
 * Carries a range of the source to the same place of the target by itself, without anybody's buffer, and
 * tells the aligned pieces of `grain` bytes that it left out because they are zero: those are the caller's
 * to zero. `grain` 0: nothing is left out. `undefined` where it cannot, and then it is not asked again.
 */
export type RangeCopy = (range: ByteRange, grain: number) => Promise<ByteRange[] | undefined>

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
    if (this.#rangeCopy !== undefined && isCopiable(unit, this.#plan)) {
      if (await this.#copyRanges(this.#rangeCopy, unit)) return
      this.#rangeCopy = undefined
    }
    const buffer = this.#sink ?? this.#buffers.pop() ?? new WindowBuffer(this.#plan.window)
    await this.#fill(unit, buffer)
    const calls: Promise<void>[] = []
    for (const run of blockRuns(unit, buffer, this.#plan)) {
      if (run.isZero) calls.push(this.zero(run))
      else this.#write(unit, buffer, run, calls)
    }
    if (calls.length === 1) await calls[0]
    else await settle(calls)
    this.#buffers.push(buffer)
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

  /** False: nothing is certain to have been carried. */
  async #copyRanges(rangeCopy: RangeCopy, unit: DataUnit): Promise<boolean> {
    const lists: (ByteRange[] | undefined)[] = []
    const calls = unit.reads.map(async (range, i) => {
      try {
        lists[i] = await rangeCopy(range, this.#plan.grain)
      } catch (error) {
        throw new UnitFailure('writing', range, error)
      }
    })
    await settle(calls)
    const zeroes: ByteRange[] = []
    for (const list of lists) {
      if (list === undefined) return false
      zeroes.push(...list)
    }
    const read = lengthOf(unit.reads)
    this.read += read
    this.written += read - lengthOf(zeroes)
    const runs = joinRanges([...gapsIn(unit), ...zeroes])
    await settle(runs.map((run) => this.zero(run)))
    return true
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

/** No padding, and no block that is put together of what is read and of zeroes that are known. */
function isCopiable(unit: DataUnit, { block, grain }: CopyPlan): boolean {
  const piece = Math.max(block, grain)
  const isCut = (at: number) => at === endOf(unit) || isAligned(at, piece)
  return unit.kept === 0 && unit.reads.every((read) => isCut(read.offset) && isCut(endOf(read)))
}

/** What of the unit is not read. */
function gapsIn(unit: DataUnit): ByteRange[] {
  const ends = [unit.offset, ...unit.reads.map(endOf)]
  const starts = [...unit.reads.map((read) => read.offset), endOf(unit)]
  return ends.map((offset, i) => ({ offset, length: (starts[i] as number) - offset }))
}

const lengthOf = (ranges: readonly ByteRange[]): number =>
  ranges.reduce((sum, range) => sum + range.length, 0)

/** Waits for all, then rejects with the first failure: no buffer is in use behind a rejection. */
async function settle(calls: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'rejected') throw result.reason
  }
}
