// `protocol` and `session`. Chromium does not know schemes of ours, so a page of scheme://host stands at
// https://host.scheme.standin.invalid in the browser; main sees only its own spelling.
const { EventEmitter } = require('node:events')
const { loud, loudClass } = require('../loud.cjs')
const { state } = require('./state.cjs')

const SUFFIX = '.standin.invalid'
const privileged = new Set()
const handlers = new Map()

const protocol = loud('protocol', {
  registerSchemesAsPrivileged(schemes) {
    if (state.ready) throw new Error('protocol.registerSchemesAsPrivileged: app is ready already')
    for (const { scheme, privileges } of schemes) {
      if (!privileges.standard || !privileges.secure) {
        throw new Error(`electron stand-in: ${scheme}: only standard, secure schemes are provided`)
      }
      privileged.add(scheme)
    }
  },
  handle(scheme, handler) {
    if (!privileged.has(scheme)) throw new Error(`electron stand-in: ${scheme} was not registered`)
    if (handlers.has(scheme)) throw new Error(`Failed to register protocol: ${scheme}`)
    handlers.set(scheme, handler)
  },
})

class Session extends EventEmitter {
  protocol = protocol
  standinPermissionRequest = undefined
  standinPermissionCheck = undefined

  setPermissionRequestHandler(handler) {
    this.standinPermissionRequest = handler
  }

  setPermissionCheckHandler(handler) {
    this.standinPermissionCheck = handler
  }
}

loudClass('session', Session)
const session = loud('session', { defaultSession: new Session() })

/** platter://app/index.html -> where Chromium finds it. */
function toBrowserUrl(url) {
  const parsed = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/.exec(url)
  if (parsed === null || !privileged.has(parsed[1])) return url
  return `https://${parsed[2]}.${parsed[1]}${SUFFIX}${parsed[3]}`
}

/** And back, for everything that main is told. */
function toOwnUrl(url) {
  const parsed = /^https:\/\/([^/]+)\.([a-z0-9+-]+)\.standin\.invalid(.*)$/.exec(url)
  return parsed === null ? url : `${parsed[2]}://${parsed[1]}${parsed[3]}`
}

/** What the origin of such an address reads as; `null` for about:blank and its like. */
function originOf(ownUrl) {
  const parsed = /^([a-z][a-z0-9+.-]*:\/\/[^/]+)/.exec(ownUrl)
  return parsed === null || ownUrl.startsWith('file:') ? 'null' : parsed[1]
}

/** The handler of an address, for pages: undefined when it is of no scheme of ours. */
function handlerFor(ownUrl) {
  return handlers.get(ownUrl.slice(0, ownUrl.indexOf(':')))
}

module.exports = { protocol, session, toBrowserUrl, toOwnUrl, originOf, handlerFor, SUFFIX }
