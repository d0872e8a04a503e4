// A connection to Chromium's DevTools protocol: calls with answers, and events by session.
const { EventEmitter } = require('node:events')
const WebSocket = require('ws')

const GONE = 'chromium is gone'

class DevTools {
  #socket
  #lastId = 0
  #calls = new Map()
  #sessions = new Map()
  /** Events that belong to the browser and to no page. */
  browser = new EventEmitter()

  constructor(socket) {
    this.#socket = socket
    socket.on('message', (text) => this.#onMessage(JSON.parse(text)))
    socket.on('close', () => {
      for (const waiting of this.#calls.values()) waiting.reject(new Error(GONE))
      this.#calls.clear()
    })
  }

  static async connect(url) {
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 256 * 1024 * 1024 })
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return new DevTools(socket)
  }

  call(method, params = {}, sessionId = undefined) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new Error(GONE))
        return
      }
      const id = ++this.#lastId
      this.#calls.set(id, { method, resolve, reject })
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    })
  }

  /** The events and calls of one attached target. */
  session(sessionId) {
    const events = new EventEmitter()
    this.#sessions.set(sessionId, events)
    return { events, call: (method, params) => this.call(method, params, sessionId) }
  }

  #onMessage(message) {
    if (message.id === undefined) {
      const events = this.#sessions.get(message.sessionId) ?? this.browser
      events.emit(message.method, message.params)
      return
    }
    const waiting = this.#calls.get(message.id)
    this.#calls.delete(message.id)
    if (waiting === undefined) return
    if (message.error === undefined) waiting.resolve(message.result)
    else waiting.reject(new Error(`${waiting.method}: ${message.error.message}`))
  }
}

module.exports = { DevTools }
