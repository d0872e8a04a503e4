// Runs in the preload's world: `require('electron')` as a sandboxed preload script sees it, and then the
// built preload script as it stands. Filled in by main/page-link.cjs.
;(() => {
  if (window !== window.top) return
  /* CLONE */
  const { pack, unpack } = globalThis.standinClone
  const TO_PAGE = '$EVENT$:page'
  const TO_PRELOAD = '$EVENT$:preload'

  function missing(label) {
    return new Proxy(Object.prototype, {
      get(target, key, receiver) {
        if (key in target || typeof key === 'symbol') return Reflect.get(target, key, receiver)
        throw new Error(`electron stand-in: ${label}.${key} is not provided`)
      },
    })
  }
  const loud = (label, object) => Object.setPrototypeOf(object, missing(label))

  // --- contextBridge: an object of plain values and of functions that answer at once

  const exposed = new Map()
  const tellPage = (detail) => window.dispatchEvent(new CustomEvent(TO_PAGE, { detail }))

  window.addEventListener(TO_PRELOAD, ({ detail }) => {
    try {
      const value = exposed.get(detail.path)(...detail.args)
      if (value instanceof Promise)
        throw new Error('electron stand-in: no promises over the bridge')
      tellPage({ kind: 'answer', value })
    } catch (error) {
      tellPage({ kind: 'answer', error: error.message })
    }
  })

  const contextBridge = loud('contextBridge', {
    exposeInMainWorld(key, api) {
      const entries = Object.entries(api)
      const functions = entries.filter(([, value]) => typeof value === 'function')
      for (const [name, call] of functions) exposed.set(`${key}.${name}`, call)
      tellPage({
        kind: 'expose',
        key,
        functions: functions.map(([name]) => name),
        values: Object.fromEntries(entries.filter(([, value]) => typeof value !== 'function')),
      })
    },
  })

  // --- ipcRenderer: messages to main, and ports that come from there

  const tellMain = (message) => globalThis.standinSend(JSON.stringify(message))
  const listeners = new Map()
  const ports = new Map()

  const ipcRenderer = loud('ipcRenderer', {
    send: (channel, ...args) => tellMain({ kind: 'message', channel, args: pack(args) }),
    on(channel, listener) {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      return ipcRenderer
    },
  })

  function adoptPort(id) {
    const { port1, port2 } = new MessageChannel()
    ports.set(id, port2)
    port2.onmessage = ({ data }) => tellMain({ kind: 'posted', id, packed: pack(data) })
    port2.addEventListener('close', () => tellMain({ kind: 'closed', id }))
    return port1
  }

  globalThis.standinReceive = (text) => {
    const message = JSON.parse(text)
    if (message.kind === 'posted') ports.get(message.id)?.postMessage(unpack(message.packed))
    else if (message.kind === 'closed') ports.get(message.id)?.close()
    else if (message.kind === 'message') {
      const event = loud('ipcRendererEvent', { ports: message.ports.map(adoptPort) })
      for (const listener of listeners.get(message.channel) ?? []) {
        listener(event, ...unpack(message.args))
      }
    }
  }

  // --- webUtils: Chromium tells nobody the path of a file; a test does, by name, with an event

  const paths = new Map()
  window.addEventListener('standin-file-path', ({ detail }) => paths.set(detail.name, detail.path))
  const webUtils = loud('webUtils', { getPathForFile: (file) => paths.get(file.name) ?? '' })

  // --- what else a sandboxed preload script finds

  const electron = loud('electron', { contextBridge, ipcRenderer, webUtils })
  function requireFromPreload(name) {
    if (name === 'electron' || name === 'electron/renderer') return electron
    throw new Error(`module not found: ${name}`)
  }
  const processForPreload = loud('process', {
    type: 'renderer',
    sandboxed: true,
    contextIsolated: true,
    platform: '$PLATFORM$',
  })

  try {
    // biome-ignore lint/correctness/noUnusedFunctionParameters: for the script that is pasted in here
    ;((require, module, exports, process) => {
      /* PRELOAD */
    })(requireFromPreload, { exports: {} }, {}, processForPreload)
  } catch (error) {
    tellMain({ kind: 'preload-error', text: String(error?.stack ?? error) })
  }
})()
