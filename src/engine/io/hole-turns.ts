/**
 * Collects the lengths of holes and data that take turns: lengths[0] is a hole, lengths[1] data,
 * lengths[2] a hole, …. Only the first may be 0: the range starts with data then.
 *
 * A fragmented file passes through here an extent at a time, so the fields are plain ones.
 */
export class HoleTurns {
  /** The first byte that nothing was said of yet. */
  end: number
  #lengths = new Float64Array(64)
  #count = 1

  constructor(offset: number) {
    this.end = offset
  }

  /** Turns that are not empty. */
  get extents(): number {
    return this.#count - (this.#lengths[0] === 0 ? 1 : 0)
  }

  /** Says what lies between the end and `end`; nothing when that is not further on. */
  addTo(end: number, isHole: boolean): void {
    const length = end - this.end
    if (length <= 0) return
    this.end = end
    const lastIsHole = (this.#count & 1) === 1
    if (isHole === lastIsHole) {
      this.#lengths[this.#count - 1] = (this.#lengths[this.#count - 1] as number) + length
      return
    }
    if (this.#count === this.#lengths.length) this.#grow()
    this.#lengths[this.#count++] = length
  }

  toArray(): Float64Array<ArrayBuffer> {
    return this.#lengths.slice(0, this.#count)
  }

  #grow(): void {
    const wider = new Float64Array(this.#lengths.length * 4)
    wider.set(this.#lengths)
    this.#lengths = wider
  }
}
