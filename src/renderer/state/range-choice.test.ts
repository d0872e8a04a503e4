import { expect, test } from 'vitest'
import { Prng } from '../../engine/base/prng'
import { chosenIn, EVERYTHING, NOTHING, type RangeChoice, rangesOf, toggled } from './range-choice'

const range = (offset: number, end: number) => ({ offset, length: end - offset })

test('everything is asked for without ranges, and nothing with none', () => {
  expect(rangesOf(EVERYTHING, 100)).toBeUndefined()
  expect(rangesOf(NOTHING, 100)).toEqual([])
})

test('what is left out of everything is left out of the ranges', () => {
  const choice = toggled(toggled(EVERYTHING, range(10, 20)), range(0, 5))
  expect(rangesOf(choice, 100)).toEqual([range(5, 10), range(20, 100)])
  expect(chosenIn(choice, range(10, 20))).toBe('none')
  expect(chosenIn(choice, range(20, 30))).toBe('all')
  expect(rangesOf(toggled(toggled(choice, range(10, 20)), range(0, 5)), 100)).toBeUndefined()
})

test('what is chosen from nothing is asked for, neighbours as one', () => {
  const choice = toggled(toggled(NOTHING, range(20, 30)), range(10, 20))
  expect(rangesOf(choice, 100)).toEqual([range(10, 30)])
  expect(rangesOf(toggled(choice, range(15, 16)), 100)).toEqual([range(10, 15), range(16, 30)])
})

test('a run that grew is chosen in part, and one press chooses all of it', () => {
  const grown = range(10, 30)
  for (const choice of [toggled(EVERYTHING, range(10, 20)), toggled(NOTHING, range(10, 20))]) {
    expect(chosenIn(choice, grown)).toBe('some')
    expect(chosenIn(toggled(choice, grown), grown)).toBe('all')
  }
})

test('any presses in any order choose what a set of blocks says', () => {
  const prng = new Prng(7)
  for (let round = 0; round < 200; round++) {
    let choice: RangeChoice = prng.below(2) === 0 ? EVERYTHING : NOTHING
    const blocks = new Array<boolean>(16).fill(choice.all)
    for (let press = 0; press < 8; press++) {
      const from = prng.below(16)
      const end = from + 1 + prng.below(16 - from)
      const all = blocks.slice(from, end).every(Boolean)
      const none = !blocks.slice(from, end).some(Boolean)
      expect(chosenIn(choice, range(from, end))).toBe(all ? 'all' : none ? 'none' : 'some')
      choice = toggled(choice, range(from, end))
      blocks.fill(!all, from, end)
    }
    const asked = rangesOf(choice, 16) ?? [range(0, 16)]
    const covered = blocks.map((_, at) =>
      asked.some(({ offset, length }) => offset <= at && at < offset + length),
    )
    expect(covered).toEqual(blocks)
  }
})
