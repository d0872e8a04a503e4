// How the changes of a lasting overlay become stable: bytes in the store first, then the states that
// expose them, in its ledger.
//
// `#changed` has the blocks whose state changed since it was last taken, `#unsynced` says that the store
// has bytes that no flush of it covered. A flush takes both at once and then has nothing to do with what
// comes later. At most one runs; all who come meanwhile share the next one. What fails is put back, so
// the next flush tries it again and nobody is told that it is stable before it is.
//
// Space that is not needed any more is owed until a flush has made stable that it is not needed.

import { BLOCK_WRITTEN } from '../base/block-leaf'
import { BlockStates } from '../base/block-states'
import type { BlockLedger } from '../disk/block-ledger'
import type { Disk } from '../disk/disk'
import type { BlockSpan } from './block-grid'

export class OverlayLedger {
  /** Called with the spans whose space can be given back where their blocks are still not written. */
  onReleasable: (spans: readonly BlockSpan[]) => void = () => undefined
  readonly #ledger: BlockLedger
  readonly #store: Disk
  readonly #blockCount: number
  #changed: BlockStates
  /** What the flush that runs has taken. */
  #flushing: BlockStates | undefined
  #owed: BlockStates
  #unsynced = false
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(ledger: BlockLedger, store: Disk) {
    this.#ledger = ledger
    this.#store = store
    this.#blockCount = ledger.states.blockCount
    this.#changed = this.#none()
    this.#owed = this.#none()
  }

  get keepsZeroes(): boolean {
    return this.#ledger.keepsZeroes
  }

  /** To be waited for before the first change; `undefined` when there is nothing to wait for. */
  begin(): Promise<void> | undefined {
    return this.#ledger.begin()
  }

  /** The store took bytes, all of them. */
  noteBytes(): void {
    this.#unsynced = true
  }

  /** These blocks are in another state than before. */
  noteStates(first: number, count: number): void {
    this.#changed.set(first, count, BLOCK_WRITTEN)
  }

  /** The blocks are not written any more; their space is given back when that is stable. */
  owe({ first, end }: BlockSpan): void {
    this.#owed.set(first, end - first, BLOCK_WRITTEN)
  }

  /** True when the blocks are stably in the states that they are in now. */
  isStable(first: number, count: number): boolean {
    const pending = this.#changed.count(first, count).written
    return pending === 0 && (this.#flushing?.count(first, count).written ?? 0) === 0
  }

  /** Everything that was noted by now is stable. */
  flush(): Promise<void> {
    const hasNew = this.#unsynced || this.#changed.totals.written > 0
    if (this.#running === undefined) return hasNew ? this.#start() : Promise.resolve()
    if (!hasNew) return this.#running
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.flush()
      })
    return this.#next
  }

  /** Nothing follows. After a flush that succeeded, the ledger notes that it was closed properly. */
  async end(): Promise<void> {
    await this.#ledger.end()
  }

  close(): Promise<void> {
    return this.#ledger.close()
  }

  #start(): Promise<void> {
    this.#running = this.#flush().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #flush(): Promise<void> {
    const taken = this.#changed
    this.#flushing = taken
    this.#changed = this.#none()
    const owed = this.#owed
    this.#owed = this.#none()
    try {
      await this.#record(taken)
    } catch (error) {
      for (const { first, count } of taken.stagedRuns()) this.noteStates(first, count)
      for (const { first, count } of owed.stagedRuns()) this.owe({ first, end: first + count })
      throw error
    } finally {
      this.#flushing = undefined
    }
    if (owed.runCount === 0) return
    const spans = [...owed.stagedRuns()]
    this.onReleasable(spans.map(({ first, count }) => ({ first, end: first + count })))
  }

  /** Rounds, because a ledger notes no more states at a time than there is memory for. */
  async #record(taken: BlockStates): Promise<void> {
    let from = 0
    do {
      const batch = taken.totals.written > 0 ? this.#ledger.take(taken, from) : undefined
      // Bytes that come after the states were noted belong to the next flush, or to the next round.
      if (this.#unsynced) await this.#syncStore()
      if (batch === undefined) return
      await batch.record()
      from = batch.end
    } while (from < this.#blockCount)
  }

  async #syncStore(): Promise<void> {
    this.#unsynced = false
    try {
      await this.#store.flush()
    } catch (error) {
      this.#unsynced = true
      throw error
    }
  }

  #none(): BlockStates {
    return new BlockStates(this.#blockCount)
  }
}
