import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { EARLIER, OriginLog } from './origin-log'

describe('OriginLog', () => {
  it('names nobody where nobody wrote', () => {
    const found = new OriginLog().within({ offset: 0, length: 100 })
    expect(found).toEqual({ latest: EARLIER, names: ['earlier'] })
  })

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`agrees with one origin kept a byte (seed ${seed})`, () => {
      const random = new Prng(seed)
      const log = new OriginLog()
      const size = 200
      const model = new Array<{ origin: string; time: number } | undefined>(size).fill(undefined)
      for (let step = 0; step < 300; step++) {
        const offset = random.below(size)
        const length = random.below(Math.min(40, size - offset)) + 1
        const origin = random.pick(['you', 'client 1', 'client 2'])
        const time = Math.floor(step / 10) * 1000
        log.note({ offset, length }, origin, time)
        model.fill({ origin, time }, offset, offset + length)
        const at = random.below(size)
        const span = random.below(size - at) + 1
        const held = model.slice(at, at + span).filter((entry) => entry !== undefined)
        const { latest, names } = log.within({ offset: at, length: span })
        expect(latest.time).toBe(Math.max(0, ...held.map((entry) => entry.time)))
        expect(new Set(names)).toEqual(
          held.length === 0 ? new Set(['earlier']) : new Set(held.map((entry) => entry.origin)),
        )
      }
    })
  }
})
