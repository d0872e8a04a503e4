import { describe, expect, it } from 'vitest'
import { BLOCK_CLEAN, BLOCK_WRITTEN, BLOCK_ZEROED, type BlockState } from './block-leaf'
import { type BlockRun, BlockStates } from './block-states'
import { Prng } from './prng'

const STATES = [BLOCK_CLEAN, BLOCK_WRITTEN, BLOCK_ZEROED] as const

/** One byte a block, and every answer by looking at each. */
class SlowStates {
  readonly states: Uint8Array

  constructor(blockCount: number) {
    this.states = new Uint8Array(blockCount)
  }

  count(first: number, count: number) {
    const part = this.states.subarray(first, first + count)
    const countOf = (state: BlockState) => part.reduce((n, s) => n + (s === state ? 1 : 0), 0)
    return { written: countOf(BLOCK_WRITTEN), zeroed: countOf(BLOCK_ZEROED) }
  }

  runs(from: number, limit: number): BlockRun[] {
    const runs: BlockRun[] = []
    for (let at = from; at < limit; ) {
      let end = at
      while (end < limit && this.states[end] === this.states[at]) end++
      const state = this.states[at] as BlockState
      if (state !== BLOCK_CLEAN) runs.push({ first: at, count: end - at, state })
      at = end
    }
    return runs
  }

  startOfRun(block: number): number {
    while (block > 0 && this.states[block - 1] === this.states[block]) block--
    return block
  }
}

/** Lengths that end inside words, leaves and groups, and at their ends. */
function someRange(prng: Prng, blockCount: number): { first: number; count: number } {
  const unit = prng.pick([1, 1, 16, 4096, 4096 * 1024])
  const first = Math.min(blockCount, Math.floor(prng.below(blockCount + 1) / unit) * unit)
  const most = prng.pick([1, 3, 40, 5000, blockCount])
  const count = Math.min(blockCount - first, unit * prng.below(Math.ceil(most / unit) + 1))
  return { first, count }
}

function compare(states: BlockStates, slow: SlowStates, prng: Prng): void {
  const { blockCount } = states
  const { first, count } = someRange(prng, blockCount)
  expect(states.count(first, count)).toEqual(slow.count(first, count))
  expect([...states.stagedRuns(first, first + count)]).toEqual(slow.runs(first, first + count))
  const block = prng.below(blockCount)
  expect(states.get(block)).toBe(slow.states[block])
  expect(states.startOfRun(block)).toBe(slow.startOfRun(block))
}

describe('block states agree with a slow model', () => {
  for (const [seed, blockCount, steps] of [
    [1, 1, 50],
    [2, 17, 300],
    [3, 4096, 300],
    [4, 3 * 4096 + 5, 400],
    [5, 40 * 4096, 60],
    [6, 4096 * 1024 + 4096 * 3 + 7, 12],
  ] as const) {
    it(`with ${blockCount} blocks (seed ${seed})`, () => {
      const prng = new Prng(seed)
      const states = new BlockStates(blockCount)
      const slow = new SlowStates(blockCount)
      for (let step = 0; step < steps; step++) {
        for (let change = 0; change < 3; change++) {
          const { first, count } = someRange(prng, blockCount)
          const state = prng.pick(STATES)
          states.set(first, count, state)
          slow.states.fill(state, first, first + count)
        }
        compare(states, slow, prng)
        const runs = slow.runs(0, blockCount)
        expect(states.runCount).toBe(runs.length)
        expect(states.totals).toEqual(slow.count(0, blockCount))
      }
      expect([...states.stagedRuns()]).toEqual(slow.runs(0, blockCount))
    })
  }
})

describe('block states of a huge disk', () => {
  const BLOCKS = 2 ** 41

  it('cost nothing while they are all the same', () => {
    const states = new BlockStates(BLOCKS)
    expect(states.nextStaged(0)).toBe(undefined)
    states.set(0, BLOCKS, BLOCK_ZEROED)
    expect(states.totals).toEqual({ written: 0, zeroed: BLOCKS })
    expect(states.runAt(0)).toEqual({ first: 0, count: BLOCKS, state: BLOCK_ZEROED })
    states.set(BLOCKS - 1, 1, BLOCK_WRITTEN)
    expect(states.count(BLOCKS - 10, 10)).toEqual({ written: 1, zeroed: 9 })
    expect(states.runCount).toBe(2)
    expect(states.startOfRun(BLOCKS - 2)).toBe(0)
    states.set(0, BLOCKS, BLOCK_CLEAN)
    expect(states.runCount).toBe(0)
  })
})

it('a clone has the same states and goes its own way', () => {
  const prng = new Prng(8)
  const states = new BlockStates(3 * 4096 + 9)
  for (let i = 0; i < 50; i++) {
    states.set(prng.below(states.blockCount - 100), prng.below(100), prng.pick(STATES))
  }
  states.set(4096, 4096, BLOCK_ZEROED)
  const clone = states.clone()
  const runs = [...states.stagedRuns()]
  expect([...clone.stagedRuns()]).toEqual(runs)
  expect([clone.runCount, clone.totals]).toEqual([states.runCount, { ...states.totals }])
  clone.set(0, clone.blockCount, BLOCK_CLEAN)
  expect([...states.stagedRuns()]).toEqual(runs)
  states.set(5, 1, BLOCK_WRITTEN)
  expect(clone.runCount).toBe(0)
})

it('runs may change while they are listed', () => {
  const states = new BlockStates(100)
  for (let block = 0; block < 100; block += 2) states.set(block, 1, BLOCK_WRITTEN)
  const seen: number[] = []
  for (const run of states.stagedRuns()) {
    seen.push(run.first)
    states.set(run.first, Math.min(5, 100 - run.first), BLOCK_CLEAN)
  }
  expect(seen).toEqual(Array.from({ length: 17 }, (_, i) => i * 6))
})

it('refuses blocks past the end', () => {
  const states = new BlockStates(10)
  expect(() => states.get(10)).toThrow('block 10 of 10')
  expect(() => states.get(-1)).toThrow('block -1 of 10')
  expect(() => states.set(5, 6, BLOCK_WRITTEN)).toThrow('past the end')
  expect(() => states.count(5, 6)).toThrow('past the end')
})
