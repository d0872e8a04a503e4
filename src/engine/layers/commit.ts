// Carries staged blocks of an overlay into a target, as a rule its base: flush the overlay, write (or
// zero), flush the target, read back when asked to, and only then are the blocks not staged any more.
// What has to be noted elsewhere on the way (that a commit is under way, what it overwrites) is its
// caller's, in steps that are called at the right moments.
//
// A block leaves the staged set only when all that was asked for has happened to it and it has not
// changed since it was copied. So a failure of the target leaves everything staged, and doing it again
// gives the same bytes. A cancel stops between two spans: what was carried by then is flushed and, as
// the target holds it now, not staged any more, so that the staged list tells what is still to do and a
// discard afterwards does not promise old bytes that are gone. Where reading back was asked for and did
// not happen, it stays staged.
// Writers go on meanwhile (overlay-carry.ts says why none is lost). Left out: keeping what is overwritten
// (carry-old.ts), a target that has to become longer first.

import { assert } from '../base/assert'
import { BLOCK_CLEAN } from '../base/block-leaf'
import { PlatterError } from '../base/errors'
import type { ByteRange } from '../base/ranges'
import type { Disk } from '../disk/disk'
import type { BlockSpan } from './block-grid'
import { carrySpans, spansInFlight } from './carry-spans'
import { putPieces, verifyPieces } from './carry-target'
import type { OverlayDisk } from './overlay'
import { OverlayCarry } from './overlay-carry'
import { eachInFlight } from './settle'

export interface CommitProgress {
  readonly phase: 'writing' | 'flushing' | 'verifying'
  /** Bytes. */
  readonly done: number
  readonly total: number
}

/** What happens beside the carrying. A step that rejects ends the commit there. */
export interface CommitSteps {
  /** The overlay is flushed and the target untouched. Resolves with the target. */
  readonly begin?: (plan: CommitPlan) => Promise<Disk>
  /** The target has it all, stably, read back where asked for; all of it is still staged. */
  readonly landed?: () => Promise<void>
  /** What was carried is stably not staged any more. */
  readonly end?: () => Promise<void>
  /** Puts a range of the target, in whole blocks of the overlay, by calling `put`. */
  readonly around?: (range: ByteRange, put: () => Promise<void>) => Promise<void>
}

export interface CommitPlan {
  /** Runs of one staged state. */
  readonly ranges: number
  readonly bytes: number
  /** Ascending, apart, whole blocks of the overlay clipped at its end. */
  runs(): Generator<ByteRange>
}

export interface CommitOptions {
  readonly overlay: OverlayDisk
  /** At least as long as the overlay, by the end of the first step. */
  readonly target: Disk
  /** All blocks that these ranges touch; everything unless told. */
  readonly ranges?: readonly ByteRange[]
  /** Read everything back from the target before it counts as carried. */
  readonly verify: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CommitProgress) => void) | undefined
  /** Taken even when nothing is staged. */
  readonly steps?: CommitSteps | undefined
}

export interface CommitResult {
  /** Runs of one staged state. */
  readonly ranges: number
  readonly bytes: number
}

/**
 * Rejects with BAD_SIZE, READ_ONLY or OUT_OF_RANGE before anything is touched, with BUSY beside another
 * commit of the overlay, with the target's own error, with VERIFY_FAILED (its data has the offset), or
 * with ABORTED (its data has the `carried` bytes).
 */
export async function commitOverlay(options: CommitOptions): Promise<CommitResult> {
  const { overlay, target, steps } = options
  checkWritable(target)
  if (steps?.begin === undefined) checkSize(overlay, target)
  const carry = new OverlayCarry(overlay, overlay.spansOf(options.ranges, 'commit'))
  try {
    return await new Commit(carry, options).run()
  } finally {
    carry.close()
  }
}

class Commit {
  readonly #carry: OverlayCarry
  readonly #options: CommitOptions
  readonly #total: number
  #target: Disk
  #written = 0
  /** From here on the target may have changed. */
  #begun = false

  constructor(carry: OverlayCarry, options: CommitOptions) {
    this.#carry = carry
    this.#options = options
    this.#target = options.target
    this.#total = carry.bytes
  }

  async run(): Promise<CommitResult> {
    const { verify, steps, overlay } = this.#options
    if (this.#total === 0 && steps === undefined) return { ranges: 0, bytes: 0 }
    try {
      await overlay.flush()
      await this.#begin()
      await this.#writeAll()
      const cut = this.#written < this.#total
      const ranges = this.#carry.plan.runCount
      const bytes = this.#carry.bytes
      if (bytes > 0) await this.#flush()
      const proven = !verify || (!cut && (await this.#verifyAll()))
      await steps?.landed?.()
      if (proven) await this.#forgetAll()
      await steps?.end?.()
      if (cut || !proven) throw this.#aborted(bytes)
      return { ranges, bytes }
    } catch (error) {
      throw this.#describe(error)
    }
  }

  async #begin(): Promise<void> {
    const { steps, overlay } = this.#options
    if (steps?.begin !== undefined) {
      const { plan } = this.#carry
      const { grid } = overlay.blocks
      this.#target = await steps.begin({
        ranges: plan.runCount,
        bytes: this.#total,
        *runs() {
          for (const { first, count } of plan.stagedRuns()) {
            yield grid.bytesOf({ first, end: first + count })
          }
        },
      })
      const last = plan.blockCount - 1
      const lastRun = plan.get(last) === BLOCK_CLEAN ? plan.startOfRun(last) : plan.blockCount
      const end = lastRun * grid.blockSize
      assert(Math.min(end, overlay.size) <= this.#target.size, 'the target ends before the plan')
    }
    this.#begun = true
  }

  async #writeAll(): Promise<void> {
    const target = this.#target
    const { steps, overlay } = this.#options
    const around = steps?.around ?? ((_range, put) => put())
    const spans = this.#spansUntilCancelled()
    await eachInFlight(spans, spansInFlight(target.blockSize), async (span) => {
      const planned = this.#carry.bytesIn(span)
      const pieces = await this.#carry.copy(span)
      await around(overlay.blocks.grid.bytesOf(span), () => putPieces(target, pieces))
      this.#written += planned
      this.#progress('writing', this.#written)
    })
  }

  /** A span that was begun is carried to its end; what was not begun leaves the plan. */
  *#spansUntilCancelled(): Generator<BlockSpan> {
    const { plan } = this.#carry
    for (const span of this.#spans()) {
      if (this.#options.signal?.aborted === true) {
        plan.set(span.first, plan.blockCount - span.first, 0)
        return
      }
      yield span
    }
  }

  async #flush(): Promise<void> {
    this.#progress('flushing', 0)
    if (this.#target.capabilities.flush) await this.#target.flush()
    this.#progress('flushing', this.#total)
  }

  /** False when it was cancelled before the end. */
  async #verifyAll(): Promise<boolean> {
    const { signal } = this.#options
    const target = this.#target
    let verified = 0
    let complete = true
    this.#progress('verifying', 0)
    await eachInFlight(this.#spans(), spansInFlight(target.blockSize), async (span) => {
      if (signal?.aborted === true) complete = false
      if (!complete) return
      await verifyPieces(target, await this.#carry.unchanged(span))
      verified += this.#carry.bytesIn(span)
      this.#progress('verifying', verified)
    })
    return complete
  }

  async #forgetAll(): Promise<void> {
    await eachInFlight(this.#spans(), 1, (span) => this.#carry.forget(span))
    // Of a lasting overlay: what was carried is stably not staged, and its space is given back.
    await this.#options.overlay.flush()
  }

  #spans(): Generator<BlockSpan> {
    const { grid } = this.#options.overlay.blocks
    return carrySpans(this.#carry.plan, grid, this.#target.blockSize)
  }

  #progress(phase: CommitProgress['phase'], done: number): void {
    this.#options.onProgress?.({ phase, done, total: this.#total })
  }

  #aborted(carried: number): PlatterError {
    const rest = this.#options.verify
      ? 'they were not all read back, so everything stays staged'
      : 'they are flushed, and the rest stays staged'
    return new PlatterError(
      'ABORTED',
      `commit: cancelled when ${carried} of ${this.#total} bytes were written; ${rest}`,
      { data: { carried, total: this.#total } },
    )
  }

  #describe(error: unknown): unknown {
    if (!(error instanceof PlatterError) || error.code === 'ABORTED') return error
    if (!this.#begun && error.message.endsWith('nothing was changed')) return error
    const outcome = this.#begun
      ? `${this.#written} of ${this.#total} bytes were written, and all of them stay staged`
      : 'nothing was written, and everything stays staged'
    return new PlatterError(error.code, `commit: ${error.message}; ${outcome}`, {
      cause: error,
      data: { ...error.data, written: this.#written, total: this.#total },
    })
  }
}

function checkWritable(target: Disk): void {
  if (target.capabilities.write) return
  throw new PlatterError('READ_ONLY', 'commit: the target is read-only; nothing was changed')
}

function checkSize(overlay: OverlayDisk, target: Disk): void {
  if (target.size >= overlay.size) return
  throw new PlatterError(
    'BAD_SIZE',
    `commit: the target has ${target.size} bytes, fewer than the ${overlay.size} of the overlay; nothing was changed`,
    { data: { target: target.size, overlay: overlay.size } },
  )
}
