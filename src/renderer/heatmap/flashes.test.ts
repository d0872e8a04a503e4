import { expect, test } from 'vitest'
import { Flashes, MAX_FLASHES, strengthOf } from './flashes'

const write = (offset: number, length = 10) => ({ verb: 'write' as const, offset, length })

test('reads fade sooner than writes', () => {
  const flashes = new Flashes()
  flashes.add([{ verb: 'read', offset: 0, length: 1 }, write(50)], 1000)
  expect(flashes.current(1500)).toHaveLength(2)
  expect(flashes.current(1700).map(({ verb }) => verb)).toEqual(['write'])
  expect(flashes.current(2600)).toHaveLength(0)
})

test('a flash fades to nothing, and without motion stands still for the same time', () => {
  const flash = { ...write(0), since: 1000 }
  const seen = [1000, 1500, 2000, 2499, 2500].map((now) => strengthOf(flash, now, false))
  expect(seen[0]).toBe(1)
  expect(seen.every((strength, i) => i === 0 || strength < (seen[i - 1] ?? 0))).toBe(true)
  expect(seen.at(-1)).toBe(0)
  expect([1000, 2499, 2500].map((now) => strengthOf(flash, now, true))).toEqual([0.7, 0.7, 0])
})

test('what continues the touch before is one flash, a later or other one is not', () => {
  const flashes = new Flashes()
  flashes.add([write(0), write(10), write(20)], 0)
  expect(flashes.current(0)).toEqual([{ verb: 'write', offset: 0, length: 30, since: 0 }])
  flashes.add([{ verb: 'trim', offset: 30, length: 5 }], 0)
  flashes.add([write(35)], 0)
  flashes.add([write(45)], 500)
  expect(flashes.current(500)).toHaveLength(4)
})

test('a burst is bounded', () => {
  const flashes = new Flashes()
  for (let i = 0; i < 5000; i++) flashes.add([write(i * 100)], 0)
  const left = flashes.current(0)
  expect(left).toHaveLength(MAX_FLASHES)
  expect(left.at(-1)?.offset).toBe(4999 * 100)
})
