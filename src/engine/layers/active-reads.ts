interface ActiveRead {
  readonly first: number
  readonly end: number
  readonly waiters: (() => void)[]
}

/** The reads of an overlay's store that are under way, so that space is given back behind them. */
export class ActiveReads {
  readonly #reads = new Set<ActiveRead>()

  /** Notes a read of blocks `first`…`end` (exclusive); the returned function notes its end. */
  begin(first: number, end: number): () => void {
    const read: ActiveRead = { first, end, waiters: [] }
    this.#reads.add(read)
    return () => {
      this.#reads.delete(read)
      for (const wake of read.waiters.splice(0)) wake()
    }
  }

  /** Resolves when the reads of these blocks that have begun by now have ended; later ones do not count. */
  async drained(first: number, end: number): Promise<void> {
    const meeting = [...this.#reads].filter((read) => read.first < end && first < read.end)
    await Promise.all(
      meeting.map((read) => new Promise<void>((resolve) => read.waiters.push(resolve))),
    )
  }
}
