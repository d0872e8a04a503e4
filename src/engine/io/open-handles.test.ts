import { expect, it } from 'vitest'
import { OpenHandles } from './open-handles'

it('open handles are counted and named until they are gone', () => {
  const handles = new OpenHandles()
  const first = handles.add('a.img')
  const second = handles.add('a.img')
  handles.add('hole worker')
  expect(handles.count).toBe(3)
  first()
  first()
  expect(handles.list()).toEqual(['a.img', 'hole worker'])
  second()
  expect(handles.list()).toEqual(['hole worker'])
})
