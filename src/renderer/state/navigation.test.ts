import { expect, test } from 'vitest'
import { goBack, goForward, NO_HISTORY, SAME_VISIT_MS, visit } from './navigation'

const MiB = 1024 * 1024

test('back and forward lead along the places that were visited', () => {
  let history = visit(NO_HISTORY, 0, 10 * MiB, 0)
  history = visit(history, 10 * MiB, 20 * MiB, 5000)
  const first = goBack(history, 20 * MiB)!
  expect(first.offset).toBe(10 * MiB)
  const second = goBack(first.history, first.offset)!
  expect(second.offset).toBe(0)
  expect(goBack(second.history, 0)).toBeUndefined()
  const forward = goForward(second.history, 0)!
  expect(forward.offset).toBe(10 * MiB)
  expect(goForward(forward.history, 10 * MiB)!.offset).toBe(20 * MiB)
})

test('a new jump after going back forgets what was ahead', () => {
  const back = goBack(visit(NO_HISTORY, 0, MiB, 0), MiB)!
  const history = visit(back.history, 0, 5 * MiB, 9000)
  expect(history.forward).toEqual([])
  expect(goBack(history, 5 * MiB)!.offset).toBe(0)
})

test('a short way is not a jump', () => {
  expect(visit(NO_HISTORY, 1000, 1016, 0)).toBe(NO_HISTORY)
})

test('steps in quick succession are one visit', () => {
  let history = visit(NO_HISTORY, 0, MiB, 0)
  for (let i = 1; i < 10; i++) {
    history = visit(history, i * MiB, (i + 1) * MiB, i * (SAME_VISIT_MS - 1))
  }
  expect(history.back).toEqual([0])
  history = visit(history, 10 * MiB, 20 * MiB, 1e6)
  expect(history.back).toEqual([0, 10 * MiB])
})
