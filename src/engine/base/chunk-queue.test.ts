import { describe, expect, it } from 'vitest'
import { ChunkQueue } from './chunk-queue'
import { Prng } from './prng'

const filled = (...chunks: number[][]) => {
  const queue = new ChunkQueue()
  for (const chunk of chunks) queue.push(new Uint8Array(chunk))
  return queue
}

it('a piece is given when it is all there, and nothing is taken before', () => {
  const queue = filled([1, 2], [3])
  expect(queue.take(4)).toBe(undefined)
  expect(queue.length).toBe(3)
  queue.push(new Uint8Array([4, 5]))
  expect([...queue.take(4)!]).toEqual([1, 2, 3, 4])
  expect([...queue.take(1)!]).toEqual([5])
  expect(queue.take(1)).toBe(undefined)
  expect([...queue.take(0)!]).toEqual([])
})

it('a piece inside one chunk is a view, and one across chunks is a copy', () => {
  const chunk = new Uint8Array([1, 2, 3])
  const queue = new ChunkQueue()
  queue.push(chunk)
  queue.push(new Uint8Array([4]))
  expect(queue.take(2)!.buffer).toBe(chunk.buffer)
  const across = queue.take(2)!
  expect(across.buffer).not.toBe(chunk.buffer)
  expect([...across]).toEqual([3, 4])
})

it('empty chunks are nothing', () => {
  const queue = filled([], [], [7], [])
  expect(queue.length).toBe(1)
  expect([...queue.take(1)!]).toEqual([7])
})

it('moves and skips no more than is there', () => {
  const queue = filled([1, 2, 3], [4, 5])
  const target = new Uint8Array(2)
  expect(queue.takeInto(target)).toBe(2)
  expect([...target]).toEqual([1, 2])
  expect(queue.skip(2)).toBe(2)
  expect(queue.takeInto(target)).toBe(1)
  expect([target[0], queue.length]).toEqual([5, 0])
  expect([queue.takeInto(target), queue.skip(3)]).toEqual([0, 0])
})

describe('bytes leave in the order in which they came', () => {
  for (let seed = 1; seed <= 10; seed++) {
    it(`however they are cut (seed ${seed})`, () => {
      const prng = new Prng(seed)
      const queue = new ChunkQueue()
      let pushed = 0
      let taken = 0
      let wrong = 0
      const check = (bytes: Uint8Array) => {
        for (const byte of bytes) if (byte !== (taken++ & 0xff)) wrong++
      }
      for (let step = 0; step < 2000; step++) {
        const length = prng.below(40)
        const kind = prng.below(4)
        if (kind <= 1) queue.push(Uint8Array.from({ length }, () => pushed++ & 0xff))
        else if (kind === 2) check(queue.take(length) ?? new Uint8Array(0))
        else if (prng.bool()) {
          const target = new Uint8Array(length)
          check(target.subarray(0, queue.takeInto(target)))
        } else taken += queue.skip(length)
        if (queue.length !== pushed - taken) wrong++
      }
      expect([wrong, taken > 1000]).toEqual([0, true])
    })
  }
})

it('a hundred thousand tiny chunks are taken in no more time than they came', () => {
  const queue = new ChunkQueue()
  for (let i = 0; i < 100_000; i++) queue.push(new Uint8Array([i]))
  let wrong = 0
  for (let i = 0; i < 50_000; i++) if (queue.take(1)![0] !== (i & 0xff)) wrong++
  const rest = queue.take(50_000)!
  for (let i = 0; i < 50_000; i++) if (rest[i] !== ((i + 50_000) & 0xff)) wrong++
  expect([wrong, queue.length]).toEqual([0, 0])
}, 2000)
