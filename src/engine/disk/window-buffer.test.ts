import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { WindowBuffer } from './window-buffer'

function windowOf(length: number, ...marks: number[]): WindowBuffer {
  const window = new WindowBuffer(length)
  for (const at of marks) window.bytes[at] = 1
  return window
}

describe('a window of bytes', () => {
  it('is zero where every byte is, and not where a single one is not', () => {
    const length = 103
    expect(windowOf(length).isZero(0, length)).toBe(true)
    for (let at = 0; at < length; at++) {
      const window = windowOf(length, at)
      expect(window.isZero(0, length), `byte ${at}`).toBe(false)
      expect(window.isZero(0, at)).toBe(true)
      expect(window.isZero((at & ~3) + 4, length)).toBe(true)
    }
  })
})

describe('the runs of zeroes in a window', () => {
  it('are joined, and only whole pieces count', () => {
    const window = windowOf(8192, 100, 5000)
    expect(window.zeroRuns({ offset: 0, length: 8192 }, 1024)).toEqual([
      { offset: 1024, length: 3072 },
      { offset: 5120, length: 3072 },
    ])
  })

  it('are pieces of the disk, not of the window, and are cut off at its ends', () => {
    const window = windowOf(2048, 1023)
    expect(window.zeroRuns({ offset: 512, length: 2000 }, 1024)).toEqual([
      { offset: 512, length: 512 },
      { offset: 2048, length: 464 },
    ])
  })

  it('are none in data, and one where nothing else is', () => {
    expect(windowOf(4096, 0).zeroRuns({ offset: 0, length: 4096 }, 4096)).toEqual([])
    const whole = { offset: 4096, length: 4096 }
    expect(windowOf(4096).zeroRuns(whole, 512)).toEqual([whole])
  })

  it('are those that looking at every byte finds', () => {
    const random = new Prng(11)
    for (let round = 0; round < 200; round++) {
      const grain = 512 << random.below(4)
      const length = 1 + random.below(16 * 1024)
      const offset = 512 * random.below(64)
      const marks = Array.from({ length: random.below(6) }, () => random.below(length))
      const zero = new Set<number>()
      for (const run of windowOf(length, ...marks).zeroRuns({ offset, length }, grain)) {
        expect(run.length).toBeGreaterThan(0)
        for (let at = run.offset; at < run.offset + run.length; at++) zero.add(at)
      }
      for (let at = offset; at < offset + length; at++) {
        const piece = Math.floor(at / grain)
        const isData = marks.some((mark) => Math.floor((offset + mark) / grain) === piece)
        if (zero.has(at) === isData) expect.fail(`round ${round}: byte ${at}`)
      }
    }
  })
})
