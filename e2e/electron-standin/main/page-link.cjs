// Between main and the preload's world of one page: text both ways, in order. Down goes a call of
// `standinReceive`, up comes a call of the binding `standinSend`; page/preload-world.js is the other end.
const { randomBytes } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { state } = require('./state.cjs')
require('../clone.js')

const { pack, unpack } = globalThis.standinClone
const BINDING = 'standinSend'
const source = (...parts) => readFileSync(join(__dirname, '..', ...parts), 'utf8')

class PageLink {
  #preload
  #events
  #call
  #contextId
  #ports = new Map()
  #lastPort = 0

  constructor(preload, events) {
    this.#preload = preload
    this.#events = events
  }

  async attach(page, frameId) {
    if (this.#preload === undefined) return
    this.#call = page.call
    // A fresh name for each window: a page cannot guess the events between its worlds.
    const world = `standin-${randomBytes(8).toString('hex')}`
    page.events.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.name !== world || context.auxData.frameId !== frameId) return
      this.closePorts()
      this.#contextId = context.id
    })
    page.events.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === BINDING) this.#onText(JSON.parse(payload))
    })
    page.events.on('Runtime.exceptionThrown', ({ exceptionDetails }) => {
      const { text, exception } = exceptionDetails
      console.error(`page: ${text} ${exception?.description ?? ''}`)
    })
    await page.call('Runtime.addBinding', { name: BINDING, executionContextName: world })
    const fill = (text) =>
      text.replaceAll('$EVENT$', world).replaceAll('$PLATFORM$', process.platform)
    await page.call('Page.addScriptToEvaluateOnNewDocument', {
      source: fill(source('page', 'context-bridge.js')),
    })
    await page.call('Page.addScriptToEvaluateOnNewDocument', {
      worldName: world,
      source: this.#preloadSource(fill),
    })
  }

  send(channel, args, ports) {
    const ids = ports.map((port) => this.#adopt(port))
    this.#post({ kind: 'message', channel, args: pack(args), ports: ids })
  }

  /** The document is gone, and with it the page's ends of all ports. */
  closePorts() {
    for (const port of this.#ports.values()) port.close()
    this.#ports.clear()
  }

  #preloadSource(fill) {
    if (!/\.c?js$/.test(this.#preload)) {
      throw new Error(`electron stand-in: ${this.#preload}: a sandboxed preload is a CommonJS file`)
    }
    const preload = readFileSync(this.#preload, 'utf8')
    return fill(source('page', 'preload-world.js'))
      .replace('/* CLONE */', () => source('clone.js'))
      .replace('/* PRELOAD */', () => preload)
  }

  #adopt(port) {
    const id = ++this.#lastPort
    this.#ports.set(id, port)
    port.standinMoveToPage((packed) => {
      if (!this.#ports.has(id)) return
      this.#post(packed === undefined ? { kind: 'closed', id } : { kind: 'posted', id, packed })
    })
    return id
  }

  #post(message) {
    this.#call('Runtime.callFunctionOn', {
      functionDeclaration: '(text) => standinReceive(text)',
      arguments: [{ value: JSON.stringify(message) }],
      executionContextId: this.#contextId,
    }).then(
      ({ exceptionDetails }) => {
        if (exceptionDetails !== undefined) console.error(exceptionDetails.exception?.description)
      },
      (error) => {
        // A page that just went away, as any page may.
        if (process.env.STANDIN_DEBUG !== undefined && !state.quitting) console.error(error.message)
      },
    )
  }

  #onText(message) {
    const port = this.#ports.get(message.id)
    if (message.kind === 'message') this.#events.onMessage(message.channel, unpack(message.args))
    else if (message.kind === 'posted') port?.standinPostPacked(message.packed)
    else if (message.kind === 'closed') port?.close()
    else if (message.kind === 'preload-error') {
      console.error(`Unable to load preload script: ${message.text}`)
      this.#events.onPreloadError(new Error(message.text))
    }
  }
}

module.exports = { PageLink }
