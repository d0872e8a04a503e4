// The lock behind app.requestSingleInstanceLock(): a Unix socket named after the user data folder. Who
// finds somebody listening hands over its command line and does not get the lock. Electron answers
// synchronously, so the asking is done by a short-lived child.
const { spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { rmSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const HAND_OVER_LIMIT_MS = 5_000

const HAND_OVER = `
const socket = require('node:net').connect(process.argv[1])
socket.on('error', () => process.exit(1))
socket.on('connect', () => socket.end(process.argv[2]))
socket.on('close', () => process.exit(0))
`

class SingleInstance {
  #path
  #server

  constructor(userData) {
    const name = createHash('sha256').update(userData).digest('hex').slice(0, 16)
    this.#path = join(tmpdir(), `electron-standin-${name}.sock`)
  }

  request(additionalData, onSecondInstance) {
    if (this.#server !== undefined) return true
    const message = JSON.stringify({ argv: process.argv, cwd: process.cwd(), additionalData })
    const asked = spawnSync(process.execPath, ['-e', HAND_OVER, '--', this.#path, message], {
      timeout: HAND_OVER_LIMIT_MS,
    })
    if (asked.status === 0) return false
    rmSync(this.#path, { force: true })
    this.#server = net.createServer((socket) => {
      let text = ''
      socket.setEncoding('utf8')
      socket.on('data', (part) => {
        text += part
      })
      socket.on('end', () => {
        const { argv, cwd, additionalData: data } = JSON.parse(text)
        onSecondInstance(argv, cwd, data)
      })
      socket.on('error', (error) => console.error(error))
    })
    this.#server.listen(this.#path)
    this.#server.unref()
    return true
  }

  release() {
    this.#server?.close()
  }
}

module.exports = { SingleInstance }
