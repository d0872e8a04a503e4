// What a page may not do, whoever wrote its script: leave its origin, open windows, hold web views, ask
// for the camera. Copying a URI to the clipboard is the one permission that Platter's page needs.

import { app, session } from 'electron'
import { isPageUrl, type PageAddress } from './page-address'

const GRANTED_PERMISSIONS: ReadonlySet<string> = new Set(['clipboard-sanitized-write'])

/** For every page of the application, those of developer tools included. */
export function guardPages(page: PageAddress): void {
  app.on('web-contents-created', (_event, contents) => {
    const stayHome = (event: { readonly url: string; preventDefault(): void }) => {
      if (!isPageUrl(event.url, page)) event.preventDefault()
    }
    contents.on('will-navigate', stayHome)
    contents.on('will-frame-navigate', stayHome)
    contents.on('will-redirect', stayHome)
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  })
}

/** After `ready`. */
export function denyPermissions(): void {
  const { defaultSession } = session
  defaultSession.setPermissionCheckHandler((_contents, permission) =>
    GRANTED_PERMISSIONS.has(permission),
  )
  defaultSession.setPermissionRequestHandler((_contents, permission, answer) =>
    answer(GRANTED_PERMISSIONS.has(permission)),
  )
}
