// `npm start [image…]`: builds, then opens the images, or the sample image when none is named.
// Electron's binary comes with the first run, where there is a display to use it on and a network to
// fetch it from; wherever that does not work out, the page opens in a browser instead and says why.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const images = process.argv.slice(2)
const FETCH_TIMEOUT_MS = 120_000

const run = (script, args, options = {}) =>
  spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
    ...options,
  })

const hasDisplay =
  process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY
if (hasDisplay && !existsSync(join(root, 'node_modules/electron/path.txt'))) {
  run('node_modules/electron/install.js', [], { timeout: FETCH_TIMEOUT_MS })
}
const built = run('node_modules/electron-vite/bin/electron-vite.js', [
  'build',
  '--logLevel',
  'warn',
])
if (built.status !== 0) process.exit(1)

// The images are looked up from where the person stands, not from here. In this same process, so that
// a signal to it reaches the host.
process.chdir(process.env.INIT_CWD ?? process.cwd())
const opened = images.length > 0 ? images : ['sample:']
process.argv = [process.execPath, 'platter', 'open', ...opened]
await import('../bin/platter.mjs')
