// The overlay's side of a commit: hands out staged bytes that hold still, remembers which blocks
// changed since, and forgets the others when they are safe elsewhere.
//
// While a carry is open every change notes its blocks in `changed`, under their lock and before the
// first byte. Bytes are copied under the lock too. So a block that is not noted when its bit is cleared,
// again under the lock, holds exactly what was copied: no acknowledged write can be lost between.

import { assert } from '../base/assert'
import { BLOCK_CLEAN, BLOCK_WRITTEN, BLOCK_ZEROED, type BlockState } from '../base/block-leaf'
import { type BlockRun, BlockStates } from '../base/block-states'
import { PlatterError } from '../base/errors'
import type { ByteRange } from '../base/ranges'
import type { BlockSpan } from './block-grid'
import type { OverlayDisk } from './overlay'
import { eachInFlight } from './settle'

/** A staged run, clipped at the size; without bytes it is zeroes. */
export interface StagedPiece extends ByteRange {
  readonly bytes?: Uint8Array
}

const READS_IN_FLIGHT = 8

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
      const pieces: StagedPiece[] = []
      for (const planned of [...this.plan.stagedRuns(span.first, span.end)]) {
        const end = planned.first + planned.count
        this.#changed.set(planned.first, planned.count, BLOCK_CLEAN)
        for (let block = planned.first; block < end; ) {
          const { count, state } = states.runAt(block, end)
          if (state === planned.state) pieces.push(this.#piece(block, count, state))
          else this.plan.set(block, count, BLOCK_CLEAN)
          block += count
        }
      }
      await this.#fill(pieces)
      return pieces
    })
  }

  /** Of the blocks that were copied, those that have not changed since, once more. */
  unchanged(span: BlockSpan): Promise<StagedPiece[]> {
    return this.#locked(span, async () => {
      const runs = [...this.#unchangedRuns(span)]
      const pieces = runs.map(({ first, count, state }) => this.#piece(first, count, state))
      await this.#fill(pieces)
      return pieces
    })
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

  #piece(first: number, count: number, state: BlockState): StagedPiece {
    const range = this.#overlay.blocks.grid.bytesOf({ first, end: first + count })
    if (state === BLOCK_ZEROED) return range
    assert(state === BLOCK_WRITTEN, 'a clean block was to be carried')
    return { ...range, bytes: new Uint8Array(range.length) }
  }

  #fill(pieces: readonly StagedPiece[]): Promise<void> {
    return eachInFlight(pieces, READS_IN_FLIGHT, async ({ offset, bytes }) => {
      if (bytes !== undefined) await this.#overlay.blocks.readStore(bytes, offset)
    })
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
