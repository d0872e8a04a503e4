// Runs in the window before the page, sandboxed and in a world of its own. The page is given two facts
// and, whenever it says that it listens, a fresh port to the workspace. It gets nothing of Electron.

import { contextBridge, ipcRenderer, webUtils } from 'electron'
import { PAGE_READY, type PlatterDesktop, PORT_MESSAGE, PORT_REQUEST } from '../bridge/desktop-page'

// The few shapes of the DOM that are needed; this file compiles without the rest of it.
interface PageMessage {
  readonly data: unknown
  readonly origin: string
  readonly source: unknown
}
declare const window: {
  addEventListener(type: 'message', listener: (event: PageMessage) => void): void
  postMessage(message: string, targetOrigin: string, ports: readonly unknown[]): void
}
declare const location: { readonly origin: string }

const desktop: PlatterDesktop = {
  platform: process.platform,
  pathForFile: (file) =>
    webUtils.getPathForFile(file as Parameters<typeof webUtils.getPathForFile>[0]),
}
contextBridge.exposeInMainWorld('platterDesktop', desktop)

window.addEventListener('message', (event) => {
  if (event.source !== window || event.origin !== location.origin) return
  if (event.data === PAGE_READY) ipcRenderer.send(PORT_REQUEST)
})

ipcRenderer.on(PORT_MESSAGE, (event) => {
  window.postMessage(PORT_MESSAGE, location.origin, event.ports)
})
