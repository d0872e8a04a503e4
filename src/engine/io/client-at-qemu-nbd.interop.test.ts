// Our client at qemu-nbd: several contexts at once, each as qemu itself sees it, and TLS with certificates
// and with shared keys, over TCP and Unix sockets, with what both sides refuse.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import type { NbdDisk } from '../nbd/nbd-disk'
import { openNbdDisk } from '../nbd/nbd-disk'
import type { ListenAddress } from '../nbd/transport'
import { parseNbdUri } from '../nbd/uri'
import { runDiskModel } from '../testing/disk-model'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { isListening, PeerProcess, requirePeer, runPeer } from '../testing/peer-process'
import { dialTransport } from './dial-transport'
import { listenTransport } from './listen-transport'
import { lengthsAndFlags, withServer } from './reached-server.test-helper'
import { systemClock } from './system-clock'
import { tlsClient } from './tls-client'
import { makeTlsKeys, type TlsKeys } from './tls-keys.test-helper'

const MiB = 1 << 20
const KiB = 1024
const hasQemu = requirePeer('qemu-nbd') && requirePeer('qemu-img') && requirePeer('qemu-io')

async function qemu(command: string, ...args: readonly string[]): Promise<void> {
  const { status, stderr } = await runPeer(command, args)
  expect(status, stderr).toBe(0)
}

describe.runIf(hasQemu)('the contexts of qemu-nbd', () => {
  /** A qcow2 over a raw file: data below from 2 MiB, data and a dirty bitmap above. */
  const layered = async (dir: string, socket: string): Promise<string[]> => {
    const [base, image] = [join(dir, 'base.raw'), join(dir, 'top.qcow2')]
    const bytes = new Uint8Array(4 * MiB)
    await writeFile(base, bytes.fill(5, 2 * MiB, 3 * MiB))
    await qemu('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', image)
    await qemu('qemu-img', 'bitmap', '--add', '-g', '65536', image, 'b0')
    const writes = ['write -P 7 1M 100k', 'write -z 3M 64k'].flatMap((write) => ['-c', write])
    await qemu('qemu-io', '-f', 'qcow2', ...writes, image)
    return ['-t', '-r', '-f', 'qcow2', '-B', 'b0', '-A', '-k', socket, image]
  }

  it('come together on one connection, each with extents of its own', () =>
    withServer('qemu-nbd', layered, async ({ open }) => {
      const contexts = ['qemu:dirty-bitmap:b0', 'qemu:allocation-depth']
      const disk = await open('', { contexts, listContexts: true })
      expect(disk.info.contexts.map(({ name }) => name).sort()).toEqual([
        'base:allocation',
        ...contexts.sort(),
      ])
      expect([...(disk.info.offeredContexts ?? [])].sort()).toEqual([
        'base:allocation',
        ...contexts.sort(),
      ])
      const whole = (context: string) => disk.status(context, 0, disk.size)
      expect(lengthsAndFlags(await whole('qemu:dirty-bitmap:b0'))).toEqual([
        [MiB, 0],
        [128 * KiB, 1],
        [2 * MiB - 128 * KiB, 0],
        [64 * KiB, 1],
        [MiB - 64 * KiB, 0],
      ])
      const depths = lengthsAndFlags(await whole('qemu:allocation-depth'))
      expect(depths).toEqual([
        [MiB, 2],
        [128 * KiB, 1],
        [2 * MiB - 128 * KiB, 2],
        [64 * KiB, 1],
        [MiB - 64 * KiB, 2],
      ])
      const bytes = await readWhole(disk)
      const expected = new Uint8Array(4 * MiB).fill(5, 2 * MiB, 3 * MiB)
      expectSameBytes(bytes, expected.fill(7, MiB, MiB + 100 * KiB))
    }))

  it('are refused by name when there are no such', () =>
    withServer('qemu-nbd', layered, async ({ open }) => {
      const disk = await open('', { contexts: ['qemu:dirty-bitmap:none'], listContexts: true })
      const asking = disk.status('qemu:dirty-bitmap:none', 0, MiB)
      await expectCode(asking, 'NOT_SUPPORTED')
      await expect(asking).rejects.toThrow(/qemu:dirty-bitmap:b0/)
      // What it does have goes on.
      expect((await disk.extents(MiB, MiB)).count).toBeGreaterThan(0)
    }))
})

describe.runIf(hasQemu && requirePeer('openssl'))('qemu-nbd behind TLS', () => {
  let dir = ''
  let keys: TlsKeys
  let psk = ''
  const content = new Prng(41).fill(new Uint8Array(2 * MiB))

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'platter-qemu-'))
    keys = await makeTlsKeys(dir)
    psk = join(dir, 'qemu-psk')
    await mkdir(psk)
    await writeFile(join(psk, 'keys.psk'), await readFile(keys.psk))
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  const x509 = (peer: string) =>
    `tls-creds-x509,id=t,endpoint=server,dir=${keys.server},verify-peer=${peer}`
  const shared = () => `tls-creds-psk,id=t,endpoint=server,dir=${psk}`

  /** Serves a writable raw file; `uri` begins and ends as told. */
  async function served(
    creds: string,
    overTcp: boolean,
    test: (place: { uri(query: string, user?: string): string; image: string }) => Promise<void>,
  ): Promise<void> {
    const place = await mkdtemp(join(dir, 's-'))
    const [image, socket] = [join(place, 'image'), join(place, 's')]
    await writeFile(image, content)
    const port = overTcp ? await freePort() : 0
    const where = overTcp ? ['-b', '127.0.0.1', '-p', String(port)] : ['-k', socket]
    const args = [
      '-t',
      '-e',
      '8',
      '-f',
      'raw',
      ...where,
      '--object',
      creds,
      '--tls-creds',
      't',
      image,
    ]
    const isThere = () => (overTcp ? answers(port) : isListening(socket))
    const server = await PeerProcess.start('qemu-nbd', args, isThere)
    const uri = (query: string, user = '') =>
      overTcp
        ? `nbds://${user}localhost:${port}/?${query}`
        : `nbds+unix://${user}/?socket=${socket}&${query}`
    try {
      await test({ uri, image })
    } finally {
      await server.stop()
    }
  }

  const open = async (uri: string): Promise<NbdDisk> => {
    const { address, tls, exportName } = parseNbdUri(uri)
    if (tls === undefined) throw new TypeError('a TLS URI')
    return openNbdDisk({
      dial: (signal) => dialTransport(address, { timeoutMs: 5000, signal }),
      exportName,
      clock: systemClock,
      tls: { wish: tls.wish, secure: await tlsClient(tls) },
    })
  }

  /** Every byte of it, then a byte model's writes, seen in the file afterwards. */
  async function work(uri: string, image: string): Promise<void> {
    const disk = await open(uri)
    expect(disk.info).toMatchObject({ tls: true, structured: true })
    const before = await readWhole(disk)
    expectSameBytes(before, await readFile(image))
    await runDiskModel(disk, { seed: 42, steps: 150, content: before })
    await disk.flush()
    const after = await readWhole(disk)
    await disk.close()
    expectSameBytes(await readFile(image), after)
  }

  it.each([
    ['a Unix socket', false],
    ['TCP', true],
  ])('is read and written with certificates on both sides, over %s', (_, overTcp) =>
    served(x509('yes'), overTcp, async ({ uri, image }) => {
      await work(uri(`tls-certificates=${keys.good}`), image)
      for (const wrong of [keys.stranger, keys.bare]) {
        // With TLS 1.3 the client has done its part by the time the server looks at its certificate.
        const refused = open(uri(`tls-certificates=${wrong}`))
        await expectCode(refused, 'DISCONNECTED')
        await expect(refused).rejects.toThrow(/right after the TLS handshake: .*certificate/)
      }
      // It is still there for the right one.
      await (await open(uri(`tls-certificates=${keys.good}`))).close()
    }),
  )

  it.each([
    ['a Unix socket', false],
    ['TCP', true],
  ])('is read and written with a shared key, over %s', (_, overTcp) =>
    served(shared(), overTcp, async ({ uri, image }) => {
      await work(uri(`tls-psk-file=${keys.psk}`, 'alice@'), image)
      await work(uri(`tls-psk-file=${keys.psk}`, 'carol@'), image)
      await expectCode(open(uri(`tls-psk-file=${keys.wrongPsk}`, 'alice@')), 'REFUSED')
      const mallory = join(dir, 'mallory.psk')
      await writeFile(mallory, (await readFile(keys.psk, 'utf8')).replaceAll('alice', 'mallory'))
      await expectCode(open(uri(`tls-psk-file=${mallory}`, 'mallory@')), 'REFUSED')
    }),
  )

  it('is refused when its authority is another one, or its certificate is for another host', () =>
    served(x509('no'), true, async ({ uri, image }) => {
      await work(uri(`tls-certificates=${keys.bare}`), image)
      await expectCode(open(uri(`tls-certificates=${join(dir, 'other')}`)), 'REFUSED')
      const elsewhere = uri(`tls-certificates=${keys.bare}&tls-hostname=example.com`)
      await expectCode(open(elsewhere), 'REFUSED')
      await expect(open(elsewhere)).rejects.toThrow(/example\.com/)
    }))
})

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const free: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 }
  const listener = await listenTransport(free, (transport) => transport.destroy())
  await listener.close()
  return (listener.address as { port: number }).port
}

const answers = (port: number) =>
  dialTransport({ kind: 'tcp', host: '127.0.0.1', port }, { timeoutMs: 1000 }).then(
    (transport) => {
      transport.destroy()
      return true
    },
    () => false,
  )
