// `npm run package`: the unpacked application in dist/, for the machine that it runs on. It needs
// Electron's binary, which the npm package does not bring: it is fetched when Electron first runs.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const electron = join(root, 'node_modules', 'electron')
const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(electron, 'dist')

function binary() {
  const named = join(electron, 'path.txt')
  const name = existsSync(named) ? readFileSync(named, 'utf8').trim() : 'electron'
  return join(dist, name)
}

if (!existsSync(binary())) {
  console.error(
    `package: there is no Electron binary at ${binary()}: \`npx install-electron\` fetches it, ` +
      'and ELECTRON_OVERRIDE_DIST_PATH names a directory that has one',
  )
  process.exit(1)
}
const packed = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'electron-builder', 'cli.js'),
    '--dir',
    '--publish=never',
    `-c.electronDist=${dist}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
)
process.exit(packed.status ?? 1)
