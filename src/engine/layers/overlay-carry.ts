// The overlay's side of a commit: hands out staged bytes that hold still, remembers which blocks
// changed since, and forgets the others when they are safe elsewhere.
//
// While a carry is open every change notes its blocks in `changed`, under their lock and before the
// first byte. Bytes are copied under the lock too. So a block that is not noted when its bit is cleared,
// again under the lock, holds exactly what was copied: no acknowledged write can be lost between.

import { assert } from '../base/assert'
import { BLOCK_CLEAN, BLOCK_WRITTEN } from '../base/block-leaf'
import { type BlockRun, BlockStates } from '../base/block-states'
import { PlatterError } from '../base/errors'
import type { ByteRange } from '../base/ranges'
import type { BlockSpan } from './block-grid'
import type { OverlayDisk } from './overlay'
import { readRanges } from './span-io'

/** A staged run, clipped at the size; without bytes it is zeroes. */
export interface StagedPiece extends ByteRange {
  readonly bytes?: Uint8Array
}

export class OverlayCarry {
  /** The chosen blocks, each in the state that is carried. */
  readonly plan: BlockStates
  readonly #overlay: OverlayDisk
  readonly #changed: BlockStates

  /** Of the blocks of these spans, apart and ascending. BUSY while another carry is open. */
  constructor(overlay: OverlayDisk, spans: readonly BlockSpan[]) {
    const { blocks } = overlay
    if (blocks.changed !== undefined) {
      throw new PlatterError('BUSY', 'commit: another commit of this overlay is under way')
    }
    this.#overlay = overlay
    // A copy of all states is quicker made than one of many runs; what was not chosen is taken out.
    this.plan = blocks.states.clone()
    let chosenEnd = 0
    for (const { first, end } of [...spans, { first: this.plan.blockCount, end: 0 }]) {
      this.plan.set(chosenEnd, first - chosenEnd, BLOCK_CLEAN)
      chosenEnd = end
    }
    this.#changed = new BlockStates(blocks.grid.blockCount)
    blocks.changed = this.#changed
  }

  /** Exact bytes in the plan. */
  get bytes(): number {
    return this.bytesIn({ first: 0, end: this.plan.blockCount })
  }

  bytesIn({ first, end }: BlockSpan): number {
    const { blockSize, size, blockCount } = this.#overlay.blocks.grid
    const { written, zeroed } = this.plan.count(first, end - first)
    const lastIsIn = end === blockCount && end > first && this.plan.get(end - 1) !== BLOCK_CLEAN
    return (written + zeroed) * blockSize - (lastIsIn ? blockCount * blockSize - size : 0)
  }

  /**
   * The planned blocks of the span, with their bytes. One whose state is not the planned one any more
   * leaves the plan and stays as it is: what a writer does meanwhile is for the next commit.
   */
  copy(span: BlockSpan): Promise<StagedPiece[]> {
    return this.#locked(span, async () => {
      const { states } = this.#overlay.blocks
      const runs: BlockRun[] = []
      for (const planned of [...this.plan.stagedRuns(span.first, span.end)]) {
        const end = planned.first + planned.count
        this.#changed.set(planned.first, planned.count, BLOCK_CLEAN)
        for (let block = planned.first; block < end; ) {
          const run = states.runAt(block, end)
          if (run.state === planned.state) runs.push(run)
          else this.plan.set(block, run.count, BLOCK_CLEAN)
          block += run.count
        }
      }
      return this.#pieces(runs)
    })
  }

  /** Of the blocks that were copied, those that have not changed since, once more. */
  unchanged(span: BlockSpan): Promise<StagedPiece[]> {
    return this.#locked(span, () => this.#pieces([...this.#unchangedRuns(span)]))
  }

  /** What was copied and has not changed since is not staged any more. */
  forget(span: BlockSpan): Promise<void> {
    return this.#locked(span, () => {
      const runs = [...this.#unchangedRuns(span)]
      const { states } = this.#overlay.blocks
      for (const { first, count, state } of runs) {
        const now = states.runAt(first, first + count)
        assert(now.count === count && now.state === state, 'a block changed unseen')
      }
      return this.#overlay.blocks.forget(runs)
    })
  }

  close(): void {
    this.#overlay.blocks.changed = undefined
  }

  *#unchangedRuns({ first, end }: BlockSpan): Generator<BlockRun> {
    for (const copied of this.plan.stagedRuns(first, end)) {
      const copiedEnd = copied.first + copied.count
      for (let block = copied.first; block < copiedEnd; ) {
        const run = this.#changed.runAt(block, copiedEnd)
        if (run.state === BLOCK_CLEAN) yield { ...run, state: copied.state }
        block += run.count
      }
    }
  }

  /** Under the lock of these runs. */
  async #pieces(runs: readonly BlockRun[]): Promise<StagedPiece[]> {
    const { grid, store } = this.#overlay.blocks
    const pieces: StagedPiece[] = runs.map(({ first, count }) =>
      grid.bytesOf({ first, end: first + count }),
    )
    const written = [...pieces.keys()].filter((i) => runs[i]!.state === BLOCK_WRITTEN)
    const read = await readRanges(
      store,
      written.map((i) => pieces[i]!),
    )
    for (const [n, i] of written.entries()) pieces[i] = { ...pieces[i]!, bytes: read[n]! }
    return pieces
  }

  #locked<T>({ first, end }: BlockSpan, act: () => Promise<T>): Promise<T> {
    return this.#overlay.runCall(async () => {
      const unlock = await this.#overlay.blocks.locks.acquire(first, end)
      try {
        return await act()
      } finally {
        unlock()
      }
    })
  }
}
