// What belongs to the machine around the application, as far as a test can look at it.
const { EventEmitter } = require('node:events')
const { loud } = require('../loud.cjs')

const crashReporter = loud('crashReporter', {
  start(options) {
    if (options.uploadToServer !== false) throw new Error('electron stand-in: crashes stay here')
  },
})

const nativeTheme = loud(
  'nativeTheme',
  Object.assign(new EventEmitter(), { themeSource: 'system', shouldUseDarkColors: false }),
)

const blockers = new Map()
let lastBlocker = 0

const powerSaveBlocker = loud('powerSaveBlocker', {
  start(type) {
    blockers.set(++lastBlocker, type)
    return lastBlocker
  },
  stop: (id) => blockers.delete(id),
  isStarted: (id) => blockers.has(id),
  standinRunning: () => [...blockers.values()],
})

module.exports = { crashReporter, nativeTheme, powerSaveBlocker }
