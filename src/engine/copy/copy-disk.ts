// The copier: all bytes of one disk onto another, with many requests in flight.
//
//   source.extents ──▶ SourceRuns ──▶ CopyUnits ──▶ UnitIo ──▶ target
//                      zero or not    in order,     read, look for zeroes,
//                                     by block      one write or zero a block
//
// Units are begun in order, one by each of so many workers, and end in any order; the watermark says up to
// where everything is done. A source that tells no extents is all data; one whose question for extents
// fails, fails the copy. Afterwards the target holds the bytes of the source from 0 on; what it has behind
// them stays as it was. Whoever changes the source meanwhile gets a mixture: this is no snapshot.
//
// Assumes: the two disks are not one and the same, and nobody else writes to the target.
// Leaves out: opening, names, progress on a terminal, reading back.

import { assert, ensure } from '../base/assert'
import type { Clock } from '../base/clock'
import { hasCode, PlatterError } from '../base/errors'
import { isAligned } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { type CopyPlan, planCopy, type SizeOptions } from './copy-plan'
import { type CopyProgress, ProgressMeter, Watermark } from './copy-progress'
import { type CopyUnit, CopyUnits } from './copy-units'
import { SourceRuns } from './source-runs'
import { TargetZeroes } from './target-zeroes'
import { type RangeCopy, UnitFailure, UnitIo } from './unit-io'

export interface CopyCheckpoint {
  readonly intervalMs: number
  /** Everything below `completed` is on the target and has been flushed. */
  save(completed: number): Promise<void>
}

export interface CopyOptions extends SizeOptions {
  /** False: the source is not asked for extents, and all of it is read. */
  readonly useExtents?: boolean | undefined
  /** The target reads as zeroes from `start` on: zeroes are left alone there. */
  readonly targetIsZero?: boolean | undefined
  /** The target keeps nothing of what it is given: one buffer does for all requests. */
  readonly keepsNothing?: boolean | undefined
  /** Flush the target at the end; true unless told. */
  readonly flush?: boolean | undefined
  /** Everything below is on the target already: a checkpoint's `completed`. */
  readonly start?: number | undefined
  /** For `onProgress` and `checkpoint`. */
  readonly clock?: Clock | undefined
  /** At most ten times a second, and once at the end. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  /** Now and then, and when the copy is cut short. */
  readonly checkpoint?: CopyCheckpoint | undefined
  /** A shorter way for data between these two disks; what is read then is only looked at for zeroes. */
  readonly rangeCopy?: RangeCopy | undefined
  /** Begins nothing new, and waits for what is in flight. */
  readonly signal?: AbortSignal | undefined
}

/** Bytes. */
export interface CopyResult {
  /** Of the source; the rest of the counts add up from it, padding aside. */
  readonly size: number
  readonly read: number
  readonly written: number
  readonly zeroed: number
  /** Zeroes that were left alone because the target reads as zeroes. */
  readonly skipped: number
}

/**
 * Rejects with BAD_REQUEST, READ_ONLY or BAD_SIZE before anything is touched; with the failing disk's own
 * code, or ABORTED, afterwards: then the data has `completed`, below which everything is on the target,
 * and for a failure `offset` and `length` of the request. Nothing is in flight any more by then.
 */
export async function copyDisk(
  source: Disk,
  target: Disk,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const plan = planCopy(source, target, options)
  return new Copy(source, target, plan, options).run()
}

class Copy {
  readonly #source: Disk
  readonly #target: Disk
  readonly #plan: CopyPlan
  readonly #options: CopyOptions
  readonly #runs: SourceRuns
  readonly #units: CopyUnits
  readonly #zeroes: TargetZeroes
  readonly #io: UnitIo
  readonly #mark: Watermark
  readonly #meter: ProgressMeter | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #finished = false

  constructor(source: Disk, target: Disk, plan: CopyPlan, options: CopyOptions) {
    const { start = 0, useExtents = true, signal } = options
    assert(start === source.size || isAligned(start, plan.block), `start at ${start}`)
    this.#source = source
    this.#target = target
    this.#plan = plan
    this.#options = options
    this.#runs = new SourceRuns(source, { start, unit: plan.sourceUnit, useExtents, signal })
    this.#zeroes = new TargetZeroes(target, plan, options.targetIsZero === true)
    const disks = { source, target }
    this.#units = new CopyUnits(disks, plan, this.#runs, start, () => this.#zeroes.most)
    this.#io = new UnitIo(disks, plan, this.#zeroes, options)
    this.#mark = new Watermark(start)
    const { onProgress } = options
    if (onProgress !== undefined) {
      const clock = ensure(options.clock, 'the clock of a copy with progress')
      this.#meter = new ProgressMeter(start, { total: source.size, clock, report: onProgress })
    }
  }

  async run(): Promise<CopyResult> {
    const stopCheckpoints = this.#scheduleCheckpoints()
    await Promise.all(Array.from({ length: this.#plan.requests }, () => this.#work()))
    await this.#runs.close()
    this.#io.close()
    await stopCheckpoints()
    if (this.#failure === undefined && this.#finished) await this.#attempt(() => this.#finish())
    if (this.#failure === undefined && this.#finished) return this.#result()
    throw await this.#lastCheckpoint(this.#describe())
  }

  #result(): CopyResult {
    const { read, written } = this.#io
    const { zeroed, skipped } = this.#zeroes
    return { size: this.#source.size, read, written, zeroed, skipped }
  }

  get #isStopped(): boolean {
    return this.#failure !== undefined || this.#options.signal?.aborted === true
  }

  async #work(): Promise<void> {
    await this.#attempt(async () => {
      for (let next = await this.#take(); next !== undefined; next = await this.#take()) {
        const { unit, end } = next
        if (unit.kind === 'zero') await this.#io.zero(unit)
        else await this.#io.carry(unit)
        end()
        this.#meter?.add(lengthInSource(unit))
      }
    })
  }

  /** The next unit; one worker after the other. */
  #take(): Promise<{ unit: CopyUnit; end: () => void } | undefined> {
    const turn = this.#turn.then(async () => {
      if (this.#finished || this.#isStopped) return undefined
      const unit = await this.#units.next()
      if (unit === undefined) {
        this.#finished = true
        return undefined
      }
      return { unit, end: this.#mark.begin(unit.offset, lengthInSource(unit)) }
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #finish(): Promise<void> {
    if (this.#options.flush !== false && this.#target.capabilities.flush) await this.#target.flush()
    this.#meter?.tell()
  }

  async #checkpoint(): Promise<void> {
    const { completed } = this.#mark
    if (this.#target.capabilities.flush) await this.#target.flush()
    await this.#options.checkpoint?.save(completed)
  }

  /** What ended the copy stays what it says; that this could not be saved comes behind it. */
  async #lastCheckpoint(end: unknown): Promise<unknown> {
    if (this.#options.checkpoint === undefined) return end
    try {
      await this.#checkpoint()
      return end
    } catch (error) {
      if (!(end instanceof PlatterError && error instanceof PlatterError)) return end
      const { code, message, data } = end
      if (message.includes(error.message)) return end
      return new PlatterError(code, `${message}; ${error.message}`, { cause: end, data })
    }
  }

  /** The returned function ends them and waits for the one under way. */
  #scheduleCheckpoints(): () => Promise<void> {
    const { checkpoint, clock } = this.#options
    if (checkpoint === undefined) return async () => undefined
    const time = ensure(clock, 'the clock of a copy with checkpoints')
    let running = Promise.resolve()
    let callOff: () => void = () => undefined
    const schedule = () => {
      callOff = time.after(checkpoint.intervalMs, () => {
        running = this.#attempt(() => this.#checkpoint()).then(schedule)
      })
    }
    schedule()
    return async () => {
      await running
      callOff()
    }
  }

  /** Keeps the first failure, which stops everything; a bug of ours counts as one. */
  async #attempt(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  #describe(): unknown {
    const error = this.#failure?.error
    const { completed } = this.#mark
    const numbers = { completed, total: this.#source.size }
    const cause = error instanceof UnitFailure ? error.cause : error
    const cancelled = this.#options.signal?.aborted === true
    if (error === undefined || (cancelled && hasCode(cause, 'ABORTED'))) {
      const far = `everything before byte ${completed} of ${this.#source.size} is on the target`
      return new PlatterError('ABORTED', `copy: cancelled; ${far}`, { data: numbers })
    }
    if (!(cause instanceof PlatterError)) return cause
    const where =
      error instanceof UnitFailure
        ? `${error.doing} ${error.range.length} bytes at offset ${error.range.offset}: `
        : ''
    return new PlatterError(
      cause.code,
      `copy: ${where}${cause.message}; everything before byte ${completed} of ${this.#source.size} is on the target`,
      { cause, data: { ...cause.data, ...numbers, ...rangeOf(error) } },
    )
  }
}

const lengthInSource = (unit: CopyUnit): number =>
  unit.kind === 'data' ? unit.length - unit.kept : unit.length

const rangeOf = (error: unknown): { offset?: number; length?: number } =>
  error instanceof UnitFailure ? error.range : {}
