// Typed edits that can be taken back. Pure: only what was done, in order; staging it again is
// actions/undo-edit.ts.

export interface Edit {
  readonly offset: number
  readonly before: Uint8Array
  readonly after: Uint8Array
}

export interface EditStack {
  readonly undo: readonly Edit[]
  readonly redo: readonly Edit[]
}

export const NO_EDITS: EditStack = { undo: [], redo: [] }

export const MAX_EDITS = 1000
export const MAX_EDIT_BYTES = 16 * 1024 * 1024

export const pushEdit = (stack: EditStack, edit: Edit): EditStack => ({
  undo: newest([...stack.undo, edit]),
  redo: [],
})

/** The top of `undo` moves to `redo`; nothing when there is none. */
export function popUndo({ undo, redo }: EditStack): EditStack {
  const edit = undo.at(-1)
  return edit === undefined ? { undo, redo } : { undo: undo.slice(0, -1), redo: [...redo, edit] }
}

export function popRedo({ undo, redo }: EditStack): EditStack {
  const edit = redo.at(-1)
  return edit === undefined ? { undo, redo } : { undo: [...undo, edit], redo: redo.slice(0, -1) }
}

/** Drops the oldest edits beyond the bounds, but never the one just made. */
function newest(edits: readonly Edit[]): readonly Edit[] {
  let bytes = 0
  let from = edits.length
  while (from > 0 && edits.length - from < MAX_EDITS) {
    const edit = edits[from - 1]
    bytes += (edit?.before.length ?? 0) * 2
    if (bytes > MAX_EDIT_BYTES && from < edits.length) break
    from--
  }
  return from === 0 ? edits : edits.slice(from)
}
