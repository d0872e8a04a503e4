import { describe, expect, it } from 'vitest'
import { hasCode, PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import type { Disk } from '../disk/disk'
import { ANY_BLOCK_SIZE } from '../disk/disk'
import { ExtentList } from '../disk/extents'
import { MemoryDisk } from '../disk/memory-disk'
import { Survey } from './survey'
import { surveyDisk } from './survey-disk'

const MIB = 2 ** 20

type Answer = (offset: number, length: number) => ExtentList | Promise<ExtentList>

/** A disk that answers about its extents as it likes, and can do nothing else. */
class AnsweringDisk extends MemoryDisk {
  readonly asked: [number, number][] = []
  readonly #answer: Answer

  constructor(size: number, answer: Answer, minimum = 1) {
    super(size, { blockSize: { ...ANY_BLOCK_SIZE, minimum } })
    this.#answer = answer
  }

  override async extents(offset: number, length: number): Promise<ExtentList> {
    this.asked.push([offset, length])
    return this.#answer(offset, length)
  }
}

async function failureOf(promise: Promise<unknown>): Promise<PlatterError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PlatterError)
  return error as PlatterError
}

describe('surveyDisk', () => {
  it('finds the same totals and runs however the disk cuts its answers (seed 1)', async () => {
    const prng = new Prng(1)
    const size = 16 * MIB
    const whole = new ExtentList(0)
    while (whole.end < size) {
      whole.append(Math.min(size - whole.end, 512 * (1 + prng.below(200))), prng.below(4))
    }
    const cut: Answer = (offset, length) => {
      const list = new ExtentList(offset)
      const end = offset + Math.min(length, 1 + prng.below(MIB))
      for (const extent of whole) {
        const from = Math.max(offset, extent.offset)
        const to = Math.min(end, extent.offset + extent.length)
        if (to > from) list.append(to - from, extent.flags)
      }
      return list
    }
    const expected = new Survey(size)
    expected.replace(whole)
    const survey = new Survey(size)
    const progress: number[] = []
    const onProgress = (mapped: number) => progress.push(mapped)
    await surveyDisk({ disk: new AnsweringDisk(size, cut), survey, onProgress })
    expect(survey.totals()).toEqual(expected.totals())
    expect(survey.rows(0, survey.count)).toEqual(expected.rows(0, expected.count))
    expect(progress.at(-1)).toBe(size)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
  })

  it('asks for more at once while the answers are short, up to 1 TiB', async () => {
    const size = 2 ** 45
    const disk = new AnsweringDisk(size, (offset, length) => ExtentList.of(offset, length, 3))
    const survey = new Survey(size)
    await surveyDisk({ disk, survey })
    expect(survey.totals().hole).toBe(size)
    expect(disk.asked.length).toBeLessThan(50)
    expect(Math.max(...disk.asked.map(([, length]) => length))).toBe(2 ** 40)
  })

  it('asks only about the range, rounded out to the smallest block', async () => {
    const disk = new AnsweringDisk(10_000, (o, l) => ExtentList.of(o, l, 2), 512)
    const survey = new Survey(10_000)
    await surveyDisk({ disk, survey, range: { offset: 600, length: 9_200 } })
    expect(disk.asked).toEqual([[512, 9_488]])
    expect(survey.totals()).toEqual({ data: 0, zero: 9_488, hole: 0, unknown: 512 })
  })

  it('ignores what an answer says beyond the range that was asked', async () => {
    const disk = new AnsweringDisk(8192, (o, l) => ExtentList.of(o, l * 4, 0))
    const survey = new Survey(8192)
    await surveyDisk({ disk, survey, range: { offset: 1024, length: 1024 } })
    expect(survey.totals()).toEqual({ data: 1024, zero: 0, hole: 0, unknown: 7168 })
  })

  it('refuses an answer about nothing, or about another place', async () => {
    for (const answer of [
      (o: number) => new ExtentList(o),
      (o: number, l: number) => ExtentList.of(o + 512, l - 512, 0),
    ]) {
      const survey = new Survey(4096)
      const error = await failureOf(surveyDisk({ disk: new AnsweringDisk(4096, answer), survey }))
      expect(error.code).toBe('PROTOCOL')
      expect(error.message).toContain('at offset 0')
      expect(survey.totals().unknown).toBe(4096)
    }
  })

  it('refuses an answer shorter than the smallest block, keeps what came before', async () => {
    const disk = new AnsweringDisk(4096, (o) => ExtentList.of(o, o === 0 ? 1024 : 1, 0), 512)
    const survey = new Survey(4096)
    const error = await failureOf(surveyDisk({ disk, survey }))
    expect(error.code).toBe('PROTOCOL')
    expect(error.message).toContain('smallest block of 512 bytes')
    expect(survey.totals()).toEqual({ data: 1024, zero: 0, hole: 0, unknown: 3072 })
  })

  it('ends a walk in which every answer is one byte long, and says how far it came', async () => {
    const disk = new AnsweringDisk(2 ** 40, (o) => ExtentList.of(o, 1, o % 2))
    const survey = new Survey(2 ** 40)
    const error = await failureOf(surveyDisk({ disk, survey, maxCalls: 1000 }))
    expect(error.code).toBe('LIMIT')
    expect(error.message).toContain('1,000 answers reached only offset 1000')
    expect(disk.asked.length).toBe(1000)
    expect(survey.mapped).toBe(1000)
  })

  it('allows calls by the size of the range when no budget is given', async () => {
    const disk = new AnsweringDisk(4 * MIB, (o) => ExtentList.of(o, 1, 0))
    const error = await failureOf(surveyDisk({ disk, survey: new Survey(4 * MIB) }))
    expect(error.code).toBe('LIMIT')
    expect(disk.asked.length).toBe(65_536 + 1024)
  })

  it('stops at the limit of extents and leaves the rest unknown', async () => {
    const disk = new AnsweringDisk(MIB, (o) => ExtentList.of(o, 512, (o / 512) % 2 === 0 ? 0 : 3))
    const survey = new Survey(MIB)
    const error = await failureOf(surveyDisk({ disk, survey, maxExtents: 100 }))
    expect(error.code).toBe('LIMIT')
    expect(error.message).toContain('101 extents')
    expect(survey.count).toBe(101)
    expect(survey.mapped).toBe(100 * 512)
  })

  it('names the offset of a failing call and forgets what was known behind it', async () => {
    const disk = new AnsweringDisk(4096, (o) => {
      if (o > 0) throw new PlatterError('IO_ERROR', 'extents: bad sector', { data: { errno: 5 } })
      return ExtentList.of(0, 1024, 0)
    })
    const survey = new Survey(4096)
    survey.replace(ExtentList.of(0, 4096, 3))
    const error = await failureOf(surveyDisk({ disk, survey }))
    expect(error.code).toBe('IO_ERROR')
    expect(error.message).toBe('map at offset 1024: extents: bad sector')
    expect(error.data).toEqual({ errno: 5, offset: 1024 })
    expect(survey.totals()).toEqual({ data: 1024, zero: 0, hole: 0, unknown: 3072 })
  })

  it('keeps what a later walk found while it waited for an answer', async () => {
    const survey = new Survey(8192)
    const changed = new AnsweringDisk(8192, (o, l) => ExtentList.of(o, l, 0))
    const slow = new AnsweringDisk(8192, async (o, l) => {
      await surveyDisk({ disk: changed, survey, range: { offset: 1024, length: 512 } })
      return ExtentList.of(o, l, 3)
    })
    await surveyDisk({ disk: slow, survey })
    expect(survey.totals()).toEqual({ data: 512, zero: 0, hole: 7680, unknown: 0 })
    expect(survey.runAt(1024)).toEqual({ offset: 1024, length: 512, type: 'data' })
  })

  it('stops when it is cancelled', async () => {
    const controller = new AbortController()
    const disk = new AnsweringDisk(4096, (o) => {
      if (o === 1024) controller.abort()
      return ExtentList.of(o, 512, 0)
    })
    const survey = new Survey(4096)
    const error = await failureOf(surveyDisk({ disk, survey, signal: controller.signal }))
    expect(hasCode(error, 'ABORTED')).toBe(true)
    expect(survey.mapped).toBe(1536)
  })

  it('lets others have their turn during a long walk', async () => {
    const disk = new AnsweringDisk(MIB, (o) => ExtentList.of(o, 4096, (o / 4096) % 2))
    let turns = 0
    const pause = async () => {
      turns++
    }
    await surveyDisk({ disk, survey: new Survey(MIB), pause })
    expect(turns).toBe(16)
  })

  it('has nothing to ask an empty disk', async () => {
    const disk: Disk = new AnsweringDisk(0, () => new ExtentList(0))
    await surveyDisk({ disk, survey: new Survey(0) })
    expect((disk as AnsweringDisk).asked).toEqual([])
  })
})
