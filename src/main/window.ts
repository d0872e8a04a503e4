import { join } from 'node:path'
import { BrowserWindow, nativeTheme } from 'electron'
import type { Dialogs } from './dialogs'
import type { PageAddress } from './page-address'

// The page's own backgrounds: the window does not flash before the page is drawn.
const BACKGROUND = { light: '#eceff3', dark: '#0e1115' }

/** Opens the one window, shown when its page has drawn itself. */
export function openWindow(page: PageAddress, appPath: string): BrowserWindow {
  const window = new BrowserWindow({
    title: 'Platter',
    name: 'main',
    windowStatePersistence: true,
    width: 1360,
    height: 860,
    minWidth: 720,
    minHeight: 480,
    show: false,
    icon: join(appPath, 'assets', 'icon.png'),
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: join(appPath, 'out', 'preload', 'index.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  })
  window.once('ready-to-show', () => window.show())
  window.webContents.on('preload-error', (_event, path, error) => {
    console.error(`${path}: ${error.message}`)
  })
  window.loadURL(page.url).catch((error: Error) => console.error(error.message))
  return window
}

/** A page that crashed takes nothing along: sessions, exports and staged writes live in this process. */
export function offerReload(window: BrowserWindow, dialogs: Dialogs): void {
  const { webContents } = window
  webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit') return
    console.error(`the page ended: ${reason} (${exitCode})`)
    dialogs
      .confirmReload(reason)
      .then((reload) => {
        if (reload && !webContents.isDestroyed()) webContents.reload()
      })
      .catch((error: unknown) => console.error(error))
  })
}

export function bringToFront(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}
