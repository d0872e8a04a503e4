// MessageChannelMain. Messages are packed when they are posted, so that what cannot be cloned throws at
// the caller. A port that was given to a page is a mailbox for the text that crosses.
const { EventEmitter } = require('node:events')
const { loudClass } = require('../loud.cjs')
require('../clone.js')

const { pack, unpack } = globalThis.standinClone

class MessagePortMain extends EventEmitter {
  #waiting = []
  #started = false
  #closed = false
  #peer
  /** Set when the port went to a page: takes the packed message there; undefined says `closed`. */
  #courier

  static standinPair() {
    const first = new MessagePortMain()
    const second = new MessagePortMain()
    first.#peer = second
    second.#peer = first
    return [first, second]
  }

  postMessage(message, transfer = []) {
    if (transfer.length > 0)
      throw new TypeError('Invalid value for transfer: no ports in ports here')
    if (!this.#closed) this.#peer.standinDeliver(pack(message))
  }

  start() {
    this.#started = true
    this.#flush()
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    const peer = this.#peer
    queueMicrotask(() => peer.standinPeerClosed())
  }

  /** From now on this end lives in a page; what was posted to it before goes there first. */
  standinMoveToPage(courier) {
    this.#courier = courier
    for (const packed of this.#waiting.splice(0)) courier(packed)
  }

  /** The page posted through its end. */
  standinPostPacked(packed) {
    if (!this.#closed) this.#peer.standinDeliver(packed)
  }

  standinDeliver(packed) {
    if (this.#courier !== undefined) {
      this.#courier(packed)
      return
    }
    this.#waiting.push(packed)
    this.#flush()
  }

  standinPeerClosed() {
    if (this.#closed) return
    this.#closed = true
    if (this.#courier !== undefined) this.#courier(undefined)
    else this.emit('close')
  }

  #flush() {
    if (!this.#started) return
    for (const packed of this.#waiting.splice(0)) {
      setImmediate(() => {
        if (!this.#closed) this.emit('message', { data: unpack(packed), ports: [] })
      })
    }
  }
}

loudClass('MessagePortMain', MessagePortMain)

class MessageChannelMain {
  constructor() {
    const [port1, port2] = MessagePortMain.standinPair()
    this.port1 = port1
    this.port2 = port2
  }
}

module.exports = { MessageChannelMain }
