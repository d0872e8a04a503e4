// What `require('electron')` and `import 'electron'` answer in the main process. A name that is not in
// this list does not exist: an import of it fails before anything runs.
const { app } = require('./main/app.cjs')
const { ipcMain } = require('./main/ipc-main.cjs')
const { MessageChannelMain } = require('./main/message-channel.cjs')
const { BrowserWindow } = require('./main/browser-window.cjs')
const { webContents } = require('./main/web-contents.cjs')
const { protocol, session } = require('./main/session.cjs')
const { Menu } = require('./main/menu.cjs')
const { dialog } = require('./main/dialog.cjs')
const { crashReporter, nativeTheme, powerSaveBlocker } = require('./main/machine.cjs')

module.exports = {
  app,
  BrowserWindow,
  crashReporter,
  dialog,
  ipcMain,
  Menu,
  MessageChannelMain,
  nativeTheme,
  powerSaveBlocker,
  protocol,
  session,
  webContents,
}
