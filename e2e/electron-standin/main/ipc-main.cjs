// `ipcMain`: what preload scripts send, emitted here by web-contents.cjs.
const { EventEmitter } = require('node:events')
const { loudClass } = require('../loud.cjs')

class IpcMain extends EventEmitter {}

loudClass('ipcMain', IpcMain)
module.exports = { ipcMain: new IpcMain() }
