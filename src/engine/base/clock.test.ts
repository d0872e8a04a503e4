import { expect, it } from 'vitest'
import { ManualClock } from './clock'

it('tasks run when their time has come, in order, each at its own time', () => {
  const clock = new ManualClock()
  const ran: [string, number][] = []
  clock.after(20, () => ran.push(['late', clock.now()]))
  clock.after(10, () => {
    ran.push(['early', clock.now()])
    clock.after(5, () => ran.push(['begun meanwhile', clock.now()]))
  })
  const callOff = clock.after(12, () => ran.push(['called off', clock.now()]))
  clock.advance(9)
  expect(ran).toEqual([])
  callOff()
  clock.advance(11)
  expect(ran).toEqual([
    ['early', 10],
    ['begun meanwhile', 15],
    ['late', 20],
  ])
  expect(clock.now()).toBe(20)
})
