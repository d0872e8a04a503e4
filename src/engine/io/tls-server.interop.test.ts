// Our server under encrypted clients of others: libnbd and qemu, both of which speak through GnuTLS.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { MemoryDisk } from '../disk/memory-disk'
import { ExportRegistry } from '../nbd/export-registry'
import { NbdServer } from '../nbd/nbd-server'
import type { ListenAddress } from '../nbd/transport'
import { requirePeer, runPeer } from '../testing/peer-process'
import { listenTransport } from './listen-transport'
import { systemClock } from './system-clock'
import type { TlsKeys } from './tls-keys.test-helper'
import { makeTlsKeys } from './tls-keys.test-helper'
import type { TlsServerOptions } from './tls-server'
import { tlsServer } from './tls-server'

const MiB = 1 << 20

let dir = ''
let keys: TlsKeys
const isPossible = requirePeer('nbdinfo') && requirePeer('openssl')

beforeAll(async () => {
  if (!isPossible) return
  dir = await mkdtemp(join(tmpdir(), 'platter-tls-'))
  keys = await makeTlsKeys(dir)
})

afterAll(() => rm(dir, { recursive: true, force: true }))

interface Served {
  readonly bytes: Uint8Array
  readonly port: number
  readonly socket: string
  readonly failures: string[]
  readonly server: NbdServer
}

async function withTls(
  options: Omit<TlsServerOptions, 'mode'> & { readonly mode?: TlsServerOptions['mode'] },
  test: (served: Served) => Promise<void>,
): Promise<void> {
  const bytes = new Prng(7).fill(new Uint8Array(4 * MiB))
  bytes.fill(0, MiB, 2 * MiB)
  const exports = new ExportRegistry()
  exports.add({ name: '', disk: MemoryDisk.from(bytes), readOnly: false })
  const failures: string[] = []
  const server = new NbdServer({
    exports,
    clock: systemClock,
    tls: await tlsServer({ mode: 'required', ...options }),
    onClientGone: (_, error) => {
      if (error !== undefined) failures.push(error.message)
    },
  })
  const place = await mkdtemp(join(dir, 'socket-'))
  const socket = join(place, 's')
  const accept = (address: ListenAddress) => listenTransport(address, (t) => server.accept(t))
  const listeners = [
    await accept({ kind: 'unix', path: socket }),
    await accept({ kind: 'tcp', host: '127.0.0.1', port: 0 }),
  ]
  const bound = listeners[1]?.address
  const port = bound?.kind === 'tcp' ? bound.port : 0
  try {
    await test({ bytes, port, socket, failures, server })
  } finally {
    for (const listener of listeners) await listener.close()
    await server.shutdown(2000)
  }
}

async function succeeds(command: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runPeer(command, args, { timeoutMs: 30_000 })
  expect(`${command}: ${status} ${stderr}`).toMatch(/^[a-z-]+: 0 /)
  return stdout
}

async function fails(command: string, ...args: string[]): Promise<string> {
  const { status, stderr } = await runPeer(command, args, { timeoutMs: 30_000 })
  expect(status).toBe(1)
  return stderr
}

const x509Uri = (port: number, certificates: string) =>
  `nbds://localhost:${port}/?tls-certificates=${certificates}`
const pskUri = (socket: string, user: string, file: string) =>
  `nbds+unix://${user}@/?socket=${socket}&tls-psk-file=${file}`

describe.runIf(isPossible)('our server with certificates', () => {
  it('is read and written by libnbd', () =>
    withTls({ certificates: keys.server }, async ({ bytes, port, failures }) => {
      const uri = x509Uri(port, keys.bare)
      const info = JSON.parse(await succeeds('nbdinfo', '--json', uri))
      expect(info).toMatchObject({ TLS: true, structured: true })
      const copy = join(dir, 'copy')
      await succeeds('nbdcopy', uri, copy)
      expect(Buffer.compare(await readFile(copy), bytes)).toBe(0)
      const written = new Prng(8).fill(new Uint8Array(4 * MiB))
      await writeFile(copy, written)
      await succeeds('nbdcopy', copy, uri)
      await succeeds('nbdcopy', uri, `${copy}2`)
      expect(Buffer.compare(await readFile(`${copy}2`), written)).toBe(0)
      expect(failures).toEqual([])
    }))

  it.runIf(requirePeer('qemu-img'))('is converted and compared by qemu-img', () =>
    withTls({ certificates: keys.server, verifyPeer: true }, async ({ bytes, port }) => {
      const creds = ['--object', `tls-creds-x509,id=t,endpoint=client,dir=${keys.good}`]
      const source = `driver=nbd,host=localhost,port=${port},tls-creds=t`
      const target = join(dir, 'converted')
      await succeeds('qemu-img', 'convert', ...creds, '--image-opts', source, '-O', 'raw', target)
      expect(Buffer.compare(await readFile(target), bytes)).toBe(0)
    }),
  )

  it('tells a client in the clear to come with TLS, and does not say what it has', () =>
    withTls({ certificates: keys.server }, async ({ port }) => {
      const uri = `nbd://localhost:${port}/`
      // libnbd's words for NBD_REP_ERR_TLS_REQD.
      expect(await fails('nbdinfo', uri)).toMatch(/Operation not supported/)
      expect(await fails('nbdinfo', '--list', uri)).toMatch(/not supported/i)
      if (!requirePeer('qemu-img')) return
      expect(await fails('qemu-img', 'info', uri)).toMatch(/TLS/)
    }))

  it('is refused by a client that trusts another authority', () =>
    withTls({ certificates: keys.server }, async ({ port, server }) => {
      const distrust = join(dir, 'other')
      expect(await fails('nbdinfo', x509Uri(port, distrust))).toMatch(/certificate/i)
      await succeeds('nbdinfo', x509Uri(port, keys.bare))
      expect(server.clients).toEqual([])
    }))

  it('lets in only clients of its authority when told to verify them', () =>
    withTls({ certificates: keys.server, verifyPeer: true }, async ({ port }) => {
      await succeeds('nbdinfo', x509Uri(port, keys.good))
      for (const stranger of [keys.bare, keys.stranger]) {
        await fails('nbdinfo', x509Uri(port, stranger))
      }
      await succeeds('nbdinfo', x509Uri(port, keys.good))
    }))

  it('serves in the clear as well when TLS is optional', () =>
    withTls({ certificates: keys.server, mode: 'optional' }, async ({ port }) => {
      const clear = JSON.parse(await succeeds('nbdinfo', '--json', `nbd://localhost:${port}/`))
      const encrypted = JSON.parse(await succeeds('nbdinfo', '--json', x509Uri(port, keys.bare)))
      expect([clear.TLS, encrypted.TLS]).toEqual([false, true])
    }))
})

describe.runIf(isPossible)('our server with shared keys', () => {
  it('is read by libnbd and qemu-img, over a Unix socket and TCP', () =>
    withTls({ pskFile: keys.psk }, async ({ bytes, socket, port }) => {
      const uri = pskUri(socket, 'alice', keys.psk)
      expect(JSON.parse(await succeeds('nbdinfo', '--json', uri)).TLS).toBe(true)
      const overTcp = `nbds://alice@localhost:${port}/?tls-psk-file=${keys.psk}`
      const copy = join(dir, 'psk-copy')
      await succeeds('nbdcopy', overTcp, copy)
      expect(Buffer.compare(await readFile(copy), bytes)).toBe(0)
      if (!requirePeer('qemu-img')) return
      const place = join(dir, 'qemu')
      await mkdir(place)
      await writeFile(join(place, 'keys.psk'), await readFile(keys.psk))
      const creds = ['--object', `tls-creds-psk,id=t,endpoint=client,dir=${place},username=alice`]
      const source = `driver=nbd,path=${socket},tls-creds=t`
      const target = join(dir, 'psk-converted')
      await succeeds('qemu-img', 'convert', ...creds, '--image-opts', source, '-O', 'raw', target)
      expect(Buffer.compare(await readFile(target), bytes)).toBe(0)
    }))

  it('refuses a wrong key and a user that it does not know', () =>
    withTls({ pskFile: keys.psk }, async ({ socket }) => {
      await fails('nbdinfo', pskUri(socket, 'alice', keys.wrongPsk))
      const mallory = join(dir, 'mallory.psk')
      await writeFile(mallory, (await readFile(keys.psk, 'utf8')).replaceAll('alice', 'mallory'))
      await fails('nbdinfo', pskUri(socket, 'mallory', mallory))
      await succeeds('nbdinfo', pskUri(socket, 'alice', keys.psk))
    }))
})

describe.runIf(isPossible)('keys that will not do', () => {
  it.each<[string, () => Omit<TlsServerOptions, 'mode'>, string, RegExp]>([
    ['none', () => ({}), 'BAD_REQUEST', /either a directory/],
    [
      'a directory without them',
      () => ({ certificates: keys.bare }),
      'NOT_FOUND',
      /server-cert\.pem/,
    ],
    ['a user without a key', () => ({ pskFile: join(dir, 'bad.psk') }), 'BAD_REQUEST', /line 2 is/],
    ['no user', () => ({ pskFile: join(dir, 'empty.psk') }), 'BAD_REQUEST', /no key in it/],
    ['another key', () => ({ certificates: join(dir, 'mixed') }), 'BAD_REQUEST', /not usable/],
    [
      'verification with PSK',
      () => ({ pskFile: keys.psk, verifyPeer: true }),
      'BAD_REQUEST',
      /no certificate/,
    ],
  ])('are refused at the start, and never repeated: %s', async (_, options, code, message) => {
    await writeFile(join(dir, 'bad.psk'), 'alice:aabb\nsecret-bob:xyz\n')
    await writeFile(join(dir, 'empty.psk'), '\n')
    await mkdir(join(dir, 'mixed'), { recursive: true })
    await writeFile(
      join(dir, 'mixed', 'server-cert.pem'),
      await readFile(join(keys.server, 'server-cert.pem')),
    )
    await writeFile(
      join(dir, 'mixed', 'server-key.pem'),
      await readFile(join(keys.good, 'client-key.pem')),
    )
    const refusal = tlsServer({ mode: 'required', ...options() })
    await expect(refusal).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    await expect(refusal).rejects.not.toMatchObject({ message: expect.stringMatching(/bob|xyz/) })
  })
})
