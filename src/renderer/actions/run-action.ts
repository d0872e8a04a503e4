import { ACTIONS, type ActionData, type ActionId, isActionId } from '../../bridge/actions'
import type { App } from '../state/app'
import { ACTION_TABLE } from './action-table'
import { actionForKey, type KeyPlatform } from './key-match'

const BY_ID = new Map<ActionId, ActionData>(ACTIONS.map((each) => [each.id, each]))

export const actionData = (id: ActionId): ActionData => {
  const data = BY_ID.get(id)
  if (data === undefined) throw new Error(`no action ${id}`)
  return data
}

/** Runs it unless it is not enabled now. Resolves when it is over; failures are shown, never thrown. */
export async function runAction(app: App, id: ActionId): Promise<void> {
  const behaviour = ACTION_TABLE[id]
  if (!behaviour.enabled(app.store.getState())) return
  try {
    await behaviour.run(app)
  } catch (error) {
    app.notices.problem(`${actionData(id).title.replace('…', '')}: not done`, error)
  }
}

/** For ids from outside the page, such as the native menu's. */
export function runActionById(app: App, id: string): void {
  if (isActionId(id)) void runAction(app, id)
}

/** Keys that a text field needs for itself. */
const FIELD_KEYS: ReadonlySet<ActionId> = new Set(['edit.undo', 'edit.redo', 'help.shortcuts'])

/** Makes the keys of scope `global` work in `page`; the returned function takes them off again. */
export function listenForKeys(app: App, page: Window, platform: KeyPlatform): () => void {
  const onKey = (event: KeyboardEvent) => {
    const handled = event.defaultPrevented && !isDisabledButton(event.target)
    if (handled || event.isComposing) return
    const id = actionForKey(event, platform)
    if (id === undefined) return
    const { dialog } = app.store.getState()
    // An open dialog has the keyboard; only the palette may take its place.
    if (dialog !== undefined && id !== 'help.palette') return
    if (FIELD_KEYS.has(id) && isTextField(event.target)) return
    event.preventDefault()
    void runAction(app, id)
  }
  page.addEventListener('keydown', onKey)
  return () => page.removeEventListener('keydown', onKey)
}

const isTextField = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]')

/** One that has the focus takes every key but Tab, so that nothing presses it; for others they are free. */
const isDisabledButton = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.matches('button[aria-disabled="true"]')
