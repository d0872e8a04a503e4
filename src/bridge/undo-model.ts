// What pages see of commits that are over and can be undone, and of those that were cut short.

import type { PlainError } from '../engine/base/errors'
import type { ByteRange } from '../engine/base/ranges'

/** A commit whose overwritten bytes were kept. */
export interface UndoInfo {
  /** The undo file, absolute. */
  readonly path: string
  /** What the commit wrote, bytes. */
  readonly bytes: number
  readonly time: number
  /** Bytes by which undoing makes the target shorter again. */
  readonly shrinksBy: number
  /** True: the last commit was itself the undoing of one, and undoing it brings that one back. */
  readonly isRedo: boolean
}

export interface UndoReview extends UndoInfo {
  /** The file or URI that will be written. */
  readonly target: string
  /** Sentences that a person should read before the button. */
  readonly warnings: readonly string[]
  /** Why it cannot be done now; absent when it can. */
  readonly refusal?: PlainError
}

/** How a lasting overlay was found when it was opened. */
export interface RecoverInfo {
  /**
   * `dirty`: it was not closed; all that was flushed is there, and nothing needs to be done.
   * `committing`: some of the staged blocks may be in the base already, and all of them are still staged.
   * Until it is finished or undone nothing can be committed or discarded; looking and staging go on.
   */
  readonly kind: 'dirty' | 'committing'
  /** What the commit was to carry; absent: everything. */
  readonly ranges?: readonly ByteRange[]
  /** Bytes that are still staged of that. */
  readonly bytes: number
  /** Its undo file, which was complete before the base was touched; absent: it cannot be undone. */
  readonly undo?: string
}
