import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { ExtentList } from '../disk/extents'
import { makeCellNumbers } from './cell-numbers'
import type { ClassTotals } from './run-class'
import { className, kindOfFlags, noTotals, RUN_CLASSES, UNKNOWN } from './run-class'
import type { SurveyColumns } from './survey'
import { Survey } from './survey'

/** One class a unit of the disk: slow, and plainly right. */
class SlowSurvey {
  readonly kinds: Uint8Array
  readonly size: number
  readonly unit: number

  constructor(size: number, unit: number) {
    this.size = size
    this.unit = unit
    this.kinds = new Uint8Array(Math.ceil(size / unit)).fill(UNKNOWN)
  }

  replace(list: ExtentList): void {
    for (const { offset, length, flags } of list) {
      this.kinds.fill(
        kindOfFlags(flags),
        offset / this.unit,
        Math.ceil((offset + length) / this.unit),
      )
    }
  }

  totalsIn(offset: number, length: number): ClassTotals {
    const totals = noTotals()
    const end = Math.min(this.size, offset + length)
    for (let at = offset; at < end; ) {
      const next = Math.min(end, (Math.floor(at / this.unit) + 1) * this.unit)
      totals[className(this.kinds[Math.floor(at / this.unit)] as number)] += next - at
      at = next
    }
    return totals
  }

  runs(): { offset: number; length: number; type: string }[] {
    const runs: { offset: number; length: number; type: string }[] = []
    this.kinds.forEach((kind, i) => {
      const type = className(kind)
      const length = Math.min(this.unit, this.size - i * this.unit)
      const last = runs.at(-1)
      if (last?.type === type) last.length += length
      else runs.push({ offset: i * this.unit, length, type })
    })
    return runs
  }
}

function randomList(prng: Prng, size: number, unit: number): ExtentList {
  const units = Math.ceil(size / unit)
  const first = prng.below(units)
  const wide = prng.bool(0.1) ? units : Math.max(1, Math.floor(units / 20))
  const end = Math.min(units, first + 1 + prng.below(wide))
  const list = new ExtentList(first * unit)
  for (let at = first; at < end; ) {
    const next = Math.min(end, at + 1 + prng.below(prng.bool(0.8) ? 4 : 200))
    list.append(Math.min(size, next * unit) - at * unit, prng.below(4))
    at = next
  }
  return list
}

const makeColumns = (cellBytes: number, count: number): SurveyColumns => ({
  data: makeCellNumbers(cellBytes, count),
  zero: makeCellNumbers(cellBytes, count),
  hole: makeCellNumbers(cellBytes, count),
  unknown: makeCellNumbers(cellBytes, count),
})

function columnsOf(survey: Survey, cellBytes: number, first: number, count: number) {
  const columns = makeColumns(cellBytes, count)
  for (const name of RUN_CLASSES) columns[name].fill(77)
  survey.columns(cellBytes, first, count, columns)
  return Array.from({ length: count }, (_, i) => ({
    data: columns.data[i],
    zero: columns.zero[i],
    hole: columns.hole[i],
    unknown: columns.unknown[i],
  }))
}

function expectSame(survey: Survey, model: SlowSurvey, prng: Prng): void {
  expect(survey.totals()).toEqual(model.totalsIn(0, model.size))
  const offset = prng.below(model.size)
  const length = prng.below(model.size - offset + 5)
  expect(survey.totalsIn(offset, length)).toEqual(model.totalsIn(offset, length))
  const cellBytes = Math.min(2 ** 52, 512 * 2 ** prng.below(Math.log2(model.size / 512) + 2))
  const first = prng.below(Math.ceil(model.size / cellBytes) + 1)
  const cells = columnsOf(survey, cellBytes, first, 5)
  cells.forEach((cell, i) => {
    expect(cell, `cell ${first + i} of ${cellBytes} bytes`).toEqual(
      model.totalsIn((first + i) * cellBytes, cellBytes),
    )
  })
}

function expectSameRuns(survey: Survey, model: SlowSurvey, prng: Prng): void {
  const runs = model.runs()
  expect(survey.count).toBe(runs.length)
  expect(survey.rows(0, runs.length + 1)).toEqual(runs)
  expect([...survey.runs()]).toEqual(runs)
  for (let i = 0; i < 50; i++) {
    const index = prng.below(runs.length)
    const run = runs[index] as (typeof runs)[number]
    const offset = run.offset + prng.below(run.length)
    expect(survey.rows(index, 3)).toEqual(runs.slice(index, index + 3))
    expect(survey.indexAt(offset)).toBe(index)
    expect(survey.runAt(offset)).toEqual(run)
    expect(survey.nextBoundary(offset)).toBe(runs[index + 1]?.offset)
    const before = offset > run.offset ? run.offset : runs[index - 1]?.offset
    expect(survey.nextBoundary(offset, true)).toBe(before)
  }
}

describe('Survey', () => {
  for (const [seed, size, unit] of [
    [1, 8 * 2 ** 20, 512],
    [2, 8 * 2 ** 20 + 1, 512],
    [3, 100_000_000, 4096],
    [4, 2 ** 40 + 512 * 3, 2 ** 30 + 512],
    [5, 2 ** 53 - 1, 2 ** 43],
    [6, 70_000, 1],
  ] as const) {
    it(`agrees with a slow model over ${size} bytes after every change (seed ${seed})`, () => {
      const prng = new Prng(seed)
      const survey = new Survey(size)
      const model = new SlowSurvey(size, unit)
      for (let step = 0; step < 300; step++) {
        if (prng.bool(0.1)) {
          const list = randomList(prng, size, unit)
          survey.forget(list.offset, list.end - list.offset)
          model.kinds.fill(UNKNOWN, list.offset / unit, Math.ceil(list.end / unit))
        } else {
          const list = randomList(prng, size, unit)
          survey.replace(list)
          model.replace(list)
        }
        expectSame(survey, model, prng)
        if (step % 50 === 49) expectSameRuns(survey, model, prng)
      }
    })
  }

  it('knows nothing at first', () => {
    const survey = new Survey(1_000_000)
    expect(survey.totals()).toEqual({ data: 0, zero: 0, hole: 0, unknown: 1_000_000 })
    expect(survey.mapped).toBe(0)
    expect(survey.rows(0, 10)).toEqual([{ offset: 0, length: 1_000_000, type: 'unknown' }])
  })

  it('joins extents whose flags differ but whose class does not', () => {
    const survey = new Survey(4096)
    const list = new ExtentList(0)
    list.append(1024, 0)
    list.append(1024, 1)
    list.append(2048, 3)
    survey.replace(list)
    expect(survey.rows(0, 9)).toEqual([
      { offset: 0, length: 2048, type: 'data' },
      { offset: 2048, length: 2048, type: 'hole' },
    ])
    expect(survey.mapped).toBe(4096)
  })

  it('joins a replaced range with equal neighbours on both sides', () => {
    const survey = new Survey(3000)
    survey.replace(ExtentList.of(0, 3000, 0))
    survey.replace(ExtentList.of(1000, 1000, 3))
    expect(survey.count).toBe(3)
    survey.replace(ExtentList.of(1000, 1000, 0))
    expect(survey.rows(0, 9)).toEqual([{ offset: 0, length: 3000, type: 'data' }])
  })

  it('shrinks again after many runs become one', () => {
    const size = 2 ** 24
    const survey = new Survey(size)
    const list = new ExtentList(0)
    for (let i = 0; i < size / 512; i++) list.append(512, i % 2 === 0 ? 0 : 3)
    survey.replace(list)
    expect(survey.count).toBe(size / 512)
    expect(survey.totals()).toEqual({ data: size / 2, zero: 0, hole: size / 2, unknown: 0 })
    for (let at = 512; at < size; at += 1024) survey.replace(ExtentList.of(at, 512, 0))
    expect(survey.rows(0, 9)).toEqual([{ offset: 0, length: size, type: 'data' }])
  })

  it('gives a cell wider than the disk everything, and the cells behind it nothing', () => {
    const survey = new Survey(5000)
    survey.replace(ExtentList.of(0, 2000, 2))
    expect(columnsOf(survey, 2 ** 20, 0, 2)).toEqual([
      { data: 0, zero: 2000, hole: 0, unknown: 3000 },
      noTotals(),
    ])
    expect(columnsOf(survey, 512, 9, 2)).toEqual([
      { data: 0, zero: 0, hole: 0, unknown: 392 },
      noTotals(),
    ])
    expect(columnsOf(survey, 512, 2 ** 40, 1)).toEqual([noTotals()])
  })

  it('refuses cells that are no power of two, or that 32 bits cannot count', () => {
    const survey = new Survey(5000)
    expect(() => columnsOf(survey, 1000, 0, 1)).toThrow('cells of 1000 bytes')
    expect(() => columnsOf(survey, 256, 0, 1)).toThrow('cells of 256 bytes')
    expect(() => survey.columns(2 ** 32, 0, 1, makeColumns(512, 1))).toThrow('32-bit')
  })

  it('refuses an offset outside the disk with its numbers', () => {
    const survey = new Survey(5000)
    expect(() => survey.indexAt(5000)).toThrow('offset 5000 is outside the disk of 5000 bytes')
    expect(() => survey.runAt(-1)).toThrow('outside')
    expect(survey.nextBoundary(5000)).toBe(undefined)
    expect(survey.nextBoundary(5000, true)).toBe(0)
    expect(survey.nextBoundary(0, true)).toBe(undefined)
  })

  it('keeps what a later question found when an earlier one is answered after it', () => {
    const survey = new Survey(10_000)
    const early = survey.ask()
    const late = survey.ask()
    survey.answer(late, ExtentList.of(2000, 1000, 0))
    survey.replace(ExtentList.of(5000, 1000, 2))
    survey.answer(early, ExtentList.of(0, 8000, 3))
    expect(survey.rows(0, 9)).toEqual([
      { offset: 0, length: 2000, type: 'hole' },
      { offset: 2000, length: 1000, type: 'data' },
      { offset: 3000, length: 2000, type: 'hole' },
      { offset: 5000, length: 1000, type: 'zero' },
      { offset: 6000, length: 2000, type: 'hole' },
      { offset: 8000, length: 2000, type: 'unknown' },
    ])
    expect(survey.totals()).toEqual({ data: 1000, zero: 1000, hole: 6000, unknown: 2000 })
  })

  it('lets an answer stand that was asked for after another question, whenever that one fails', () => {
    const survey = new Survey(10_000)
    const early = survey.ask()
    survey.replace(ExtentList.of(2000, 1000, 0))
    survey.fail(early, { offset: 0, length: 10_000 })
    expect(survey.totals()).toEqual({ data: 1000, zero: 0, hole: 0, unknown: 9000 })
  })

  it('takes the later of two answers about one range, in either order (seeds 1 to 40)', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const prng = new Prng(seed)
      const survey = new Survey(64 * 512)
      const model = new SlowSurvey(64 * 512, 512)
      const lists = Array.from({ length: 12 }, () => randomList(prng, 64 * 512, 512))
      for (const list of lists) model.replace(list)
      const asked = lists.map((list) => ({ list, ask: survey.ask(), rank: prng.u32() }))
      for (const { ask, list } of asked.sort((a, b) => a.rank - b.rank)) survey.answer(ask, list)
      expect([...survey.runs()], `seed ${seed}`).toEqual(model.runs())
    }
  })

  it('lists the first runs of a range, cut to it', () => {
    const survey = new Survey(10_000)
    survey.replace(ExtentList.of(2000, 1000, 0))
    expect(survey.rowsIn({ offset: 1000, length: 1500 }, 5)).toEqual([
      { offset: 1000, length: 1000, type: 'unknown' },
      { offset: 2000, length: 500, type: 'data' },
    ])
    expect(survey.rowsIn({ offset: 1000, length: 1500 }, 1)).toHaveLength(1)
  })

  it('has no rows and no bytes for an empty disk', () => {
    const survey = new Survey(0)
    survey.replace(new ExtentList(0))
    expect(survey.count).toBe(0)
    expect(survey.rows(0, 5)).toEqual([])
    expect(survey.totals()).toEqual(noTotals())
    expect(columnsOf(survey, 512, 0, 1)).toEqual([noTotals()])
    expect(survey.nextBoundary(0)).toBe(undefined)
  })
})
