// What the native message boxes ask. Escape and Enter always choose the answer that loses nothing.

import type { MessageBoxOptions } from 'electron'
import { formatSize } from '../engine/base/size-text'

export interface WhatWouldBeLost {
  /** Images with staged writes, and the bytes of those. */
  readonly sessions: number
  readonly bytes: number
  /** A commit is on its way. */
  readonly committing: boolean
}

export type QuitAnswer = 'stay' | 'review' | 'discard'

/** Of what lives in temporary files: quitting loses it, and the words say so. */
export function quitQuestion({ sessions, bytes, committing }: WhatWouldBeLost): {
  readonly options: MessageBoxOptions
  readonly answers: readonly QuitAnswer[]
} {
  const images = sessions === 1 ? 'one image' : `${sessions} images`
  const state = committing
    ? 'A commit is running; quitting stops it part-way, with some ranges written and others not.'
    : 'The images themselves have not been changed. To keep the changes, commit them, or keep them in a file, first.'
  return {
    answers: ['stay', 'review', 'discard'],
    options: {
      type: 'warning',
      message: `${formatSize(bytes)} staged for ${images} would be lost`,
      detail: `What is staged is kept in a temporary file that goes away with Platter. ${state}`,
      buttons: ['Keep working', 'Review and commit…', 'Discard and quit'],
      defaultId: 0,
      cancelId: 0,
      noLink: true,
    },
  }
}

/** Nothing staged would be lost, but what runs would not come to its end. */
export function runningQuestion(titles: readonly string[]): ReturnType<typeof quitQuestion> {
  return {
    answers: ['stay', 'discard'],
    options: {
      type: 'warning',
      message:
        titles.length === 1 ? 'A job is still running' : `${titles.length} jobs are still running`,
      detail: `${titles.join('\n')}\n\nQuitting cancels it: a file that is being made is not kept, and a commit stops part-way, with what it has not carried still staged.`,
      buttons: ['Keep working', 'Cancel and quit'],
      defaultId: 0,
      cancelId: 0,
      noLink: true,
    },
  }
}

/** Button 1 connects. */
export function connectQuestion(uri: string): MessageBoxOptions {
  return {
    type: 'question',
    message: 'Connect to this NBD server?',
    detail:
      `${uri}\n\nThe address came from outside this window, from a link or a command line. ` +
      'Platter reads from the server to draw the map, and writes nothing until you commit.',
    buttons: ['Cancel', 'Connect'],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  }
}

/** Button 0 reloads. */
export function reloadQuestion(reason: string): MessageBoxOptions {
  return {
    type: 'error',
    message: 'The page of this window has ended unexpectedly',
    detail: `Reason: ${reason}. Open images, exports and staged writes are not affected.`,
    buttons: ['Reload the page', 'Leave it'],
    defaultId: 0,
    cancelId: 1,
    noLink: true,
  }
}
