// Electron's main process: when things begin and end. It runs the workspace and shows one page, which
// reaches the workspace over a port like the page of the browser host does over its socket.

import { dirname, isAbsolute, join } from 'node:path'
import { app, type BrowserWindow, crashReporter } from 'electron'
import { answerPage } from '../workspace/answer-page'
import { configDir } from '../workspace/user-dirs'
import { Workspace } from '../workspace/workspace'
import { Dialogs } from './dialogs'
import { denyPermissions, guardPages } from './guards'
import { answerPortRequests } from './ipc'
import { electronMachine } from './machine'
import { keepMenu } from './menu'
import { handOver, OpenFiles } from './open-files'
import { pageAddress } from './page-address'
import { registerPageScheme, servePage } from './protocol'
import { Quit } from './quit'
import { shareRecentDocuments } from './recent'
import { RunningWork } from './running-work'
import { bringToFront, offerReload, openWindow } from './window'

const page = pageAddress(app.isPackaged, process.env)
let window: BrowserWindow | undefined

crashReporter.start({ uploadToServer: false })
app.setPath('userData', join(configDir(), 'window'))
app.enableSandbox()
registerPageScheme()
guardPages(page)

if (app.requestSingleInstanceLock({ ...handOver() })) {
  const openFiles = new OpenFiles(() => {
    if (window !== undefined) bringToFront(window)
  })
  app
    .whenReady()
    .then(() => run(openFiles))
    .catch((error: unknown) => {
      console.error(error)
      app.exit(1)
    })
} else {
  app.exit(0)
}

async function run(openFiles: OpenFiles): Promise<void> {
  const workspace = await Workspace.create({ version: app.getVersion() })
  const dialogs = new Dialogs({
    window: () => window,
    lastFolder: () => {
      const last = workspace.recent.find((each) => isAbsolute(each.locator))
      return last === undefined ? undefined : dirname(last.locator)
    },
  })
  const quit = new Quit(workspace, dialogs)
  const work = new RunningWork(electronMachine(() => window))
  const open = (locator: string) => workspace.open(locator)

  workspace.hub.subscribe(work.onEvent)
  shareRecentDocuments(workspace.hub)
  keepMenu(workspace, (locator) => {
    open(locator).catch((error) => dialogs.showFailure(`${locator} was not opened`, error))
  })
  denyPermissions()
  servePage(join(app.getAppPath(), 'out', 'renderer'))
  answerPortRequests(page, (channel) => {
    answerPage(workspace, channel, {
      host: 'desktop',
      openImageDialog: (signal) => dialogs.openImage(signal),
      saveFileDialog: (asked, signal) => dialogs.saveFile(asked, signal),
    })
  })
  keepWindow(quit, dialogs)
  openFiles.begin({ dialogs, open })
}

/** Without a window the application ends, except on macOS, where it waits in the dock. */
function keepWindow(quit: Quit, dialogs: Dialogs): void {
  const isMac = process.platform === 'darwin'
  const show = () => {
    const opened = openWindow(page, app.getAppPath())
    offerReload(opened, dialogs)
    window = opened
    opened.on('close', (event) => {
      if (quit.leaving || isMac) return
      event.preventDefault()
      app.quit()
    })
    opened.on('closed', () => {
      window = undefined
    })
  }
  show()
  app.on('activate', () => (window === undefined ? show() : bringToFront(window)))
  app.on('window-all-closed', () => {
    if (!isMac) app.quit()
  })
}
