import { expect, test } from 'vitest'
import {
  type Edit,
  MAX_EDIT_BYTES,
  MAX_EDITS,
  NO_EDITS,
  popRedo,
  popUndo,
  pushEdit,
} from './edit-stack'

const edit = (offset: number, length = 1): Edit => ({
  offset,
  before: new Uint8Array(length),
  after: new Uint8Array(length).fill(1),
})
const offsets = (edits: readonly Edit[]) => edits.map((each) => each.offset)

test('undo and redo move the newest edit between the stacks', () => {
  let stack = pushEdit(pushEdit(NO_EDITS, edit(1)), edit(2))
  stack = popUndo(stack)
  expect([offsets(stack.undo), offsets(stack.redo)]).toEqual([[1], [2]])
  stack = popRedo(stack)
  expect([offsets(stack.undo), offsets(stack.redo)]).toEqual([[1, 2], []])
  expect(popRedo(stack)).toEqual(stack)
})

test('a new edit forgets what could be redone', () => {
  const stack = pushEdit(popUndo(pushEdit(NO_EDITS, edit(1))), edit(3))
  expect([offsets(stack.undo), offsets(stack.redo)]).toEqual([[3], []])
})

test('the oldest edits are dropped beyond the bounds', () => {
  let stack = NO_EDITS
  for (let i = 0; i < MAX_EDITS + 5; i++) stack = pushEdit(stack, edit(i))
  expect(stack.undo).toHaveLength(MAX_EDITS)
  expect(stack.undo[0]?.offset).toBe(5)
  stack = pushEdit(stack, edit(9999, MAX_EDIT_BYTES))
  expect(offsets(stack.undo)).toEqual([9999])
})
