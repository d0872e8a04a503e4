import { expect, it } from 'vitest'
import { backgroundClock, systemClock } from './system-clock'

it('the system clock moves forward and calls a task once its time has come', async () => {
  const start = systemClock.now()
  await new Promise<void>((resolve) => systemClock.after(20, resolve))
  // A timer may fire a fraction of a millisecond early by this clock.
  expect(systemClock.now() - start).toBeGreaterThan(18)
})

it('a task that was called off does not run', async () => {
  let ran = false
  const cancel = systemClock.after(1, () => {
    ran = true
  })
  cancel()
  await new Promise<void>((resolve) => systemClock.after(5, resolve))
  expect(ran).toBe(false)
})

it('a delay longer than timers take does not fire at once', async () => {
  let ran = false
  const cancel = backgroundClock.after(2 ** 31 + 5, () => {
    ran = true
  })
  await new Promise<void>((resolve) => systemClock.after(10, resolve))
  cancel()
  expect(ran).toBe(false)
})
