// `app`: becoming ready, quitting in Electron's order, paths, and one instance for each user data folder.
const { EventEmitter, once } = require('node:events')
const os = require('node:os')
const { join } = require('node:path')
const { loudClass } = require('../loud.cjs')
const { SingleInstance } = require('./single-instance.cjs')
const { preventable, state } = require('./state.cjs')

class App extends EventEmitter {
  #paths = new Map()
  #instance
  /** What tests look at: the documents that the application told the system about. */
  standinRecentDocuments = []
  isPackaged = false
  commandLine = { getSwitchValue, hasSwitch: (name) => getSwitchValue(name) !== '' }

  isReady() {
    return state.ready
  }

  async whenReady() {
    if (!state.ready) await once(this, 'ready')
  }

  enableSandbox() {
    if (state.ready) throw new Error('app.enableSandbox() can only be called before app is ready')
  }

  getAppPath() {
    return state.appPath
  }

  getName() {
    return state.appName
  }

  getVersion() {
    return state.appVersion
  }

  getPath(name) {
    const known = this.#paths.get(name)
    if (known !== undefined) return known
    if (name === 'home') return os.homedir()
    if (name === 'temp') return os.tmpdir()
    if (name === 'userData') return join(os.homedir(), '.config', state.appName)
    throw new Error(`electron stand-in: app.getPath('${name}') is not provided`)
  }

  setPath(name, path) {
    this.#paths.set(name, path)
  }

  setAppUserModelId() {}

  addRecentDocument(path) {
    this.standinRecentDocuments.push(path)
  }

  requestSingleInstanceLock(additionalData = {}) {
    this.#instance ??= new SingleInstance(this.getPath('userData'))
    return this.#instance.request(additionalData, (argv, cwd, data) => {
      this.emit('second-instance', {}, argv, cwd, data)
    })
  }

  /** before-quit, then `close` of every window; whoever prevents one of them stops the quit. */
  quit() {
    if (state.quitting) return
    const beforeQuit = preventable()
    this.emit('before-quit', beforeQuit)
    if (beforeQuit.defaultPrevented) return
    for (const window of [...state.windows]) {
      if (!window.standinMayClose()) return
    }
    const willQuit = preventable()
    this.emit('will-quit', willQuit)
    if (!willQuit.defaultPrevented) void this.#end(0)
  }

  /** At once: nobody is asked. */
  exit(code = 0) {
    void this.#end(code)
  }

  async #end(code) {
    if (state.quitting) return
    state.quitting = true
    for (const window of [...state.windows]) window.standinGone()
    this.emit('quit', {}, code)
    this.#instance?.release()
    await state.chromium?.close()
    process.exit(code)
  }
}

function getSwitchValue(name) {
  const prefix = `--${name}=`
  return process.argv.find((argument) => argument.startsWith(prefix))?.slice(prefix.length) ?? ''
}

loudClass('app', App)
module.exports = { app: new App() }
