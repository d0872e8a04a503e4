// Undo and redo of typed edits: what was there is staged again. Only where the disk still holds what the
// edit left behind; otherwise somebody else wrote there since, and that is not taken back unseen.

import type { SessionId } from '../../bridge/model'
import { formatHex } from '../../engine/base/size-text'
import type { App } from '../state/app'
import { activeSession } from '../state/app-state'
import { type Edit, type EditStack, NO_EDITS, popRedo, popUndo } from '../state/edit-stack'
import { viewOf } from '../state/views-slice'

type Direction = 'undo' | 'redo'

/** Resolves when it is staged, or when the person was told why not. */
export const stepEdit = (app: App, direction: Direction): Promise<void> =>
  app.inTurn(() => stepNow(app, direction))

async function stepNow(app: App, direction: Direction): Promise<void> {
  const state = app.store.getState()
  const session = activeSession(state)?.id
  if (session === undefined) return
  const edit = viewOf(state, session).edits[direction].at(-1)
  if (edit === undefined) return
  const [stays, becomes] =
    direction === 'undo' ? [edit.after, edit.before] : [edit.before, edit.after]
  if (!(await holds(app, session, edit.offset, stays))) {
    forget(app, session, edit)
    const why = `The bytes at ${formatHex(edit.offset)} have changed since; they stay as they are`
    return app.notices.problem(`Nothing to ${direction}`, new Error(why))
  }
  await app.request('stage.write', { session, offset: edit.offset }, { bytes: becomes.slice() })
  const { edits } = viewOf(app.store.getState(), session)
  // Something was typed meanwhile: this edit is no longer the newest, and cannot be stepped over again.
  if (edits[direction].at(-1) !== edit) forget(app, session, edit)
  else setStack(app, session, direction === 'undo' ? popUndo(edits) : popRedo(edits))
  app.store.getState().travel(session, { offset: edit.offset }, app.now())
}

/** Everything that could be undone is gone: after a discard. */
export const forgetEdits = (app: App, session: SessionId): void => setStack(app, session, NO_EDITS)

const setStack = (app: App, session: SessionId, edits: EditStack) =>
  app.store.getState().changeView(session, { edits })

function forget(app: App, session: SessionId, edit: Edit): void {
  const { undo, redo } = viewOf(app.store.getState(), session).edits
  const others = (edits: readonly Edit[]) => edits.filter((each) => each !== edit)
  setStack(app, session, { undo: others(undo), redo: others(redo) })
}

async function holds(app: App, session: SessionId, offset: number, expected: Uint8Array) {
  const { bytes } = await app.request('bytes.read', { session, offset, length: expected.length })
  return bytes?.length === expected.length && bytes.every((byte, i) => byte === expected[i])
}
