// Compares two disks: every range of bytes in which they differ, in order, exact to the byte, with many
// reads in flight and memory that does not grow with what is found.
//
// The shorter disk counts as zeroes behind its end, as qemu-img compare has it when it is not strict: so
// disks of different size are equal when the longer one holds nothing but zeroes there. What both sides
// say is zero is not read; what one of them says is zero is read from the other alone.
//
// Assumes that nobody writes to either meanwhile. Leaves out: opening, printing.

import { ensure } from '../base/assert'
import type { Clock } from '../base/clock'
import { abortedError, hasCode, PlatterError, throwIfAborted } from '../base/errors'
import { alignDown, alignUp, type ByteRange, endOf, splitByUnit } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { MAX_PAYLOAD } from '../disk/disk'
import { AbortFan } from './abort-fan'
import { type CompareSpan, CompareSpans } from './compare-spans'
import { checkNumber, DEFAULT_REQUEST_SIZE, DEFAULT_REQUESTS, MAX_REQUESTS } from './copy-plan'
import { type CopyProgress, ProgressMeter } from './copy-progress'
import { type FlatRanges, findDifferences } from './differing-runs'

/** With `first`, a range is followed no further than this. */
export const FIRST_MOST = 1024 * 1024
/** Buffers of all spans, both sides together. */
const MAX_BUFFERS = 64 * 1024 * 1024

export interface CompareOptions {
  /** Stop at the first range; it is given as far as it is known by then, at least FIRST_MOST of it. */
  readonly first?: boolean | undefined
  /** Spans in flight, each a read of either disk. */
  readonly requests?: number | undefined
  /** Bytes. */
  readonly requestSize?: number | undefined
  /** False: neither disk is asked for extents, and all of both is read. */
  readonly useExtents?: boolean | undefined
  /** Called in order; awaited, so that a slow taker slows the comparison and nothing piles up. */
  readonly onRanges?: ((ranges: readonly ByteRange[]) => void | Promise<void>) | undefined
  /** For `onProgress`. */
  readonly clock?: Clock | undefined
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CompareResult {
  /** Of the two disks, bytes. */
  readonly sizes: readonly [number, number]
  readonly same: boolean
  /** Ranges that differ, and their bytes; with `first`, one at most. */
  readonly ranges: number
  readonly bytes: number
  /** Bytes that were not read because both disks are known to be zero there. */
  readonly skipped: number
}

/** Rejects with the failing disk's own code, with ABORTED, or with BAD_REQUEST. */
export async function compareDisks(
  a: Disk,
  b: Disk,
  options: CompareOptions = {},
): Promise<CompareResult> {
  const { requests = DEFAULT_REQUESTS, requestSize = DEFAULT_REQUEST_SIZE, signal } = options
  checkNumber('requests', requests, MAX_REQUESTS)
  checkNumber('request size', requestSize, MAX_PAYLOAD)
  throwIfAborted(signal, 'compare')
  return new Comparison([a, b], requests, requestSize, options).run()
}

interface Found {
  readonly span: CompareSpan
  readonly ranges: FlatRanges
}

class Comparison {
  readonly #disks: readonly [Disk, Disk]
  readonly #options: CompareOptions
  readonly #requests: number
  readonly #window: number
  readonly #spans: CompareSpans
  readonly #cancel: AbortFan
  readonly #meter: ProgressMeter | undefined
  readonly #buffers: [Uint8Array, Uint8Array][] = []
  #zeroes: Uint8Array | undefined
  /** The last range, which the next span may make longer. */
  #open: { offset: number; length: number } | undefined
  #done = 0
  #ranges = 0
  #bytes = 0

  constructor(
    disks: readonly [Disk, Disk],
    requests: number,
    requestSize: number,
    options: CompareOptions,
  ) {
    const [a, b] = disks.map(({ blockSize }) => blockSize) as [Disk['blockSize'], Disk['blockSize']]
    const minimum = Math.max(a.minimum, b.minimum)
    const most = alignDown(Math.min(a.maximum, b.maximum), minimum)
    const wish = alignUp(Math.max(requestSize, Math.min(most, a.preferred, b.preferred)), minimum)
    this.#window = Math.max(minimum, 4, Math.min(wish, most))
    this.#requests = Math.max(1, Math.min(requests, Math.floor(MAX_BUFFERS / this.#window / 2)))
    this.#disks = disks
    this.#cancel = new AbortFan(options.signal)
    this.#options = options
    const unit = Math.max(minimum, 4, Math.min(a.preferred, b.preferred, this.#window))
    const { useExtents = true, signal, onProgress } = options
    const spanOptions = { window: this.#window, useExtents, signal }
    this.#spans = new CompareSpans(disks[0], disks[1], unit, spanOptions)
    if (onProgress !== undefined) {
      const total = Math.max(disks[0].size, disks[1].size)
      const clock = ensure(options.clock, 'the clock of a comparison with progress')
      this.#meter = new ProgressMeter(0, { total, clock, report: onProgress })
    }
  }

  async run(): Promise<CompareResult> {
    /** In order; each is begun when the one `#requests` places before it has been dealt with. */
    const inFlight: Promise<Found>[] = []
    try {
      let more = true
      while (!this.#isEnough) {
        while (more && inFlight.length < this.#requests) {
          const span = await this.#spans.next()
          if (span === undefined) more = false
          else inFlight.push(this.#start(span))
        }
        const oldest = inFlight.shift()
        if (oldest === undefined) break
        await this.#deal(await oldest)
      }
      await this.#closeRange()
    } catch (error) {
      throw this.#describe(error)
    } finally {
      await Promise.allSettled(inFlight)
      await this.#spans.close()
      this.#cancel.close()
    }
    if (!this.#isEnough) this.#advance(Math.max(this.#disks[0].size, this.#disks[1].size))
    this.#meter?.tell()
    const sizes = [this.#disks[0].size, this.#disks[1].size] as const
    const { skipped } = this.#spans
    return { sizes, same: this.#ranges === 0, ranges: this.#ranges, bytes: this.#bytes, skipped }
  }

  get #isEnough(): boolean {
    if (this.#options.first !== true) return false
    return this.#ranges > 0 || (this.#open?.length ?? 0) >= FIRST_MOST
  }

  /** A span under way whose failure is looked at in its turn. */
  #start(span: CompareSpan): Promise<Found> {
    const found = this.#compare(span)
    found.catch(() => undefined)
    return found
  }

  async #compare(span: CompareSpan): Promise<Found> {
    throwIfAborted(this.#options.signal, 'compare')
    const buffers = this.#buffers.pop() ?? [
      new Uint8Array(this.#window),
      new Uint8Array(this.#window),
    ]
    const results = await Promise.allSettled([
      this.#read(0, span, buffers[0]),
      this.#read(1, span, buffers[1]),
    ])
    for (const result of results) if (result.status === 'rejected') throw result.reason
    const [a, b] = ([0, 1] as const).map((side) =>
      (span.isZero[side] ? this.#zero() : buffers[side]).subarray(0, span.length),
    ) as [Uint8Array, Uint8Array]
    const ranges: FlatRanges = []
    findDifferences(a, b, span.offset, ranges)
    this.#buffers.push(buffers)
    return { span, ranges }
  }

  #zero(): Uint8Array {
    this.#zeroes ??= new Uint8Array(this.#window)
    return this.#zeroes
  }

  async #read(side: 0 | 1, span: CompareSpan, buffer: Uint8Array): Promise<void> {
    if (span.isZero[side]) return
    const disk = this.#disks[side]
    const { minimum, maximum } = disk.blockSize
    const from = alignDown(span.offset, minimum)
    const to = Math.min(disk.size, alignUp(endOf(span), minimum))
    const calls: Promise<void>[] = []
    const whole = from === span.offset && to <= endOf(span)
    const into = whole ? buffer : new Uint8Array(to - from)
    const most = Math.max(minimum, alignDown(maximum, minimum))
    for (const part of splitByUnit({ offset: from, length: to - from }, most)) {
      const piece = into.subarray(part.offset - from, endOf(part) - from)
      calls.push(this.#cancel.run((signal) => disk.read(piece, part.offset, { signal })))
    }
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'rejected') throw result.reason
    }
    if (!whole) buffer.set(into.subarray(span.offset - from, endOf(span) - from))
  }

  async #deal({ span, ranges }: Found): Promise<void> {
    const closed: ByteRange[] = []
    for (let i = 0; i < ranges.length && !this.#isEnough; i += 2) {
      const [offset, length] = [ranges[i] as number, ranges[i + 1] as number]
      const open = this.#open
      if (open !== undefined && endOf(open) === offset) open.length += length
      else {
        if (open !== undefined) closed.push(this.#count(open))
        if (this.#isEnough) break
        this.#open = { offset, length }
      }
    }
    const open = this.#open
    if (open !== undefined && endOf(open) < endOf(span) && !this.#isEnough) {
      closed.push(this.#count(open))
      this.#open = undefined
    }
    if (closed.length > 0) await this.#options.onRanges?.(closed)
    this.#advance(endOf(span))
  }

  #count(range: ByteRange): ByteRange {
    this.#ranges++
    this.#bytes += range.length
    this.#open = undefined
    return range
  }

  async #closeRange(): Promise<void> {
    if (this.#open !== undefined) await this.#options.onRanges?.([this.#count(this.#open)])
  }

  #advance(to: number): void {
    this.#meter?.add(to - this.#done)
    this.#done = to
  }

  #describe(error: unknown): unknown {
    const { signal } = this.#options
    if (signal?.aborted === true && hasCode(error, 'ABORTED')) {
      return abortedError(signal, `compare: up to byte ${this.#done}`)
    }
    if (!(error instanceof PlatterError)) return error
    return new PlatterError(error.code, `compare: ${error.message}`, {
      cause: error,
      data: error.data,
    })
  }
}
