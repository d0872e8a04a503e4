// Asks a disk what it holds, range by range, and writes the answers into a survey.
//
// The disk may be a server that is slow, broken or hostile. Every answer has to move forward or the
// walk ends with PROTOCOL; calls and runs are counted against budgets and the walk ends with LIMIT. How
// much is asked for at once follows the answers: more while they are few, less while they are many, so
// that neither a huge hole nor a fragmented file makes a call that takes long.
//
// However the walk ends early, what it did not reach is unknown afterwards, also where something was
// known before: the caller asked because that may be old. Walks may overlap in time and place: what was
// asked last wins, whatever is answered last.

import { assert } from '../base/assert'
import { hasCode, PlatterError, throwIfAborted } from '../base/errors'
import type { ByteRange } from '../base/ranges'
import { alignDown, alignUp, endOf } from '../base/ranges'
import { formatExact, groupDigits } from '../base/size-text'
import type { Disk } from '../disk/disk'
import { ExtentList } from '../disk/extents'
import type { Ask } from './open-asks'
import type { Survey } from './survey'

const GIB = 2 ** 30
const FIRST_STEP_BYTES = GIB
const LEAST_STEP_BYTES = GIB / 64
const MOST_STEP_BYTES = 1024 * GIB
const FEW_EXTENTS = 256
const MANY_EXTENTS = 8192

/** About 40 MB of runs; more than a person can look at, and what a server may make this process hold. */
const DEFAULT_MAX_EXTENTS = 1 << 22
/** Every disk may take this many calls, and one more for each 4 KiB, */
const SPARE_CALLS = 1 << 16
const BYTES_PER_CALL = 4096
/** up to this many. */
const MAX_CALLS = 1 << 20

/** Other work of the process gets its turn after this many calls or extents. */
const CALLS_PER_TURN = 16
const EXTENTS_PER_TURN = 1 << 16

export interface SurveyDiskOptions {
  readonly disk: Disk
  /** Of the disk's size. */
  readonly survey: Survey
  /** What to ask about; the whole disk when absent. Rounded out to the disk's smallest block. */
  readonly range?: ByteRange
  readonly signal?: AbortSignal
  /** After every answer: bytes of the whole disk that are known now, and its size. */
  readonly onProgress?: (mapped: number, size: number) => void
  /** The most runs that the survey may come to hold. */
  readonly maxExtents?: number
  /** The most calls; a number that grows with the range when absent. */
  readonly maxCalls?: number
  /** Lets other work of the process run; resolves when it is this walk's turn again. */
  readonly pause?: () => Promise<void>
}

/**
 * Resolves when the range is known. Rejects with PROTOCOL when an answer does not move forward, LIMIT
 * when a budget is spent, ABORTED, or the disk's own code with the offset in `data`.
 */
export async function surveyDisk(options: SurveyDiskOptions): Promise<void> {
  const { disk, survey, signal } = options
  assert(disk.size === survey.size, `a survey of ${survey.size} bytes for a disk of ${disk.size}`)
  const { from, end } = askedRange(options)
  const budget = new Budget(options, end - from)
  let step = FIRST_STEP_BYTES
  let at = from
  let ask: Ask | undefined
  try {
    while (at < end) {
      throwIfAborted(signal, 'map')
      budget.countCall(at)
      const next = Math.min(end, alignDown(at + step, disk.blockSize.minimum))
      ask = survey.ask()
      const list = await askDisk(disk, at, next - at, signal)
      survey.answer(ask, list)
      at = forwardTo(list, at, end, disk.blockSize.minimum)
      options.onProgress?.(survey.mapped, survey.size)
      budget.checkRuns(survey.count, at)
      step = nextStep(step, list.count)
      if (budget.isTurnOver(list.count)) await options.pause?.()
    }
  } catch (error) {
    survey.fail(ask ?? survey.ask(), { offset: at, length: end - at })
    throw error
  }
}

function askedRange({ disk, range }: SurveyDiskOptions): { from: number; end: number } {
  if (range === undefined) return { from: 0, end: disk.size }
  const { minimum } = disk.blockSize
  assert(range.offset >= 0 && endOf(range) <= disk.size, `a range to ${endOf(range)}`)
  return {
    from: alignDown(range.offset, minimum),
    end: Math.min(disk.size, alignUp(endOf(range), minimum)),
  }
}

/** The disk's answer, cut to what was asked. */
async function askDisk(
  disk: Disk,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<ExtentList> {
  let list: ExtentList
  try {
    list = await disk.extents(offset, length, { signal })
  } catch (error) {
    throw atOffset(error, offset)
  }
  if (list.offset !== offset || list.end === offset) {
    throw new PlatterError(
      'PROTOCOL',
      `map: asked about ${formatExact(length)} at offset ${offset}, the disk answered about ` +
        `${formatExact(list.end - list.offset)} at ${list.offset}; the rest stays unknown`,
      { data: { offset, length } },
    )
  }
  if (list.end <= offset + length) return list
  const cut = new ExtentList(offset)
  cut.appendList(list, offset + length)
  return cut
}

/** Where to ask next: the end of the answer, or the start of the block that it ends in. */
function forwardTo(list: ExtentList, at: number, end: number, minimum: number): number {
  const next = list.end >= end ? end : alignDown(list.end, minimum)
  if (next > at) return next
  throw new PlatterError(
    'PROTOCOL',
    `map: the disk answered about ${formatExact(list.end - at)} at offset ${at}, less than its ` +
      `smallest block of ${formatExact(minimum)}; the rest stays unknown`,
    { data: { offset: at, minimum } },
  )
}

function atOffset(error: unknown, offset: number): unknown {
  if (!(error instanceof PlatterError) || hasCode(error, 'ABORTED')) return error
  return new PlatterError(error.code, `map at offset ${offset}: ${error.message}`, {
    cause: error,
    data: { ...error.data, offset },
  })
}

function nextStep(step: number, extentCount: number): number {
  if (extentCount > MANY_EXTENTS) return Math.max(LEAST_STEP_BYTES, step / 2)
  return extentCount < FEW_EXTENTS ? Math.min(MOST_STEP_BYTES, step * 2) : step
}

class Budget {
  readonly #maxCalls: number
  readonly #maxRuns: number
  #calls = 0
  #callsThisTurn = 0
  #extentsThisTurn = 0

  constructor(options: SurveyDiskOptions, length: number) {
    this.#maxRuns = options.maxExtents ?? DEFAULT_MAX_EXTENTS
    this.#maxCalls =
      options.maxCalls ?? Math.min(MAX_CALLS, SPARE_CALLS + Math.ceil(length / BYTES_PER_CALL))
  }

  countCall(at: number): void {
    if (this.#calls === this.#maxCalls) {
      throw new PlatterError(
        'LIMIT',
        `map: ${groupDigits(this.#calls)} answers reached only offset ${at}, and no more are asked ` +
          `for; the rest stays unknown`,
        { data: { offset: at, calls: this.#calls } },
      )
    }
    this.#calls++
  }

  checkRuns(count: number, at: number): void {
    if (count <= this.#maxRuns) return
    throw new PlatterError(
      'LIMIT',
      `map: the disk is in ${groupDigits(count)} extents by offset ${at}, above the limit of ` +
        `${groupDigits(this.#maxRuns)}; the rest stays unknown`,
      { data: { offset: at, extents: count, limit: this.#maxRuns } },
    )
  }

  isTurnOver(extentCount: number): boolean {
    this.#callsThisTurn++
    this.#extentsThisTurn += extentCount
    const over = this.#callsThisTurn >= CALLS_PER_TURN || this.#extentsThisTurn >= EXTENTS_PER_TURN
    if (over) {
      this.#callsThisTurn = 0
      this.#extentsThisTurn = 0
    }
    return over
  }
}
