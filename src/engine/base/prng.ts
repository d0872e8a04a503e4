/** A seeded source of numbers for tests, samples and patterns: the same seed gives the same run. */
export class Prng {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A 32-bit unsigned integer (mulberry32, public domain arithmetic). */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** An integer from 0 up to, not including, `limit` (limit ≤ 2^53). */
  below(limit: number): number {
    const wide = this.u32() * 0x200000 + (this.u32() >>> 11)
    return Math.floor((wide / 2 ** 53) * limit)
  }

  bool(probability = 0.5): boolean {
    return this.u32() / 2 ** 32 < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  fill(target: Uint8Array): Uint8Array {
    for (let i = 0; i < target.length; i++) target[i] = this.u32()
    return target
  }
}
