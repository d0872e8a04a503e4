// The only place that listens to messages of pages. There is one message: a page asks for a port. Who
// asks is checked; everything after that runs over the port and is checked by the bridge.

import { BrowserWindow, ipcMain, MessageChannelMain, type WebContents } from 'electron'
import type { Channel } from '../bridge/channel'
import { PORT_MESSAGE, PORT_REQUEST } from '../bridge/desktop-page'
import { PortChannel } from '../bridge/port-channel'
import { MAX_BYTES_TO_HOST } from '../bridge/wire-message'
import type { PageAddress } from './page-address'
import { isOurPage } from './sender'

/** Calls `attach` with a channel for every page that asks; a reloaded page loses its former one. */
export function answerPortRequests(page: PageAddress, attach: (channel: Channel) => void): void {
  const channels = new WeakMap<WebContents, Channel>()
  ipcMain.on(PORT_REQUEST, ({ sender, senderFrame }) => {
    if (BrowserWindow.fromWebContents(sender) === null || !isOurPage(senderFrame, page)) {
      console.error(`a port was refused to ${senderFrame?.origin ?? 'a page that is gone'}`)
      return
    }
    channels.get(sender)?.close()
    const { port1, port2 } = new MessageChannelMain()
    const channel = PortChannel.overMainPort(port1, MAX_BYTES_TO_HOST)
    channels.set(sender, channel)
    attach(channel)
    sender.postMessage(PORT_MESSAGE, null, [port2])
  })
}
