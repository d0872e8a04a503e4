import type { SessionInfo } from '../../bridge/model'
import type { App } from '../state/app'

/** The image that Platter makes itself. */
export const SAMPLE_LOCATOR = 'sample:'

/** Opens and brings to the front. Rejects with the host's sentence. */
export async function openLocator(app: App, locator: string): Promise<SessionInfo> {
  const { value } = await app.request('session.open', { locator })
  const state = app.store.getState()
  state.putSession(value)
  state.activate(value.id)
  const others = state.recent.filter((each) => each.locator !== value.image.locator)
  const { locator: opened, name } = value.image
  if (value.image.kind !== 'sample') {
    state.setRecent([{ locator: opened, name, time: Date.now() }, ...others])
  }
  return value
}

/** The same for places without room for a message: it becomes a notice. */
export async function openOrTell(app: App, locator: string): Promise<void> {
  try {
    await openLocator(app, locator)
  } catch (error) {
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
