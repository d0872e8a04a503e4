import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { PayloadBudget } from './payload-budget'
import { settle } from './raw-peer.test-helper'
import { filled, HANDSHAKE, makeServer, READ, WRITE } from './served-raw.test-helper'

const makeHolder = () => {
  const log: string[] = []
  return {
    log,
    onRoom: () => log.push('room'),
    onStalled: (bytes: number) => log.push(`stalled ${bytes}`),
  }
}

function makeBudget(limit = 100) {
  const clock = new ManualClock()
  return { clock, budget: new PayloadBudget({ limit, stallTimeoutMs: 1000, clock }) }
}

describe('the bytes of all clients together', () => {
  it('are taken up to the limit, and in the order in which room was asked for', async () => {
    const { budget } = makeBudget()
    const [a, b, c] = [makeHolder(), makeHolder(), makeHolder()]
    expect(budget.take(a, 60)).toBe(true)
    expect(budget.take(b, 50)).toBe(false)
    // It would fit, but somebody stands before it.
    expect(budget.take(c, 10)).toBe(false)
    budget.give(a, 60)
    await settle()
    expect([a.log, b.log, c.log]).toEqual([[], ['room'], []])
    expect(budget.take(b, 50)).toBe(true)
    await settle()
    expect(c.log).toEqual(['room'])
    expect(budget.take(c, 10)).toBe(true)
    expect(budget.used).toBe(60)
  })

  it('let a single request pass that is larger than the limit', () => {
    const { budget } = makeBudget()
    const [a, b] = [makeHolder(), makeHolder()]
    expect(budget.take(a, 1000)).toBe(true)
    expect(budget.take(b, 1)).toBe(false)
  })

  it('are free again when their holder leaves, and the line moves on', async () => {
    const { budget } = makeBudget()
    const [a, b, c] = [makeHolder(), makeHolder(), makeHolder()]
    budget.take(a, 100)
    budget.take(b, 100)
    budget.take(c, 100)
    budget.withdraw(b)
    budget.leave(a)
    await settle()
    expect([b.log, c.log.at(-1)]).toEqual([[], 'room'])
    expect(budget.used).toBe(0)
  })

  it('are taken from who gives nothing back while others wait, and only then', () => {
    const { budget, clock } = makeBudget()
    const [lazy, busy, waiting] = [makeHolder(), makeHolder(), makeHolder()]
    budget.take(lazy, 60)
    budget.take(busy, 40)
    clock.advance(10_000)
    expect(lazy.log).toEqual([])
    expect(budget.take(waiting, 50)).toBe(false)
    budget.give(busy, 20)
    clock.advance(500)
    expect([lazy.log, busy.log]).toEqual([['stalled 60'], []])
  })
})

describe('clients that want all the memory', () => {
  const limits = { bytes: 100_000, totalBytes: 200_000, stallTimeoutMs: 1000 }
  const LARGE = 60_000

  it('by asking and never reading hold up the others for a while, and are cut off', async () => {
    const disk = new MemoryDisk(1 << 20)
    const { connect, clock, gone } = makeServer({ disk, server: { limits } })
    const silent = Array.from({ length: 3 }, () => connect().peer)
    for (const peer of silent) {
      peer.send(HANDSHAKE)
      await settle()
      peer.clear()
      peer.transport.pause()
      for (let i = 0; i < 10; i++) peer.send(bs.request({ command: READ, length: LARGE }))
    }
    await settle()
    const honest = connect().peer
    honest.send(HANDSHAKE)
    await settle()
    honest.clear()
    honest.send(bs.request({ command: READ, cookie: 7, length: LARGE }))
    await settle()
    expect(honest.received.length).toBe(0)
    clock.advance(2000)
    await settle(20)
    clock.advance(2000)
    await settle(20)
    expect(honest.received.length).toBe(28 + LARGE)
    expect(gone[0]?.[1]).toMatch(/held 60000 payload bytes for 1000 ms while others waited/)
  })

  it('by announcing writes that never come are cut off too', async () => {
    const { connect, clock, gone } = makeServer({ server: { limits } })
    const drips = Array.from({ length: 3 }, () => connect().peer)
    for (const peer of drips) {
      peer.send(HANDSHAKE)
      await settle()
      const whole = bs.request({ command: WRITE, data: filled(90_000, 1) })
      peer.send(whole.slice(0, 100))
    }
    const honest = connect().peer
    honest.send(HANDSHAKE)
    await settle()
    honest.clear()
    honest.send(bs.request({ command: READ, cookie: 7, length: LARGE }))
    await settle()
    expect(honest.received.length).toBe(0)
    clock.advance(2000)
    await settle(20)
    expect(honest.received.length).toBe(28 + LARGE)
    expect(gone.length).toBeGreaterThan(0)
  })
})
