// A commit into a base, with all that is noted beside it so that it survives a crash at any moment:
//
//   overlay flushed → undo file complete and stable → the overlay's header says committing → the base
//   made longer → blocks written → base flushed (read back) → the base cut where the commit of an undo
//   file says so → the undo file knows the base as it is now → blocks not staged any more, stably → the
//   header says that the commit is over
//
// A crash before the header leaves an undo file that nothing names and a base that nobody touched; one
// after it leaves everything staged or in the base, and carrying it again comes to the same bytes.

import { ensure } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import { type ByteRange, endOf, joinRanges } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import type { FileSpace } from '../engine/disk/file-space'
import type { BaseIdentity, CommitMark } from '../engine/formats/add-cow/add-cow-header'
import {
  type CommitPlan,
  type CommitProgress,
  type CommitResult,
  commitOverlay,
} from '../engine/layers/commit'
import type { OverlayDisk } from '../engine/layers/overlay'
import type { CommitBase } from './commit-base'
import { makeUndoFile, settleUndoFile } from './undo-file'

export interface CarryProgress {
  readonly phase: CommitProgress['phase'] | 'keeping'
  /** Bytes. */
  readonly done: number
  readonly total: number
}

export interface CarryOptions {
  readonly overlay: OverlayDisk
  readonly base: CommitBase
  /** All blocks that these touch; everything unless told. */
  readonly ranges?: readonly ByteRange[] | undefined
  readonly verify: boolean
  readonly undo?: UndoPlace | undefined
  /** Refuses a base that is not as it should be; the base is locked by then. */
  readonly check?: (now: BaseIdentity) => Promise<void>
  /** Notes in the overlay that a commit is under way, and that it is over. */
  readonly marks?: CommitMarks | undefined
  /** How long the base is to be afterwards: what lies beyond is cut off. */
  readonly cutTo?: number | undefined
  readonly around?: (range: ByteRange, put: () => Promise<void>) => Promise<void>
  /** The base has another size now. */
  readonly onResized?: () => Promise<void>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CarryProgress) => void) | undefined
}

export interface UndoPlace {
  readonly space: FileSpace
  /** Absolute. */
  readonly path: string
  /** It is there already, from the commit that is being finished. */
  readonly isMade?: boolean
}

export interface CommitMarks {
  /** Stable when it resolves. */
  begin(commit: CommitMark): Promise<void>
  end(base: BaseIdentity): Promise<void>
}

/** Rejects as commitOverlay does, with BAD_SIZE for a base that cannot grow, and as undo files do. */
export function carryIntoBase(options: CarryOptions): Promise<CommitResult> {
  return new Carrying(options).run()
}

class Carrying {
  readonly #options: CarryOptions
  #identity: BaseIdentity | undefined

  constructor(options: CarryOptions) {
    this.#options = options
  }

  run(): Promise<CommitResult> {
    const { overlay, base, ranges, verify, around, signal, onProgress } = this.#options
    return commitOverlay({
      overlay,
      target: base.disk,
      ...(ranges === undefined ? {} : { ranges }),
      verify,
      signal,
      onProgress,
      steps: {
        begin: (plan) => this.#begin(plan),
        landed: () => this.#landed(),
        end: async () => this.#options.marks?.end(ensure(this.#identity, 'base that landed')),
        ...(around === undefined ? {} : { around }),
      },
    })
  }

  async #begin(plan: CommitPlan): Promise<Disk> {
    const { base, check, marks, undo, overlay, ranges } = this.#options
    const before = await base.identify()
    await check?.(before)
    const growTo = this.#sizeToGrowTo(plan)
    if (growTo !== undefined) refuseFixed(base, growTo)
    if (undo !== undefined && undo.isMade !== true) await this.#keep(undo, plan, before)
    // Where this fails, the header may name the undo file nevertheless, so it stays.
    await marks?.begin({ ...chosen(overlay, ranges), undoName: undo?.path ?? '' })
    if (growTo !== undefined) await this.#resize(growTo)
    return base.disk
  }

  /** A commit of everything makes the base as long as the overlay, one of ranges only where they need it. */
  #sizeToGrowTo(plan: CommitPlan): number | undefined {
    const { overlay, base, ranges } = this.#options
    if (base.disk.size >= overlay.size) return undefined
    if (ranges === undefined) return overlay.size
    let end = 0
    for (const run of plan.runs()) end = endOf(run)
    return end > base.disk.size ? overlay.size : undefined
  }

  async #keep({ space, path }: UndoPlace, plan: CommitPlan, identity: BaseIdentity): Promise<void> {
    const { base, overlay, cutTo, signal, onProgress } = this.#options
    const tail = Math.max(0, base.disk.size - (cutTo ?? base.disk.size))
    const total = plan.bytes + tail
    await makeUndoFile(space, path, {
      base,
      identity,
      blockSize: overlay.overlayBlockSize,
      ranges: withTail(plan.runs(), { offset: base.disk.size - tail, length: tail }),
      signal,
      onProgress: (done) => onProgress?.({ phase: 'keeping', done: Math.min(done, total), total }),
    })
  }

  async #landed(): Promise<void> {
    const { base, cutTo, undo } = this.#options
    if (cutTo !== undefined && cutTo < base.disk.size) await this.#resize(cutTo)
    this.#identity = await base.identify()
    if (undo !== undefined) await settleUndoFile(undo.space, undo.path, this.#identity)
  }

  async #resize(size: number): Promise<void> {
    const { base, onResized } = this.#options
    refuseFixed(base, size)
    await base.resize?.(size)
    await onResized?.()
  }
}

/** The chosen ranges as a header notes them: whole blocks. */
function chosen(overlay: OverlayDisk, ranges: readonly ByteRange[] | undefined) {
  if (ranges === undefined) return {}
  const { grid } = overlay.blocks
  return { ranges: joinRanges(overlay.spansOf(ranges, 'commit').map((span) => grid.bytesOf(span))) }
}

function* withTail(runs: Iterable<ByteRange>, tail: ByteRange): Generator<ByteRange> {
  yield* runs
  if (tail.length > 0) yield tail
}

function refuseFixed({ locator, disk, resize }: CommitBase, size: number): void {
  if (resize !== undefined) return
  throw new PlatterError(
    'BAD_SIZE',
    `${locator}: it has ${disk.size} bytes and cannot be made ${size} bytes long; nothing was changed`,
    { data: { size: disk.size, needed: size } },
  )
}
