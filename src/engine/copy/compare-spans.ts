// Cuts a comparison into spans of work, in order: what both sides are known to be zero in is left out,
// and where one of them is, only the other is read. A disk reads as zeroes behind its end.

import { alignDown, type ByteRange } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { SourceRuns } from './source-runs'

export interface CompareSpan extends ByteRange {
  /** That side is known to be zero here, and need not be read. */
  readonly isZero: readonly [boolean, boolean]
}

export interface SpanOptions {
  /** A span is no longer, and ends at its multiples. */
  readonly window: number
  readonly useExtents: boolean
  readonly signal?: AbortSignal | undefined
}

class Side {
  readonly #disk: Disk
  readonly #runs: SourceRuns

  constructor(disk: Disk, unit: number, { useExtents, signal }: SpanOptions) {
    this.#disk = disk
    this.#runs = new SourceRuns(disk, { start: 0, unit, useExtents, signal })
  }

  async at(offset: number): Promise<{ end: number; isZero: boolean }> {
    if (offset >= this.#disk.size) return { end: Number.MAX_SAFE_INTEGER, isZero: true }
    return this.#runs.at(offset)
  }

  close(): Promise<void> {
    return this.#runs.close()
  }
}

export class CompareSpans {
  readonly #sides: readonly [Side, Side]
  readonly #size: number
  readonly #window: number
  #at = 0
  /** Bytes that nobody has to read, because both sides are known to be zero. */
  skipped = 0

  /** `unit`: zeroes count in whole ones, which are whole smallest blocks of both disks. */
  constructor(a: Disk, b: Disk, unit: number, options: SpanOptions) {
    this.#sides = [new Side(a, unit, options), new Side(b, unit, options)]
    this.#size = Math.max(a.size, b.size)
    this.#window = options.window
  }

  /** The next span that has to be read; `undefined` at the end. One call at a time. */
  async next(): Promise<CompareSpan | undefined> {
    while (this.#at < this.#size) {
      const offset = this.#at
      const [a, b] = [await this.#sides[0].at(offset), await this.#sides[1].at(offset)]
      let end = Math.min(a.end, b.end, this.#size)
      if (a.isZero && b.isZero) {
        this.skipped += end - offset
        this.#at = end
        continue
      }
      end = Math.min(end, alignDown(offset, this.#window) + this.#window)
      this.#at = end
      return { offset, length: end - offset, isZero: [a.isZero, b.isZero] }
    }
    return undefined
  }

  async close(): Promise<void> {
    await Promise.all(this.#sides.map((side) => side.close()))
  }
}
