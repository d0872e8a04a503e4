import { describe, expect, it } from 'vitest'
import { RangeLock } from './range-lock'

/** A piece of work that ends when told, and notes when it began. */
function makeWork(log: string[], name: string) {
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return {
    end,
    run: () => {
      log.push(name)
      return ended
    },
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a range lock', () => {
  it('lets shared work overlap, and ranges that do not meet', async () => {
    const lock = new RangeLock()
    const log: string[] = []
    const [a, b, c] = [makeWork(log, 'a'), makeWork(log, 'b'), makeWork(log, 'c')]
    const all = [
      lock.hold({ offset: 0, length: 10 }, false, a.run),
      lock.hold({ offset: 5, length: 10 }, false, b.run),
      lock.hold({ offset: 15, length: 10 }, true, c.run),
    ]
    await settle()
    expect(log).toEqual(['a', 'b', 'c'])
    for (const work of [a, b, c]) work.end()
    await Promise.all(all)
  })

  it('makes exclusive work wait for what it overlaps, in the order of arrival', async () => {
    const lock = new RangeLock()
    const log: string[] = []
    const [a, b, c] = [makeWork(log, 'a'), makeWork(log, 'b'), makeWork(log, 'c')]
    const first = lock.hold({ offset: 0, length: 10 }, false, a.run)
    const second = lock.hold({ offset: 9, length: 5 }, true, b.run)
    const third = lock.hold({ offset: 13, length: 5 }, false, c.run)
    await settle()
    expect(log).toEqual(['a'])
    a.end()
    await first
    await settle()
    expect(log).toEqual(['a', 'b'])
    b.end()
    await second
    await settle()
    expect(log).toEqual(['a', 'b', 'c'])
    c.end()
    await third
  })

  it('is let go of by work that fails', async () => {
    const lock = new RangeLock()
    const range = { offset: 0, length: 1 }
    await expect(lock.hold(range, true, () => Promise.reject(new TypeError('no')))).rejects.toThrow(
      'no',
    )
    await expect(lock.hold(range, true, async () => 'yes')).resolves.toBe('yes')
  })
})
