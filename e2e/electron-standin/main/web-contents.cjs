// `webContents`: a page of Chromium with the preload script in a world of its own. Loading, guarding
// navigation, and answering requests for our scheme are here; messages are in page-link.cjs.
const { EventEmitter } = require('node:events')
const { loud, loudClass } = require('../loud.cjs')
const { ipcMain } = require('./ipc-main.cjs')
const { PageLink } = require('./page-link.cjs')
const { applyPermissions } = require('./permissions.cjs')
const { handlerFor, originOf, session, SUFFIX, toBrowserUrl, toOwnUrl } = require('./session.cjs')
const { preventable, state } = require('./state.cjs')

let lastId = 0

class WebContents extends EventEmitter {
  #window
  #targetId
  #call
  #link
  #attached
  #url = ''
  #destroyed = false
  #loading
  #openHandler = () => ({ action: 'allow' })
  id = ++lastId
  session = session.defaultSession

  constructor(window, preferences, size) {
    super()
    this.#window = window
    this.#link = new PageLink(preferences.preload, {
      onMessage: (channel, args) => ipcMain.emit(channel, this.#ipcEvent(), ...args),
      onPreloadError: (error) => this.emit('preload-error', {}, preferences.preload, error),
    })
    this.#attached = this.#attach(size)
    this.#attached.catch((error) => {
      if (!this.#destroyed) console.error(error)
    })
  }

  get mainFrame() {
    return loud('webFrameMain', { url: this.#url, origin: originOf(this.#url), parent: null })
  }

  getURL() {
    return this.#url
  }

  isDestroyed() {
    return this.#destroyed
  }

  setWindowOpenHandler(handler) {
    this.#openHandler = handler
  }

  postMessage(channel, message, ports = []) {
    if (this.#destroyed) throw new TypeError('Object has been destroyed')
    this.#link.send(channel, [message], ports)
  }

  async loadURL(url) {
    await this.#attached
    this.#loading = toBrowserUrl(url)
    const loaded = new Promise((resolve) => this.once('did-finish-load', resolve))
    const { errorText } = await this.#call('Page.navigate', { url: this.#loading })
    if (errorText !== undefined) throw new Error(`${errorText} loading '${url}'`)
    await loaded
  }

  reload() {
    void this.#call('Page.reload')
  }

  close() {
    this.#window.close()
  }

  async standinCloseTarget() {
    await this.#attached
    await state.chromium.devtools
      .call('Target.closeTarget', { targetId: this.#targetId })
      .catch((error) => console.error(error.message))
  }

  standinGone() {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#link.closePorts()
    this.emit('destroyed')
  }

  standinIsTarget(targetId) {
    return this.#targetId === targetId
  }

  async #attach(size) {
    const { devtools } = state.chromium
    const { targetId } = await devtools.call('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
      ...size,
    })
    this.#targetId = targetId
    const { sessionId } = await devtools.call('Target.attachToTarget', { targetId, flatten: true })
    const page = devtools.session(sessionId)
    this.#call = page.call
    this.#listen(page.events, devtools.browser)
    await devtools.call('Target.setDiscoverTargets', { discover: true })
    await applyPermissions(devtools, this)
    await page.call('Page.enable')
    await page.call('Runtime.enable')
    await this.#link.attach(page, targetId)
    await page.call('Fetch.enable', {
      patterns: [
        { urlPattern: '*', resourceType: 'Document' },
        { urlPattern: `https://*${SUFFIX}/*` },
      ],
    })
  }

  #listen(page, browser) {
    page.on('Page.frameNavigated', ({ frame }) => {
      if (frame.parentId !== undefined) return
      this.#url = toOwnUrl(frame.url)
      this.emit('did-navigate', {}, this.#url)
    })
    page.on('Page.loadEventFired', () => {
      if (this.#url !== 'about:blank') this.emit('did-finish-load')
    })
    page.on('Inspector.targetCrashed', () => {
      this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 })
    })
    page.on('Fetch.requestPaused', (event) => {
      this.#onRequest(event).catch((error) => {
        if (!this.#destroyed) console.error(error)
      })
    })
    browser.on('Target.targetDestroyed', ({ targetId }) => {
      if (targetId === this.#targetId) this.#window.standinGone()
    })
    browser.on('Target.targetCreated', ({ targetInfo }) => {
      this.#onTarget(targetInfo).catch((error) => console.error(error))
    })
  }

  async #onRequest({ requestId, request, resourceType, frameId }) {
    const url = toOwnUrl(request.url)
    if (
      resourceType === 'Document' &&
      !this.#mayNavigate(request.url, frameId === this.#targetId)
    ) {
      await this.#call('Fetch.failRequest', { requestId, errorReason: 'Aborted' })
      return
    }
    const handler = handlerFor(url)
    if (handler === undefined) {
      await this.#call('Fetch.continueRequest', { requestId })
      return
    }
    const response = await handler(new Request(url, { method: request.method }))
    await this.#call('Fetch.fulfillRequest', {
      requestId,
      responseCode: response.status,
      responseHeaders: [...response.headers].map(([name, value]) => ({ name, value })),
      body: Buffer.from(await response.arrayBuffer()).toString('base64'),
    })
  }

  /** Main's own loads are not asked about; what the page starts is. */
  #mayNavigate(browserUrl, isMainFrame) {
    if (isMainFrame && browserUrl === this.#loading) {
      this.#loading = undefined
      return true
    }
    const url = toOwnUrl(browserUrl)
    const event = preventable({ url, isMainFrame, frame: null })
    if (isMainFrame) this.emit('will-navigate', event, url)
    this.emit('will-frame-navigate', event)
    return !event.defaultPrevented
  }

  /** A page that no BrowserWindow made was opened by a page; a link may not say by which. */
  async #onTarget({ type, targetId, openerId, url }) {
    if (type !== 'page') return
    const contents = allContents()
    await Promise.allSettled(contents.map((each) => each.#attached))
    if (contents.some((each) => each.standinIsTarget(targetId))) return
    const opener = contents.find((each) => each.standinIsTarget(openerId)) ?? contents[0]
    if (opener !== this) return
    const details = { url: toOwnUrl(url), frameName: '', disposition: 'new-window' }
    if (this.#openHandler(details).action !== 'deny') {
      throw new Error('electron stand-in: windows that pages open are not provided')
    }
    await closeStranger(state.chromium.devtools, targetId)
  }

  #ipcEvent() {
    return loud('ipcMainEvent', { sender: this, senderFrame: this.mainFrame, ports: [] })
  }
}

/**
 * A tester's debugger may hold the new page before its first step, on the thread that it shares with
 * the page that opened it: closed like that, it would hold both for ever. So it runs on first.
 */
async function closeStranger(devtools, targetId) {
  const { sessionId } = await devtools.call('Target.attachToTarget', { targetId, flatten: true })
  await devtools.call('Runtime.runIfWaitingForDebugger', {}, sessionId)
  // An answer of any kind says that it has run.
  await devtools.call('Runtime.evaluate', { expression: '1' }, sessionId).catch(() => undefined)
  await devtools.call('Target.closeTarget', { targetId })
}

loudClass('webContents', WebContents)

const allContents = () => [...state.windows].map((window) => window.webContents)

const webContents = loud('webContents', {
  getAllWebContents: allContents,
  fromDevToolsTargetId: (targetId) =>
    allContents().find((contents) => contents.standinIsTarget(targetId)),
})

module.exports = { WebContents, webContents }
