// Bytes that were typed or pasted, on their way into the overlay. Each is staged at once; what is typed
// while a request is on its way goes together in the next one. Until the page that holds them has been
// read again, the queue lays them over the page, so that a person sees what was typed. When the host
// refuses, the bytes are taken back and the old ones show again.
//
// The queue outlives the view: bytes that were typed are sent even when the view has gone.

import { MAX_BYTES_PER_REQUEST } from '../../bridge/contract'
import type { SessionId } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import { assert } from '../../engine/base/assert'

export interface StagedEdit {
  readonly offset: number
  readonly before: Uint8Array
  readonly after: Uint8Array
}

export interface StageQueueOptions {
  readonly peer: Peer
  readonly session: SessionId
  readonly onChange: () => void
  readonly onProblem: (message: string) => void
  /** A request was done: bytes as they were and as they are now. */
  readonly onEdit: (edit: StagedEdit) => void
}

interface Confirmed extends StagedEdit {
  /** The session holds these bytes from this epoch on. */
  readonly epoch: number
}

/** Epoch of the fresh page at an offset; `absent` when there is none and none is on its way. */
export type FreshEpoch = (offset: number) => number | 'absent' | undefined

export class StageQueue {
  readonly #options: StageQueueOptions
  #waiting: StagedEdit[] = []
  #sending: StagedEdit | undefined
  #confirmed: Confirmed[] = []

  constructor(options: StageQueueOptions) {
    this.#options = options
  }

  /** Something typed is not in the overlay yet. */
  get isBusy(): boolean {
    return this.#sending !== undefined || this.#waiting.length > 0
  }

  /** `before` is what the view shows there now, bytes of earlier edits included. */
  put({ offset, before, after }: StagedEdit): void {
    assert(before.length === after.length && after.length > 0, 'an edit keeps its length')
    assert(after.length <= MAX_BYTES_PER_REQUEST, `edit of ${after.length} bytes`)
    const edit = { offset, before: before.slice(), after: after.slice() }
    const last = this.#waiting.at(-1)
    const joined = last && joinEdits(last, edit)
    if (joined === undefined) this.#waiting.push(edit)
    else this.#waiting[this.#waiting.length - 1] = joined
    this.#options.onChange()
    if (this.#sending === undefined) void this.#sendNext()
  }

  /** Lays what is typed over `target`, which holds the bytes from `offset` on; marks it in `marks`. */
  overlay(offset: number, target: Uint8Array, marks: Uint8Array): void {
    const lay = (edit: StagedEdit) => {
      const from = Math.max(offset, edit.offset)
      const to = Math.min(offset + target.length, edit.offset + edit.after.length)
      if (from >= to) return
      target.set(edit.after.subarray(from - edit.offset, to - edit.offset), from - offset)
      marks.fill(1, from - offset, to - offset)
    }
    for (const edit of this.#confirmed) lay(edit)
    if (this.#sending !== undefined) lay(this.#sending)
    for (const edit of this.#waiting) lay(edit)
  }

  /** Lets go of edits that the pages themselves show by now. */
  settle(freshEpochAt: FreshEpoch, pageBytes: number): void {
    this.#confirmed = this.#confirmed.filter(({ offset, after, epoch }) => {
      const first = offset - (offset % pageBytes)
      for (let at = first; at < offset + after.length; at += pageBytes) {
        const fresh = freshEpochAt(at)
        if (fresh === undefined || (fresh !== 'absent' && fresh < epoch)) return true
      }
      return false
    })
  }

  async #sendNext(): Promise<void> {
    const edit = this.#waiting.shift()
    this.#sending = edit
    if (edit === undefined) return
    const { peer, session, onEdit, onProblem, onChange } = this.#options
    try {
      const answer = await peer.request(
        'stage.write',
        { session, offset: edit.offset },
        { bytes: edit.after.slice() },
      )
      this.#confirmed.push({ ...edit, epoch: answer.value.epoch })
      onEdit(edit)
    } catch (error) {
      this.#takeBack(edit)
      onProblem(error instanceof Error ? error.message : String(error))
    }
    this.#sending = undefined
    onChange()
    void this.#sendNext()
  }

  /** The first edit over each refused byte finds there what the refused one found. */
  #takeBack(refused: StagedEdit): void {
    const isDone = new Uint8Array(refused.after.length)
    for (const edit of this.#waiting) {
      const from = Math.max(refused.offset, edit.offset)
      const to = Math.min(refused.offset + refused.after.length, edit.offset + edit.before.length)
      for (let at = from; at < to; at++) {
        const i = at - refused.offset
        if (isDone[i] === 0) edit.before[at - edit.offset] = refused.before[i] as number
        isDone[i] = 1
      }
    }
  }
}

/** One edit for two that overlap or touch; what was there before either stays `before`. */
function joinEdits(first: StagedEdit, second: StagedEdit): StagedEdit | undefined {
  const offset = Math.min(first.offset, second.offset)
  const end = Math.max(first.offset + first.after.length, second.offset + second.after.length)
  const isApart = end - offset > first.after.length + second.after.length
  if (isApart || end - offset > MAX_BYTES_PER_REQUEST) return undefined
  const before = new Uint8Array(end - offset)
  const after = new Uint8Array(end - offset)
  before.set(second.before, second.offset - offset)
  before.set(first.before, first.offset - offset)
  after.set(first.after, first.offset - offset)
  after.set(second.after, second.offset - offset)
  return { offset, before, after }
}
