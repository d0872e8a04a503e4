#!/usr/bin/env node
// The `platter` command: runs the built command line, and builds it first in a checkout where nobody
// has yet. What the build prints goes to stderr, so that stdout holds only what was asked for.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const entry = join(root, 'out', 'main', 'cli.js')

if (!existsSync(entry)) {
  process.stderr.write('platter: first run in this checkout, building\n')
  const electronVite = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  const built = spawnSync(process.execPath, [electronVite, 'build', '--logLevel', 'warn'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (built.status !== 0) {
    process.stderr.write('platter: the build failed: run `npm ci` and `npm run build` to see why\n')
    process.exit(1)
  }
}
await import(pathToFileURL(entry).href)
