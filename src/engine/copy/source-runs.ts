// What a disk says it holds, as runs of zeroes and of everything else, in order from a start to its end.
// One question is under way ahead of the list in use, so at most two lists are in memory.
//
// Zeroes count only in whole units of the disk: what is left over at the ends of a run is read as data,
// which costs less than the requests that it would take to leave it out. A disk without extents is all
// data. A question that fails fails the run: a guess would turn data into zeroes or zeroes into data.

import { PlatterError } from '../base/errors'
import { alignDown, alignUp } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { EXTENT_ZERO, type ExtentList } from '../disk/extents'

/** One question is about at most so much; the disk answers what it can of it. */
const STEP = 8 * 1024 ** 3
/** A run of zeroes is not followed beyond this before it is used. */
const MAX_RUN = 1024 ** 3
/** A server may answer a byte at a time, for ever: answers must cover so much on average. */
const MIN_ANSWER = 512
const FREE_ANSWERS = 4096

export interface SourceRun {
  /** The first byte behind it. */
  readonly end: number
  /** It reads as zeroes, by what the disk says. */
  readonly isZero: boolean
}

export interface SourceRunOptions {
  readonly start: number
  /** Zeroes count in multiples of this. */
  readonly unit: number
  /** False: everything is data. */
  readonly useExtents: boolean
  readonly signal?: AbortSignal | undefined
}

export class SourceRuns {
  readonly #disk: Disk
  readonly #options: SourceRunOptions
  readonly #start: number
  #ahead: Promise<ExtentList> | undefined
  #list: ExtentList | undefined
  /** The extent of the list that is next, and where it begins. */
  #index = 0
  #at: number
  /** As much of the list as is believed: whole smallest blocks of the disk. */
  #listEnd: number
  #answers = 0
  /** Extents of one kind, as they were told; the run in use is made of it. */
  #raw: SourceRun
  #run: SourceRun & { readonly from: number }

  constructor(disk: Disk, options: SourceRunOptions) {
    this.#disk = disk
    this.#options = options
    this.#start = alignDown(options.start, disk.blockSize.minimum)
    this.#at = this.#start
    this.#listEnd = this.#start
    this.#raw = { end: this.#start, isZero: false }
    const all = !options.useExtents || !disk.capabilities.extents
    this.#run = { from: this.#start, end: all ? disk.size : this.#start, isZero: false }
  }

  /** The run that holds the byte at `offset`, which never goes back. */
  async at(offset: number): Promise<SourceRun> {
    while (this.#run.end <= offset) this.#run = await this.#next()
    return this.#run
  }

  /** Waits for the question that nobody needs any more. */
  async close(): Promise<void> {
    await this.#ahead?.catch(() => undefined)
  }

  /** The next run in whole units; what is too short for one is data. */
  async #next(): Promise<SourceRun & { from: number }> {
    const { unit } = this.#options
    const { size } = this.#disk
    const from = this.#run.end
    for (let dataEnd = from; ; ) {
      const raw = await this.#peek(dataEnd)
      const zeroFrom = alignUp(dataEnd, unit)
      const zeroEnd = raw.end === size ? size : alignDown(raw.end, unit)
      if (raw.isZero && zeroEnd > zeroFrom) {
        if (zeroFrom > from) return { from, end: zeroFrom, isZero: false }
        return { from, end: zeroEnd, isZero: true }
      }
      if (raw.end >= size || raw.end - from >= MAX_RUN) {
        return { from, end: raw.end, isZero: false }
      }
      dataEnd = raw.end
    }
  }

  /** The extents of one kind from `offset` on, joined across lists. */
  async #peek(offset: number): Promise<SourceRun> {
    if (this.#raw.end > offset) return this.#raw
    let isZero: boolean | undefined
    let end = offset
    while (end < this.#disk.size && end - offset < MAX_RUN) {
      const extent = await this.#extentAt(end)
      if (isZero !== undefined && extent.isZero !== isZero) break
      isZero = extent.isZero
      end = extent.end
    }
    this.#raw = { end, isZero: isZero === true }
    return this.#raw
  }

  async #extentAt(offset: number): Promise<SourceRun> {
    if (offset >= this.#listEnd) await this.#fetch(offset)
    const list = this.#list as ExtentList
    let end = this.#at + (list.lengths[this.#index] as number)
    while (end <= offset) {
      this.#at = end
      this.#index++
      end += list.lengths[this.#index] as number
    }
    const isZero = ((list.flags[this.#index] as number) & EXTENT_ZERO) !== 0
    return { end: Math.min(end, this.#listEnd), isZero }
  }

  async #fetch(offset: number): Promise<void> {
    const list = await (this.#ahead ?? this.#ask(offset))
    const { size, blockSize } = this.#disk
    const end = list.end >= size ? size : alignDown(list.end, blockSize.minimum)
    if (list.offset !== offset || end <= offset) {
      throw new PlatterError('PROTOCOL', `the map does not go on at offset ${offset}`)
    }
    this.#list = list
    this.#index = 0
    this.#at = offset
    this.#listEnd = end
    this.#answers++
    if (this.#answers > FREE_ANSWERS + (end - this.#start) / MIN_ANSWER) {
      throw new PlatterError(
        'LIMIT',
        `the map is too fine: ${this.#answers} answers up to offset ${end} of ${size}`,
        { data: { answers: this.#answers, offset: end } },
      )
    }
    this.#ahead = end < size ? this.#ask(end) : undefined
    // Whoever needs it learns of its failure; until then it is nobody's.
    this.#ahead?.catch(() => undefined)
  }

  #ask(offset: number): Promise<ExtentList> {
    const { signal } = this.#options
    return this.#disk.extents(offset, Math.min(STEP, this.#disk.size - offset), { signal })
  }
}
