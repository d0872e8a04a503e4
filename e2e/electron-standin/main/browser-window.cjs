// `BrowserWindow`: one page of Chromium each, and what a test may ask about a window that nobody sees.
const { EventEmitter } = require('node:events')
const { loudClass } = require('../loud.cjs')
const { app } = require('./app.cjs')
const { preventable, state } = require('./state.cjs')
const { WebContents } = require('./web-contents.cjs')

let lastId = 0

class BrowserWindow extends EventEmitter {
  #visible
  #destroyed = false
  /** What tests look at. */
  standinProgress = -1
  standinOptions

  constructor(options = {}) {
    super()
    if (!state.ready) throw new Error('Cannot create BrowserWindow before app is ready')
    const preferences = options.webPreferences ?? {}
    refuseUnsafe(preferences)
    this.id = ++lastId
    this.standinOptions = options
    this.#visible = options.show !== false
    state.windows.add(this)
    this.webContents = new WebContents(this, preferences, {
      width: options.width ?? 800,
      height: options.height ?? 600,
    })
    this.webContents.once('did-finish-load', () => this.emit('ready-to-show'))
    app.emit('web-contents-created', {}, this.webContents)
    app.emit('browser-window-created', {}, this)
  }

  static getAllWindows() {
    return [...state.windows]
  }

  static getFocusedWindow() {
    return [...state.windows].at(-1) ?? null
  }

  static fromWebContents(contents) {
    return [...state.windows].find((window) => window.webContents === contents) ?? null
  }

  loadURL(url) {
    return this.webContents.loadURL(url)
  }

  show() {
    this.#visible = true
  }

  focus() {}

  restore() {}

  isMinimized() {
    return false
  }

  isVisible() {
    return this.#visible
  }

  isDestroyed() {
    return this.#destroyed
  }

  setProgressBar(fraction) {
    this.standinProgress = fraction
  }

  close() {
    if (this.standinMayClose()) this.destroy()
  }

  destroy() {
    void this.webContents.standinCloseTarget()
    this.standinGone()
  }

  standinMayClose() {
    const event = preventable()
    this.emit('close', event)
    return !event.defaultPrevented
  }

  standinGone() {
    if (this.#destroyed) return
    this.#destroyed = true
    state.windows.delete(this)
    this.webContents.standinGone()
    this.emit('closed')
    if (state.windows.size > 0 || state.quitting) return
    if (app.listenerCount('window-all-closed') === 0) app.quit()
    else app.emit('window-all-closed')
  }
}

function refuseUnsafe(preferences) {
  const unsafe =
    preferences.nodeIntegration === true ||
    preferences.webviewTag === true ||
    preferences.contextIsolation === false ||
    preferences.sandbox === false ||
    preferences.webSecurity === false
  if (unsafe) throw new Error('electron stand-in: only sandboxed, isolated windows are provided')
}

loudClass('BrowserWindow', BrowserWindow)
module.exports = { BrowserWindow }
