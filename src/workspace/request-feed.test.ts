import { describe, expect, it } from 'vitest'
import { commandName, errorName, flagNames } from '../bridge/request-rows'
import { ManualClock } from '../engine/base/clock'
import * as nbd from '../engine/nbd/constants'
import type { RequestHeader } from '../engine/nbd/request-parser'
import { RequestFeed } from './request-feed'

const READ: RequestHeader = {
  command: nbd.NBD_CMD_READ,
  flags: 0,
  cookieHigh: 0,
  cookieLow: 0,
  offset: 0,
  length: 512,
  offsetHigh: 0,
  offsetLow: 0,
  payloadLength: 0,
}

function makeFeed() {
  const clock = new ManualClock()
  const feed = new RequestFeed(clock)
  const add = (count: number) => {
    for (let i = 0; i < count; i++) feed.log.add(1, READ, 0, clock.now(), clock.now())
  }
  return { clock, feed, add }
}

describe('a feed of requests', () => {
  it('wakes its watchers ten times a second at most, and only while something is new', () => {
    const { clock, feed, add } = makeFeed()
    let woken = 0
    const stop = feed.watch(() => woken++)
    clock.advance(1000)
    expect(woken).toBe(0)
    for (let i = 0; i < 100; i++) {
      add(50)
      clock.advance(10)
    }
    expect(woken).toBe(10)
    stop()
    add(1)
    clock.advance(1000)
    expect(woken).toBe(10)
  })

  it('asks nothing of the server while nobody watches', () => {
    const { feed } = makeFeed()
    expect(feed.log.onRecord).toBeUndefined()
    const stops = [feed.watch(() => undefined), feed.watch(() => undefined)]
    stops[0]?.()
    expect(feed.log.onRecord).toBeDefined()
    stops[1]?.()
    expect(feed.log.onRecord).toBeUndefined()
  })

  it('gives who comes late the newest, and says what is gone', () => {
    const { feed, add } = makeFeed()
    add(1700)
    const all = feed.frame(0)
    expect([all.first, all.oldest, all.rows.length]).toEqual([700, 700, 1000])
    expect(feed.frame(1699)).toMatchObject({ first: 1699, oldest: 700, rows: [{ seq: 1699 }] })
    expect(feed.frame(1700)).toMatchObject({ first: 1700, rows: [] })
  })

  it('tells watchers that it was cleared', () => {
    const { clock, feed, add } = makeFeed()
    add(3)
    let woken = 0
    feed.watch(() => woken++)
    feed.clear()
    clock.advance(100)
    expect(woken).toBe(1)
    expect(feed.frame(3)).toMatchObject({ first: 3, oldest: 3, rows: [] })
  })

  it('has the time of day of each request', () => {
    const { clock, feed } = makeFeed()
    clock.advance(5000)
    feed.log.add(1, READ, 0, 2000, 2001)
    const [row] = feed.frame(0).rows
    expect(Math.abs((row?.time ?? 0) - (Date.now() - 3000))).toBeLessThan(200)
  })

  it('wakes who waits when it closes', () => {
    const { feed } = makeFeed()
    let woken = 0
    feed.watch(() => woken++)
    feed.close()
    expect([woken, feed.isClosed]).toEqual([1, true])
  })
})

describe('the names that a page shows', () => {
  it('are those of the specification', () => {
    for (let command = 0; command < 10; command++) {
      expect(commandName(command)).toBe(nbd.nameOfCommand(command).replace('NBD_CMD_', ''))
    }
    for (let errno = 1; errno < 200; errno++) {
      expect(errorName(errno)).toBe(nbd.nameOfError(errno).replace('NBD_', ''))
    }
    for (let bit = 0; bit < 16; bit++) {
      expect(flagNames(1 << bit)).toEqual(nbd.namesOfCommandFlags(1 << bit))
    }
  })
})
