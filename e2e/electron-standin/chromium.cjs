// Starts a headless Chromium that belongs to one stand-in process, and ends it again.
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { createInterface } = require('node:readline')
const { DevTools } = require('./devtools.cjs')

const EXECUTABLE = process.env.PLATTER_CHROMIUM ?? '/usr/bin/chromium'
const START_LIMIT_MS = 30_000
const CLOSE_LIMIT_MS = 2_000

const SWITCHES = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-startup-window',
  '--remote-debugging-port=0',
  // nothing leaves the machine
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--password-store=basic',
  // pictures that are the same on every machine
  '--force-color-profile=srgb',
  '--hide-scrollbars=false',
]

async function startChromium(width, height) {
  const profile = mkdtempSync(join(tmpdir(), 'electron-standin-'))
  const child = spawn(
    EXECUTABLE,
    [...SWITCHES, `--window-size=${width},${height}`, `--user-data-dir=${profile}`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = once(child, 'exit')
  process.once('exit', () => child.kill())
  const announcement = await announcementOf(child)
  const devtools = await DevTools.connect(announcement.split(' ').at(-1))

  async function close() {
    // A browser that is asked while a page still opens does not always answer, nor end.
    const limit = setTimeout(() => child.kill('SIGKILL'), CLOSE_LIMIT_MS)
    devtools.call('Browser.close').catch(() => child.kill())
    await ended
    clearTimeout(limit)
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return { devtools, announcement, ended, close }
}

/** The line in which Chromium says where it listens; Playwright waits for the same one. */
function announcementOf(child) {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill()
      reject(new Error(`${EXECUTABLE}: said nothing for ${START_LIMIT_MS} ms`))
    }, START_LIMIT_MS)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${EXECUTABLE}: ended at once with ${code}`)))
    createInterface(child.stderr).on('line', (line) => {
      if (process.env.STANDIN_DEBUG !== undefined) process.stderr.write(`chromium: ${line}\n`)
      if (!line.startsWith('DevTools listening on ws://')) return
      clearTimeout(limit)
      resolve(line)
    })
  })
}

module.exports = { startChromium }
