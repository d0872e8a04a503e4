import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { MAX_READ_PIECES } from './limits'
import { PieceCover } from './piece-cover'

describe('the pieces of a read', () => {
  it.each([1, 2, 3, 4, 5])('are counted as a byte array counts them (seed %i)', (seed) => {
    const prng = new Prng(seed)
    const length = 200
    const seen = new Uint8Array(length)
    const cover = new PieceCover(1000, length)
    for (let i = 0; i < 300; i++) {
      const at = prng.below(length)
      const size = 1 + prng.below(Math.min(length - at, 12))
      const isNew = seen.subarray(at, at + size).every((byte) => byte === 0)
      expect(cover.add(1000 + at, size) === undefined).toBe(isNew)
      if (isNew) seen.fill(1, at, at + size)
      expect(cover.missing).toBe(seen.filter((byte) => byte === 0).length)
    }
  })

  it('lie inside the request', () => {
    const cover = new PieceCover(100, 50)
    expect(cover.add(99, 1)).toMatch(/outside/)
    expect(cover.add(149, 2)).toMatch(/outside/)
    expect(cover.add(100, 50)).toBeUndefined()
    expect(cover.missing).toBe(0)
  })

  it('come once', () => {
    const cover = new PieceCover(0, 100)
    expect(cover.add(10, 10)).toBeUndefined()
    expect(cover.add(0, 11)).toMatch(/twice/)
    expect(cover.add(19, 1)).toMatch(/twice/)
    expect(cover.add(5, 50)).toMatch(/twice/)
    expect(cover.missing).toBe(90)
  })

  it('may come one byte at a time in order, but not scattered without end', () => {
    const inOrder = new PieceCover(0, 100_000)
    for (let at = 0; at < 100_000; at++) inOrder.add(at, 1)
    expect(inOrder.missing).toBe(0)
    const scattered = new PieceCover(0, 10_000)
    let accepted = 0
    while (scattered.add(accepted * 2, 1) === undefined) accepted++
    expect(accepted).toBe(MAX_READ_PIECES + Math.ceil(10_000 / 512))
  })
})
