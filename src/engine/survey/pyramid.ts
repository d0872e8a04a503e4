// Exact bytes of each class for every cell of a disk, at every power-of-two cell size from a base cell
// up to the whole disk. A parent is the sum of its two children, so the root is the legend's totals and
// no zoom can disagree with another.
//
// Layout: level 0 has a cell for every `baseBytes`, at most 2^20 of them; level n has cells of
// baseBytes · 2^n. A level holds one number a cell for data, zero and hole: 32 bits wide while a cell
// is below 4 GiB, else 64-bit floats, which are exact for every byte count below 2^53. What is left of
// a cell is unknown and stored nowhere, so an empty pyramid is nothing but zeroed memory.
//
// The pyramid follows an extent index: `forget` before a range of the index changes, `learn` after it.
// Only the two ragged ends of a range are counted run by run; whole cells are cleared and set.

import { assert } from '../base/assert'
import { alignDown, alignUp } from '../base/ranges'
import type { CellNumbers } from './cell-numbers'
import { makeCellNumbers, spreadRun } from './cell-numbers'
import type { ExtentIndex } from './extent-index'
import type { ClassTotals, RunKind } from './run-class'
import { noTotals, UNKNOWN } from './run-class'

export const MAX_BASE_CELLS = 1 << 20

/** Cells finer than this are counted from the extents that a view shows; see survey.ts. */
const SMALLEST_BASE_BYTES = 64 * 1024

export interface PyramidLevel {
  readonly cellBytes: number
  /** How many cells cover the disk; the last one may reach past its end. */
  readonly count: number
  /** Bytes of data, zero and hole in each cell: indexed by run kind, then by cell. */
  readonly bytes: readonly [CellNumbers, CellNumbers, CellNumbers]
}

export class Pyramid {
  readonly size: number
  readonly baseBytes: number
  readonly levels: readonly PyramidLevel[]

  constructor(size: number) {
    assert(Number.isSafeInteger(size) && size >= 0, `a pyramid of ${size} bytes`)
    this.size = size
    let baseBytes = SMALLEST_BASE_BYTES
    while (Math.ceil(size / baseBytes) > MAX_BASE_CELLS) baseBytes *= 2
    this.baseBytes = baseBytes
    const levels: PyramidLevel[] = []
    for (let cellBytes = baseBytes; ; cellBytes *= 2) {
      const count = Math.max(1, Math.ceil(size / cellBytes))
      levels.push({ cellBytes, count, bytes: makeNumbers(cellBytes, count) })
      if (count === 1) break
    }
    this.levels = levels
  }

  /** The level of exactly this cell size; `undefined` below the base cell and above the root. */
  levelOf(cellBytes: number): PyramidLevel | undefined {
    return this.levels[Math.log2(cellBytes / this.baseBytes)]
  }

  totals(): ClassTotals {
    const totals = noTotals()
    this.#add(totals, this.levels.length - 1, 0)
    totals.unknown = this.size - totals.data - totals.zero - totals.hole
    return totals
  }

  /** Adds the bytes of whole base cells to `into`, in at most two steps a level. Unknown is left alone. */
  addCells(first: number, end: number, into: ClassTotals): void {
    for (let level = 0; first < end; level++) {
      if (first % 2 === 1) this.#add(into, level, first++)
      if (end % 2 === 1 && first < end) this.#add(into, level, --end)
      first /= 2
      end /= 2
    }
  }

  /** Takes the range out, as `index` still has it. `learn` of the same range has to follow. */
  forget(from: number, to: number, index: ExtentIndex): void {
    const headEnd = Math.min(to, alignUp(from, this.baseBytes))
    const tailStart = Math.max(headEnd, alignDown(to, this.baseBytes))
    const subtract = (start: number, end: number, kind: RunKind) => {
      if (kind === UNKNOWN) return
      const bytes = this.#base(kind)
      const cell = Math.floor(start / this.baseBytes)
      bytes[cell] = (bytes[cell] as number) - (end - start)
    }
    index.visit(from, headEnd, subtract)
    index.visit(tailStart, to, subtract)
    const first = headEnd / this.baseBytes
    const end = tailStart / this.baseBytes
    if (end > first) for (const bytes of this.#level(0).bytes) bytes.fill(0, first, end)
  }

  /** Puts the range in as `index` has it now, and brings every level above up to date. */
  learn(from: number, to: number, index: ExtentIndex): void {
    index.visit(from, to, (start, end, kind) => {
      if (kind !== UNKNOWN) spreadRun(this.#base(kind), this.baseBytes, start, end)
    })
    this.#sumUp(Math.floor(from / this.baseBytes), Math.ceil(to / this.baseBytes))
  }

  /** Recomputes the ancestors of the base cells from `first` up to `end`. */
  #sumUp(first: number, end: number): void {
    for (let level = 1; level < this.levels.length; level++) {
      first = Math.floor(first / 2)
      end = Math.ceil(end / 2)
      const children = this.#level(level - 1)
      const parents = this.#level(level)
      for (let kind = 0; kind < UNKNOWN; kind++) {
        sumPairs(
          children.bytes[kind] as CellNumbers,
          parents.bytes[kind] as CellNumbers,
          first,
          end,
        )
      }
    }
  }

  #add(into: ClassTotals, level: number, cell: number): void {
    const [data, zero, hole] = this.#level(level).bytes
    into.data += data[cell] as number
    into.zero += zero[cell] as number
    into.hole += hole[cell] as number
  }

  #base(kind: RunKind): CellNumbers {
    return this.#level(0).bytes[kind] as CellNumbers
  }

  #level(level: number): PyramidLevel {
    return this.levels[level] as PyramidLevel
  }
}

function sumPairs(children: CellNumbers, parents: CellNumbers, first: number, end: number): void {
  const pairs = Math.min(end, children.length >>> 1)
  for (let i = first; i < pairs; i++) {
    parents[i] = (children[2 * i] as number) + (children[2 * i + 1] as number)
  }
  if (end > pairs) parents[pairs] = children[2 * pairs] as number
}

function makeNumbers(cellBytes: number, count: number): PyramidLevel['bytes'] {
  const make = () => makeCellNumbers(cellBytes, count)
  return [make(), make(), make()]
}
