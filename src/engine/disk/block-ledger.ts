// Where an overlay keeps the states of its blocks so that they outlive the process. The overlay has the
// states in memory and says which of them changed; the ledger makes them stable when it is told to.
//
// What the overlay promises: it calls begin() before the first change of the store; the bytes that a
// taken state exposes are stable in the store before record(); one batch is recorded at a time.
// What the ledger promises: a crash at any instant leaves each block in the state that was recorded
// last or in one that was taken since.

import type { BlockStates } from '../base/block-states'

export interface BlockLedger {
  /** As found when it was opened; from then on the overlay changes them. */
  readonly states: BlockStates
  /** False: there is no zeroed state, and zeroes are bytes of the store. */
  readonly keepsZeroes: boolean
  /** Whoever opens it after a crash will see that it was in use; `undefined` when that is so already. */
  begin(): Promise<void> | undefined
  /**
   * Notes, at once, the states of changed blocks (those that are not clean in `changed`) from block
   * `from` on, as many as are recorded in one go.
   */
  take(changed: BlockStates, from: number): LedgerBatch
  /** Nothing follows: after all was recorded, it says that it was closed properly. */
  end(): Promise<void>
  close(): Promise<void>
}

export interface LedgerBatch {
  /** The first block that was not looked at; the number of blocks when all were. */
  readonly end: number
  /** The states, as they were when taken, are stable. */
  record(): Promise<void>
}
