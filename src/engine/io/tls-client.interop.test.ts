// TLS against the servers of others: nbdkit with certificates and with keys, qemu-nbd with certificates.
// Certificates are made by openssl in a fresh directory.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listNbdExports } from '../nbd/list-exports'
import type { NbdDisk } from '../nbd/nbd-disk'
import { openNbdDisk } from '../nbd/nbd-disk'
import { parseNbdUri } from '../nbd/uri'
import { expectCode } from '../testing/expect-disk'
import {
  isListening,
  PeerProcess,
  requirePeer,
  runPeer,
  withTempDir,
} from '../testing/peer-process'
import { dialTransport } from './dial-transport'
import { systemClock } from './system-clock'
import { tlsClient } from './tls-client'

async function openssl(dir: string, ...args: readonly string[]): Promise<void> {
  const { status, stderr } = await runPeer('openssl', args, { cwd: dir })
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`)
}

const makeKey = (dir: string, name: string) =>
  openssl(dir, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}-key.pem`)

async function makeAuthority(dir: string): Promise<void> {
  await mkdir(dir)
  await makeKey(dir, 'ca')
  const subject = ['-subj', '/CN=Platter tests', '-days', '2']
  await openssl(
    dir,
    'req',
    '-x509',
    '-new',
    '-key',
    'ca-key.pem',
    ...subject,
    '-out',
    'ca-cert.pem',
  )
}

/** `NAME-cert.pem` and its key, signed by the authority in the same directory. */
async function makeCertificate(dir: string, name: string, host: string): Promise<void> {
  await makeKey(dir, name)
  const request = ['req', '-new', '-key', `${name}-key.pem`, '-subj', `/CN=${host}`]
  await openssl(dir, ...request, '-out', `${name}.csr`)
  await writeFile(
    join(dir, `${name}.ext`),
    `subjectAltName=DNS:${host}\nextendedKeyUsage=serverAuth,clientAuth\n`,
  )
  const sign = ['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem']
  const extensions = ['-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`]
  await openssl(dir, ...sign, ...extensions, '-out', `${name}-cert.pem`)
}

async function open(uri: string): Promise<NbdDisk> {
  const { address, tls, exportName } = parseNbdUri(uri)
  return openNbdDisk({
    dial: (signal) => dialTransport(address, { timeoutMs: 5000, signal }),
    exportName,
    clock: systemClock,
    ...(tls === undefined ? {} : { tls: { wish: tls.wish, secure: await tlsClient(tls) } }),
  })
}

/** Reads what `nbdkit pattern` holds, enough of it for many TLS records. */
async function expectPattern(disk: NbdDisk): Promise<void> {
  const bytes = Buffer.alloc(1 << 20)
  await disk.read(bytes, 4096)
  for (let at = 0; at < bytes.length; at += 4096) {
    expect(bytes.readBigUInt64BE(at)).toBe(BigInt(at + 4096))
  }
}

const ready = requirePeer('openssl') && requirePeer('nbdkit')

describe.skipIf(!ready)('a client over TLS', () => {
  let certificates = ''
  let strangers = ''
  let keys = ''
  let finish: () => void = () => undefined
  let gone: Promise<void> = Promise.resolve()

  beforeAll(async () => {
    await new Promise<void>((prepared, failed) => {
      gone = withTempDir(async (dir) => {
        certificates = join(dir, 'pki')
        strangers = join(dir, 'others')
        keys = join(dir, 'keys.psk')
        await makeAuthority(certificates)
        await makeCertificate(certificates, 'server', 'localhost')
        await makeCertificate(certificates, 'client', 'somebody')
        await makeAuthority(strangers)
        await writeFile(keys, `bob:00ff\nalice:${'5a'.repeat(32)}\nbroken:xyz\n`, { mode: 0o600 })
        prepared()
        await new Promise<void>((end) => {
          finish = end
        })
      })
      gone.catch(failed)
    })
  })

  afterAll(async () => {
    finish()
    await gone
  })

  const withServer = (
    command: string,
    args: (socket: string) => readonly string[],
    test: (socket: string) => Promise<void>,
  ) =>
    withTempDir(async (dir) => {
      const socket = join(dir, 's')
      const server = await PeerProcess.start(command, args(socket), () => isListening(socket))
      try {
        await test(socket)
      } finally {
        await server.stop()
      }
    })

  const withNbdkit = (args: readonly string[], test: (socket: string) => Promise<void>) =>
    withServer('nbdkit', (socket) => ['-f', '-U', socket, ...args, 'pattern', '4M'], test)

  const x509 = (...more: readonly string[]) => [
    '--tls=require',
    `--tls-certificates=${certificates}`,
    ...more,
  ]

  it('reads from a server that has a certificate', () =>
    withNbdkit(x509(), async (socket) => {
      const disk = await open(`nbds+unix:///?socket=${socket}&tls-certificates=${certificates}`)
      expect(disk.info.tls).toBe(true)
      await expectPattern(disk)
      await disk.close()
    }))

  it('lists what is served', () =>
    withNbdkit(x509(), async (socket) => {
      const { address, tls } = parseNbdUri(
        `nbds+unix:///?socket=${socket}&tls-certificates=${certificates}`,
      )
      if (tls === undefined) throw new TypeError('a TLS URI')
      const listed = await listNbdExports({
        dial: () => dialTransport(address, { timeoutMs: 5000 }),
        clock: systemClock,
        tls: { wish: tls.wish, secure: await tlsClient(tls) },
      })
      expect(listed).toMatchObject([{ name: '', size: 4 << 20 }])
    }))

  it('refuses a certificate that nobody it knows has signed', () =>
    withNbdkit(x509(), async (socket) => {
      const uri = `nbds+unix:///?socket=${socket}`
      await expectCode(open(uri), 'REFUSED')
      await expectCode(open(`${uri}&tls-certificates=${strangers}`), 'REFUSED')
      await expect(open(uri)).rejects.toThrow(/TLS: .*certificate/)
    }))

  it('refuses a certificate for another host', () =>
    withNbdkit(x509(), async (socket) => {
      const uri = `nbds+unix:///?socket=${socket}&tls-certificates=${certificates}`
      await expectCode(open(`${uri}&tls-hostname=example.com`), 'REFUSED')
      await expect(open(`${uri}&tls-hostname=example.com`)).rejects.toThrow(/example\.com/)
    }))

  it('takes any certificate when told not to look', () =>
    withNbdkit(x509(), async (socket) => {
      const disk = await open(`nbds+unix:///?socket=${socket}&tls-verify-peer=0`)
      await expectPattern(disk)
      await disk.close()
    }))

  it('shows its own certificate to a server that wants one', () =>
    withNbdkit(x509('--tls-verify-peer'), async (socket) => {
      const disk = await open(`nbds+unix:///?socket=${socket}&tls-certificates=${certificates}`)
      await expectPattern(disk)
      await disk.close()
    }))

  it('never goes on in the clear where TLS is demanded', () =>
    withNbdkit(['--tls=off'], async (socket) => {
      const uri = `unix:///?socket=${socket}&tls-certificates=${certificates}`
      await expectCode(open(`nbds+${uri}`), 'REFUSED')
      const inTheClear = await open(`nbd+${uri}`)
      expect(inTheClear.info.tls).toBe(false)
      await inTheClear.close()
    }))

  it('says what to write when a server demands TLS of a plain URI', () =>
    withNbdkit(x509(), async (socket) => {
      const uri = `unix:///?socket=${socket}`
      await expect(open(`nbd+${uri}`)).rejects.toThrow(/nbds:/)
      const wished = await open(`nbd+${uri}&tls-certificates=${certificates}`)
      expect(wished.info.tls).toBe(true)
      await wished.close()
    }))

  const psk = () => ['--tls=require', `--tls-psk=${keys}`]

  it('shares a key with the server', () =>
    withNbdkit(psk(), async (socket) => {
      const disk = await open(`nbds+unix://alice@/?socket=${socket}&tls-psk-file=${keys}`)
      expect(disk.info.tls).toBe(true)
      await expectPattern(disk)
      await disk.close()
    }))

  it('refuses a server that has another key, or a certificate instead', async () => {
    await withTempDir(async (dir) => {
      const other = join(dir, 'keys')
      await writeFile(other, `alice:${'a5'.repeat(32)}\n`)
      const uri = (socket: string) => `nbds+unix://alice@/?socket=${socket}&tls-psk-file=${other}`
      await withNbdkit(psk(), (socket) => expectCode(open(uri(socket)), 'REFUSED'))
      await withNbdkit(x509(), (socket) => expectCode(open(uri(socket)), 'REFUSED'))
    })
  })

  it('says what is wrong with its own files before it connects', async () => {
    const uri = (rest: string) => `nbds+unix:///?socket=none&${rest}`
    await expectCode(open(uri('tls-certificates=/nonexistent')), 'NOT_FOUND')
    await expectCode(open(uri('tls-psk-file=/nonexistent')), 'NOT_FOUND')
    const keyOf = (user: string) => open(`nbds+unix://${user}@/?socket=none&tls-psk-file=${keys}`)
    await expectCode(keyOf('nobody'), 'BAD_REQUEST')
    await expectCode(keyOf('broken'), 'BAD_REQUEST')
    await expect(keyOf('broken')).rejects.not.toThrow(/xyz/)
  })

  it.skipIf(!requirePeer('qemu-nbd'))('reads from qemu-nbd with certificates', () =>
    withTempDir(async (dir) => {
      const image = join(dir, 'image')
      await writeFile(image, Buffer.alloc(1 << 20, 0x5a))
      const creds = `tls-creds-x509,id=t,endpoint=server,dir=${certificates},verify-peer=yes`
      const args = (socket: string) => [
        ...['-t', '-f', 'raw', '-k', socket],
        ...['--object', creds, '--tls-creds', 't', image],
      ]
      await withServer('qemu-nbd', args, async (socket) => {
        const disk = await open(`nbds+unix:///?socket=${socket}&tls-certificates=${certificates}`)
        const bytes = Buffer.alloc(1 << 20)
        await disk.read(bytes, 0)
        expect(bytes.every((byte) => byte === 0x5a)).toBe(true)
        await disk.close()
      })
    }),
  )
})
