// What is known of a disk's allocation, exactly: runs in an extent index and byte counts in a pyramid over
// it, changed together. Cells, legend, tooltip, table and totals all come from here, so they agree to
// the byte. It asks no disk anything itself (survey-disk.ts does), but it knows in which order the answers
// that it is given were asked for, so that a late answer never hides a newer one.

import { assert } from '../base/assert'
import type { ByteRange } from '../base/ranges'
import { alignDown, alignUp, endOf, isPowerOfTwo } from '../base/ranges'
import { ExtentList } from '../disk/extents'
import type { CellNumbers } from './cell-numbers'
import { spreadRun } from './cell-numbers'
import type { ExtentRun } from './extent-index'
import { ExtentIndex } from './extent-index'
import type { Ask } from './open-asks'
import { OpenAsks, withoutRanges } from './open-asks'
import type { PyramidLevel } from './pyramid'
import { Pyramid } from './pyramid'
import type { ClassTotals } from './run-class'
import { noTotals } from './run-class'

export const SMALLEST_CELL_BYTES = 512

/** Bytes of each class for each cell; 64-bit floats where a cell is 4 GiB or more. */
export interface SurveyColumns {
  readonly data: CellNumbers
  readonly zero: CellNumbers
  readonly hole: CellNumbers
  readonly unknown: CellNumbers
}

export class Survey {
  readonly size: number
  readonly #index: ExtentIndex
  readonly #pyramid: Pyramid
  readonly #asks = new OpenAsks()

  constructor(size: number) {
    this.size = size
    this.#index = new ExtentIndex(size)
    this.#pyramid = new Pyramid(size)
  }

  /** Bytes that are not unknown. */
  get mapped(): number {
    return this.size - this.totals().unknown
  }

  /** How many merged runs cover the disk, the unknown ones included. */
  get count(): number {
    return this.#index.count
  }

  /** The range that the list covers holds what the list says, as of now. */
  replace(list: ExtentList): void {
    this.answer(this.ask(), list)
  }

  /** The range is unknown from now on. */
  forget(offset: number, length: number): void {
    this.fail(this.ask(), { offset, length })
  }

  /** To be called when a disk is asked for extents; `answer` or `fail` has to follow. */
  ask(): Ask {
    return this.#asks.begin()
  }

  /** What the disk said. It does not change what a question that was asked later has found already. */
  answer(ask: Ask, list: ExtentList): void {
    assert(list.offset >= 0 && list.end <= this.size, `extents to ${list.end} of ${this.size}`)
    const newer = this.#asks.settle(ask, { offset: list.offset, length: list.end - list.offset })
    for (const piece of newer.length === 0 ? [list] : withoutRanges(list, newer)) {
      this.#change(piece.offset, piece.end, () => this.#index.replace(piece))
    }
  }

  /** The disk did not say: the range is unknown but for what later questions have found. */
  fail(ask: Ask, range: ByteRange): void {
    assert(range.offset >= 0 && endOf(range) <= this.size, `forgetting to ${endOf(range)}`)
    const newer = this.#asks.settle(ask, range)
    for (const piece of withoutRanges(ExtentList.of(range.offset, range.length, 0), newer)) {
      this.#change(piece.offset, piece.end, () => {
        this.#index.forget(piece.offset, piece.end - piece.offset)
      })
    }
  }

  totals(): ClassTotals {
    return this.#pyramid.totals()
  }

  /** Exact bytes for each class in a range; what lies outside the disk counts nowhere. */
  totalsIn(offset: number, length: number): ClassTotals {
    const from = Math.max(0, offset)
    const to = Math.min(this.size, offset + length)
    const totals = noTotals()
    if (to <= from) return totals
    const { baseBytes } = this.#pyramid
    const headEnd = Math.min(to, alignUp(from, baseBytes))
    const tailStart = Math.max(headEnd, alignDown(to, baseBytes))
    this.#pyramid.addCells(headEnd / baseBytes, tailStart / baseBytes, totals)
    addTotals(totals, this.#index.totalsIn(from, headEnd - from))
    addTotals(totals, this.#index.totalsIn(tailStart, to - tailStart))
    totals.unknown = to - from - totals.data - totals.zero - totals.hole
    return totals
  }

  /**
   * Fills the first `cellCount` numbers of each column with the bytes of the cells from `firstCell` on.
   * A cell is `cellBytes` long, a power of two of 512 or more; the last one of the disk is cut at its
   * end, and cells behind it hold 0 of everything.
   */
  columns(cellBytes: number, firstCell: number, cellCount: number, into: SurveyColumns): void {
    assert(
      isPowerOfTwo(cellBytes) && cellBytes >= SMALLEST_CELL_BYTES,
      `cells of ${cellBytes} bytes`,
    )
    assert(Number.isSafeInteger(firstCell) && firstCell >= 0, `cell ${firstCell}`)
    assert(into.unknown.length >= cellCount, `${cellCount} cells into ${into.unknown.length}`)
    assert(
      cellBytes < 2 ** 32 || into.unknown instanceof Float64Array,
      `cells of ${cellBytes} bytes into 32-bit numbers`,
    )
    const cellsOfDisk = Math.ceil(this.size / cellBytes)
    const count = Math.max(0, Math.min(cellCount, cellsOfDisk - firstCell))
    for (const column of [into.data, into.zero, into.hole, into.unknown]) {
      column.fill(0, 0, cellCount)
    }
    if (count === 0) return
    if (cellBytes < this.#pyramid.baseBytes) this.#countCells(cellBytes, firstCell, count, into)
    else this.#copyCells(this.#levelOf(cellBytes), cellBytes, firstCell, count, into)
  }

  /** Runs by their number, the first is 0. */
  rows(first: number, count: number): ExtentRun[] {
    return this.#index.rows(first, count)
  }

  /** The first `limit` runs of a range, clipped to it. */
  rowsIn(range: ByteRange, limit: number): ExtentRun[] {
    const rows: ExtentRun[] = []
    for (const run of this.#index.runs(range.offset, range.length)) {
      if (rows.length >= limit) break
      rows.push(run)
    }
    return rows
  }

  indexAt(offset: number): number {
    return this.#index.indexAt(offset)
  }

  runAt(offset: number): ExtentRun {
    return this.#index.runAt(offset)
  }

  nextBoundary(offset: number, backwards = false): number | undefined {
    return this.#index.nextBoundary(offset, backwards)
  }

  /** Every run of the range in order, clipped to it. The survey must not change meanwhile. */
  runs(offset = 0, length: number = this.size - offset): Generator<ExtentRun> {
    return this.#index.runs(offset, length)
  }

  #change(from: number, to: number, changeIndex: () => void): void {
    if (from === to) return
    this.#pyramid.forget(from, to, this.#index)
    changeIndex()
    this.#pyramid.learn(from, to, this.#index)
  }

  /** A cell wider than the disk is the root, whatever its size. */
  #levelOf(cellBytes: number): PyramidLevel {
    return this.#pyramid.levelOf(cellBytes) ?? (this.#pyramid.levels.at(-1) as PyramidLevel)
  }

  #copyCells(
    level: PyramidLevel,
    cellBytes: number,
    firstCell: number,
    count: number,
    into: SurveyColumns,
  ): void {
    const { data, zero, hole, unknown } = into
    const end = firstCell + count
    data.set(level.bytes[0].subarray(firstCell, end))
    zero.set(level.bytes[1].subarray(firstCell, end))
    hole.set(level.bytes[2].subarray(firstCell, end))
    for (let i = 0; i < count; i++) {
      const length =
        i === count - 1 ? Math.min(cellBytes, this.size - (end - 1) * cellBytes) : cellBytes
      unknown[i] = length - (data[i] as number) - (zero[i] as number) - (hole[i] as number)
    }
  }

  #countCells(cellBytes: number, firstCell: number, count: number, into: SurveyColumns): void {
    const origin = firstCell * cellBytes
    const columns = [into.data, into.zero, into.hole, into.unknown]
    this.#index.visit(origin, origin + count * cellBytes, (from, to, kind) => {
      spreadRun(columns[kind] as CellNumbers, cellBytes, from - origin, to - origin)
    })
  }
}

function addTotals(into: ClassTotals, from: ClassTotals): void {
  into.data += from.data
  into.zero += from.zero
  into.hole += from.hole
}
