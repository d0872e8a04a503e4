// Carries staged blocks of an overlay into a target, as a rule its base: write (or zero), flush, read
// back when asked to, and only then are the blocks not staged any more.
//
// A block leaves the staged set only when all that was asked for has happened to it and it has not
// changed since it was copied. So a failure of the target leaves everything staged, and doing it again
// gives the same bytes. A cancel stops between two spans: what was carried by then is flushed and, as
// the target holds it now, not staged any more, so that the staged list tells what is still to do and a
// discard afterwards does not promise old bytes that are gone. Where reading back was asked for and did
// not happen, it stays staged.
// Writers go on meanwhile (overlay-carry.ts says why none is lost). Left out: keeping what is overwritten.

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

export interface CommitOptions {
  readonly overlay: OverlayDisk
  /** At least as long as the overlay. */
  readonly target: Disk
  /** All blocks that these ranges touch; everything unless told. */
  readonly ranges?: readonly ByteRange[]
  /** Read everything back from the target before it counts as carried. */
  readonly verify: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CommitProgress) => void) | undefined
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
  const { overlay, target } = options
  checkTarget(overlay, target)
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
  #written = 0

  constructor(carry: OverlayCarry, options: CommitOptions) {
    this.#carry = carry
    this.#options = options
    this.#total = carry.bytes
  }

  async run(): Promise<CommitResult> {
    const { verify } = this.#options
    if (this.#total === 0) return { ranges: 0, bytes: 0 }
    try {
      await this.#writeAll()
      const cut = this.#written < this.#total
      const ranges = this.#carry.plan.runCount
      const bytes = this.#carry.bytes
      if (bytes > 0) await this.#flush()
      const proven = !verify || (!cut && (await this.#verifyAll()))
      if (proven) await this.#forgetAll()
      if (cut || !proven) throw this.#aborted(bytes)
      return { ranges, bytes }
    } catch (error) {
      throw this.#describe(error)
    }
  }

  async #writeAll(): Promise<void> {
    const { target } = this.#options
    const spans = this.#spansUntilCancelled()
    await eachInFlight(spans, spansInFlight(target.blockSize), async (span) => {
      const planned = this.#carry.bytesIn(span)
      await putPieces(target, await this.#carry.copy(span))
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
    if (this.#options.target.capabilities.flush) await this.#options.target.flush()
    this.#progress('flushing', this.#total)
  }

  /** False when it was cancelled before the end. */
  async #verifyAll(): Promise<boolean> {
    const { target, signal } = this.#options
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
    return carrySpans(this.#carry.plan, grid, this.#options.target.blockSize)
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
    return new PlatterError(
      error.code,
      `commit: ${error.message}; ${this.#written} of ${this.#total} bytes were written, and all of them stay staged`,
      { cause: error, data: { ...error.data, written: this.#written, total: this.#total } },
    )
  }
}

function checkTarget(overlay: OverlayDisk, target: Disk): void {
  if (!target.capabilities.write) {
    throw new PlatterError('READ_ONLY', 'commit: the target is read-only; nothing was changed')
  }
  if (target.size < overlay.size) {
    throw new PlatterError(
      'BAD_SIZE',
      `commit: the target has ${target.size} bytes, fewer than the ${overlay.size} of the overlay; nothing was changed`,
      { data: { target: target.size, overlay: overlay.size } },
    )
  }
}
