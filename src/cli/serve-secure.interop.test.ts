// `platter serve` behind TLS, and on a socket that somebody else opened for it.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeTlsKeys, type TlsKeys } from '../engine/io/tls-keys.test-helper'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { COMMAND, ensureBuilt, platter, RunningPlatter } from './command.test-helper'

let dir = ''
let image = ''
let keys: TlsKeys
const running: RunningPlatter[] = []
const isPossible = requirePeer('nbdinfo') && requirePeer('openssl')

beforeAll(async () => {
  await ensureBuilt()
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-secure-')))
  image = join(dir, 'disk.img')
  await writeFile(image, new Uint8Array(1024 * 1024).fill(0x11))
  if (isPossible) keys = await makeTlsKeys(dir)
}, 120_000)
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.end('SIGKILL')))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

function serve(...args: string[]): RunningPlatter {
  const server = new RunningPlatter(['serve', image, ...args], dir)
  running.push(server)
  return server
}

const info = (uri: string) => runPeer('nbdinfo', ['--json', uri])

describe.runIf(isPossible)('platter serve with keys', () => {
  it('prints an nbds address when TLS is required, and serves nothing in the clear', async () => {
    const socket = join(dir, 'psk.sock')
    const server = serve('--socket', socket, '--tls', 'require', '--tls-psk', keys.psk)
    const uri = await server.firstLine()
    expect(uri).toBe(`nbds+unix:///?socket=${socket}`)
    const withKey = uri.replace('///', '//alice@/').concat(`&tls-psk-file=${keys.psk}`)
    expect(JSON.parse((await info(withKey)).stdout)).toMatchObject({ TLS: true })
    expect(await info(uri.replace('nbds', 'nbd'))).toMatchObject({ status: 1 })
    expect(await server.end()).toMatchObject({ status: 0, stderr: '' })
  })

  it('prints an nbd address while TLS is only offered', async () => {
    const server = serve('--port', '0', '--tls-certificates', keys.server)
    const uri = await server.firstLine()
    expect(uri).toMatch(/^nbd:\/\/127\.0\.0\.1:\d+\/$/)
    expect(JSON.parse((await info(uri)).stdout)).toMatchObject({ TLS: false })
    const port = /:(\d+)\//.exec(uri)?.[1]
    const encrypted = await info(`nbds://localhost:${port}/?tls-certificates=${keys.bare}`)
    expect(JSON.parse(encrypted.stdout)).toMatchObject({ TLS: true })
  })

  it('lets in clients with a certificate of ours, and no others', async () => {
    const peers = ['--tls', 'require', '--tls-certificates', keys.server, '--tls-verify-peer']
    const uri = await serve('--port', '0', ...peers).firstLine()
    const port = /:(\d+)\//.exec(uri)?.[1]
    const as = (who: string) => info(`nbds://localhost:${port}/?tls-certificates=${who}`)
    expect(await as(keys.stranger)).toMatchObject({ status: 1 })
    expect(await as(keys.bare)).toMatchObject({ status: 1 })
    expect(await as(keys.good)).toMatchObject({ status: 0 })
  })

  it.each<[string, () => string[], RegExp]>([
    ['no keys', () => ['--tls', 'require'], /needs '--tls-certificates' or '--tls-psk'/],
    ['both', () => ['--tls-psk', 'a', '--tls-certificates', 'b'], /cannot be used with/],
    ['nobody to verify', () => ['--tls-psk', 'a', '--tls-verify-peer'], /--tls-verify-peer/],
    ['a file that is not there', () => ['--tls-psk', 'nowhere'], /nowhere/],
    ['an empty directory', () => ['--tls-certificates', join(dir, 'bare')], /server-cert\.pem/],
  ])('is refused with %s', async (_, args, why) => {
    const { status, stderr } = await platter(['serve', image, '--port', '0', ...args()])
    expect(status).not.toBe(0)
    expect(stderr).toMatch(why)
    expect(stderr.trim().split('\n').length).toBe(1)
  })
})

/** Listens, makes that its descriptor 3, and becomes the program that it is told, as systemd does. */
const LAUNCHER = `
import os, socket, sys
kind, place, *command = sys.argv[1:]
if kind == "unix":
    s = socket.socket(socket.AF_UNIX)
    s.bind(place)
else:
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
s.listen(16)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(command[0], command)
`

async function activate(kind: string, place: string, args: readonly string[]) {
  const command = [process.execPath, COMMAND, 'serve', image, ...args]
  const child = spawn('python3', ['-c', LAUNCHER, kind, place, ...command])
  let output = ''
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const line = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk
        if (output.includes('\n')) resolve(output.trim())
      })
    }
    void ended.then(() => resolve(output.trim()))
  })
  return {
    line: await line,
    end: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}

describe.runIf(isPossible && requirePeer('python3') && process.platform === 'linux')(
  'platter serve, activated',
  () => {
    it.each(['unix', 'tcp'])('listens on the %s socket that it was given', async (kind) => {
      const path = join(dir, 'activated')
      const server = await activate(kind, path, [])
      try {
        const uri = kind === 'unix' ? `nbd+unix:///?socket=${path}` : /^nbd:\/\/127\.0\.0\.1:\d+\/$/
        expect(server.line).toMatch(uri)
        const results = await Promise.all(
          [1, 2, 3].map(() => runPeer('nbdinfo', ['--size', server.line])),
        )
        expect(results.map(({ stdout }) => stdout.trim())).toEqual(Array(3).fill('1048576'))
      } finally {
        expect(await server.end()).toBe(0)
      }
      // It belongs to whoever made it.
      if (kind === 'unix') expect(existsSync(path)).toBe(true)
    })

    it('is not told another place to listen', async () => {
      const server = await activate('tcp', '', ['--port', '0'])
      expect(server.line).toMatch(/LISTEN_FDS/)
      expect(await server.end()).toBe(2)
    })
  },
)
