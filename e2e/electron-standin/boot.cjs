// node [--inspect=0] boot.cjs [switches] APP [arguments]: what Electron's executable does with a
// command line. Answers `electron` imports with electron.cjs, loads the application's entry, and
// lets the application become ready once its entry has run.
const { readFileSync } = require('node:fs')
const Module = require('node:module')
const { join, resolve } = require('node:path')
const { pathToFileURL } = require('node:url')

const MODULE_FILE = join(__dirname, 'electron.cjs')

answerImportsOfElectron()
const { app } = require('electron')
const { state, start } = require('./main/state.cjs')

const args = process.argv.slice(2)
process.argv = [process.argv[0], ...args]
Object.defineProperty(process.versions, 'electron', { value: state.version, enumerable: true })
process.type = 'browser'
process.defaultApp = true

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => app.quit())

main().catch((error) => {
  console.error(error)
  process.exit(1)
})

async function main() {
  const named = args.find((argument) => !argument.startsWith('-'))
  if (named === undefined)
    throw new Error('electron stand-in: the command line names no application')
  const directory = resolve(named)
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  state.appPath = directory
  state.appName = manifest.productName ?? manifest.name
  state.appVersion = manifest.version
  await import(pathToFileURL(join(directory, manifest.main)).href)
  await start(app)
}

function answerImportsOfElectron() {
  const isElectron = (name) => name === 'electron' || name === 'electron/main'
  const resolveAsUsual = Module._resolveFilename
  Module._resolveFilename = function resolveFilename(name, ...rest) {
    return isElectron(name) ? MODULE_FILE : resolveAsUsual.call(this, name, ...rest)
  }
  // Imports of ES modules are resolved on a thread of Node's, which takes its hooks as a module.
  const url = JSON.stringify(pathToFileURL(MODULE_FILE).href)
  const hooks = `export function resolve(name, context, next) {
    const mine = name === 'electron' || name === 'electron/main'
    return mine ? { url: ${url}, shortCircuit: true } : next(name, context)
  }`
  Module.register(`data:text/javascript,${encodeURIComponent(hooks)}`)
}
