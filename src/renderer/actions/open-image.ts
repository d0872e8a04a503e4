import type { SessionInfo } from '../../bridge/model'
import { hasCode } from '../../engine/base/errors'
import { type App, messageOf } from '../state/app'

/** The image that Platter makes itself. */
export const SAMPLE_LOCATOR = 'sample:'

/** Opens and brings to the front. Rejects with the host's sentence. */
export async function openLocator(
  app: App,
  locator: string,
  options: { readonly acceptBase?: boolean } = {},
): Promise<SessionInfo> {
  const { value } = await app.request('session.open', { locator, ...options })
  const state = app.store.getState()
  state.putSession(value)
  state.activate(value.id)
  const others = state.recent.filter((each) => each.locator !== openedAs(value).locator)
  const { locator: opened, name } = openedAs(value)
  if (value.image.kind !== 'sample') {
    state.setRecent([{ locator: opened, name, time: Date.now() }, ...others])
  }
  return value
}

/** What leads to a session again: its overlay file, where it has one. */
const openedAs = ({ image, lasting }: SessionInfo) =>
  lasting === undefined ? image : { locator: lasting.path, name: lasting.name }

/** The same for places without room for a message: it becomes a notice, or a question. */
export async function openOrTell(app: App, locator: string): Promise<void> {
  try {
    await openLocator(app, locator)
  } catch (error) {
    if (asksAboutBase(app, locator, error)) return
    app.notices.problem('The image was not opened', error)
  }
}

/** Native dialog where the host has one, else a dialog of the page. */
export async function chooseImage(app: App): Promise<void> {
  const { host, openDialog } = app.store.getState()
  if (host?.nativeDialogs !== true) return openDialog({ kind: 'open-image' })
  const { value } = await app.request('dialog.openImage', {})
  if (value.locator !== undefined) await openOrTell(app, value.locator)
}

/** An overlay whose base is another one than it was: whether to open it is asked. */
export function asksAboutBase(app: App, locator: string, error: unknown): boolean {
  if (!hasCode(error, 'BASE_CHANGED')) return false
  app.store.getState().openDialog({ kind: 'base-changed', locator, why: messageOf(error) })
  return true
}
