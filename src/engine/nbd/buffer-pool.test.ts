import { describe, expect, it } from 'vitest'
import { BufferPool } from './buffer-pool'

describe('the pool of buffers', () => {
  it('gives exactly the length that was asked for', () => {
    const pool = new BufferPool()
    for (const length of [
      0,
      1,
      2047,
      2048,
      2112,
      2113,
      4096,
      4124,
      65_564,
      2 ** 21 + 64,
      2 ** 25,
    ]) {
      expect(pool.take(length).length).toBe(length)
    }
  })

  it('gives a buffer again after it came back, and never before', () => {
    const pool = new BufferPool()
    const first = pool.take(4124)
    const second = pool.take(4124)
    expect(second.buffer).not.toBe(first.buffer)
    pool.give(first)
    expect(pool.take(4000).buffer).toBe(first.buffer)
    expect(pool.take(4000).buffer).not.toBe(first.buffer)
  })

  it('keeps no more than it may, and nothing small or huge', () => {
    const pool = new BufferPool(10_000)
    const buffers = Array.from({ length: 5 }, () => pool.take(4096))
    for (const buffer of buffers) pool.give(buffer)
    expect(pool.kept).toBe(2 * (4096 + 64))
    pool.give(new Uint8Array(100))
    pool.give(new Uint8Array(5000))
    pool.give(new Uint8Array(2 ** 22))
    expect(pool.kept).toBe(2 * (4096 + 64))
    pool.take(4096)
    expect(pool.kept).toBe(4096 + 64)
  })
})
