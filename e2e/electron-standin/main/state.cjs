// What the parts of the stand-in share: one process is one application.
const { startChromium } = require('../chromium.cjs')

const state = {
  version: '45.4.1-standin',
  appPath: process.cwd(),
  appName: 'app',
  appVersion: '0.0.0',
  /** Set from ready on. */
  chromium: undefined,
  ready: false,
  quitting: false,
  windows: new Set(),
}

/** Chromium is up before `ready`, as it is in Electron. */
async function start(app) {
  if (state.quitting) return
  state.chromium = await startChromium(1280, 800)
  process.stderr.write(`${state.chromium.announcement}\n`)
  void state.chromium.ended.then(() => {
    if (!state.quitting) process.exit(1)
  })
  state.ready = true
  app.emit('ready', {}, {})
}

/** An event object whose default the listeners may prevent. */
function preventable(fields = {}) {
  const event = {
    ...fields,
    defaultPrevented: false,
    preventDefault: () => {
      event.defaultPrevented = true
    },
  }
  return event
}

module.exports = { state, start, preventable }
