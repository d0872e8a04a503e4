// Our server, once for each pair of a client that others wrote and a way to reach it: a Unix socket, TCP,
// TLS with certificates on both sides, TLS with shared keys.
//
// Two clients cannot do all of them, at nbdkit no more than here (the last tests hold that to be so):
// - fio passes a URI to libnbd without letting it read local files, and so has no way to name a key file.
//   Certificates it takes from ~/.pki/libnbd, but as root from /etc only: then fio has none to show, so its
//   server here does not ask for them.
// - nbd-client knows certificates, and no shared keys.

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { MemoryDisk } from '../disk/memory-disk'
import { ExportRegistry } from '../nbd/export-registry'
import { NbdServer } from '../nbd/nbd-server'
import type { ListenAddress } from '../nbd/transport'
import { expectSameBytes, readWhole } from '../testing/expect-disk'
import type { PeerResult } from '../testing/peer-process'
import { requirePeer, runPeer } from '../testing/peer-process'
import { listenTransport } from './listen-transport'
import { systemClock } from './system-clock'
import { makeTlsKeys, type TlsKeys } from './tls-keys.test-helper'
import type { TlsServerOptions } from './tls-server'
import { tlsServer } from './tls-server'

const KiB = 1024
const MiB = 1 << 20
const NBDSH_ENV = { ...process.env, PATH: `/usr/bin:${process.env['PATH'] ?? ''}` }

/** How clients of libnbd and of qemu say where an export is. */
interface Way {
  readonly encrypted: boolean
  uri(name: string): string
  /** For qemu: the credentials, and the export as options of a block device. */
  readonly object: readonly string[]
  options(name: string): string
  /** For nbd-client: the place, and what else it wants to know. */
  readonly place: readonly string[] | undefined
}

type WayName = 'a Unix socket' | 'TCP' | 'TLS with certificates' | 'TLS with shared keys'
const WAYS: readonly WayName[] = [
  'a Unix socket',
  'TCP',
  'TLS with certificates',
  'TLS with shared keys',
]

const isPossible = requirePeer('openssl')
const exports = new ExportRegistry()
const failures: string[] = []
const ways = new Map<WayName, Way>()
const ends: (() => Promise<void>)[] = []
let dir = ''
let keys: TlsKeys
/** A server with certificates that does not ask for the client's. */
let oneSidedPort = 0

async function listen(address: ListenAddress, tls?: TlsServerOptions): Promise<number> {
  const server = new NbdServer({
    exports,
    clock: systemClock,
    tls: tls === undefined ? undefined : await tlsServer(tls),
    onClientGone: (_, error) => {
      if (error !== undefined) failures.push(error.message)
    },
  })
  const listener = await listenTransport(address, (transport) => server.accept(transport))
  ends.push(async () => {
    await listener.close()
    await server.shutdown(2000)
  })
  return listener.address.kind === 'tcp' ? listener.address.port : 0
}

beforeAll(async () => {
  if (!isPossible) return
  dir = await mkdtemp(join(tmpdir(), 'platter-peers-'))
  keys = await makeTlsKeys(dir)
  const pskDir = join(dir, 'qemu')
  await mkdir(pskDir)
  await writeFile(join(pskDir, 'keys.psk'), await readFile(keys.psk))
  await mkdir(join(dir, '.pki'))
  await symlink(keys.good, join(dir, '.pki', 'libnbd'))
  const [clear, secret] = [join(dir, 's'), join(dir, 't')]
  const free = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
  await listen({ kind: 'unix', path: clear })
  await listen({ kind: 'unix', path: secret }, { mode: 'required', pskFile: keys.psk })
  const port = await listen(free)
  const x509 = { mode: 'required', certificates: keys.server } as const
  const x509Port = await listen(free, { ...x509, verifyPeer: true })
  oneSidedPort = await listen(free, x509)
  ways.set('a Unix socket', {
    encrypted: false,
    uri: (name) => `nbd+unix:///${name}?socket=${clear}`,
    object: [],
    options: (name) => `server.type=unix,server.path=${clear},export=${name}`,
    place: ['-unix', clear],
  })
  ways.set('TCP', {
    encrypted: false,
    uri: (name) => `nbd://127.0.0.1:${port}/${name}`,
    object: [],
    options: (name) => `server.type=inet,server.host=127.0.0.1,server.port=${port},export=${name}`,
    place: ['127.0.0.1', String(port)],
  })
  const inet = `server.type=inet,server.host=localhost,server.port=${x509Port}`
  const [key, certificate] = [join(keys.good, 'client-key.pem'), join(keys.good, 'client-cert.pem')]
  const authority = join(keys.good, 'ca-cert.pem')
  const own = ['-keyfile', key, '-certfile', certificate, '-cacertfile', authority]
  ways.set('TLS with certificates', {
    encrypted: true,
    uri: (name) => `nbds://localhost:${x509Port}/${name}?tls-certificates=${keys.good}`,
    object: ['--object', `tls-creds-x509,id=t,endpoint=client,dir=${keys.good}`],
    options: (name) => `${inet},export=${name},tls-creds=t`,
    place: ['localhost', String(x509Port), '-x', ...own, '-tlshostname', 'localhost'],
  })
  ways.set('TLS with shared keys', {
    encrypted: true,
    uri: (name) => `nbds+unix://alice@/${name}?socket=${secret}&tls-psk-file=${keys.psk}`,
    object: ['--object', `tls-creds-psk,id=t,endpoint=client,dir=${pskDir},username=alice`],
    options: (name) => `server.type=unix,server.path=${secret},export=${name},tls-creds=t`,
    place: undefined,
  })
})

afterAll(async () => {
  for (const end of ends) await end()
  if (dir !== '') await rm(dir, { recursive: true, force: true })
  expect(failures).toEqual([])
})

function wayOf(name: WayName): Way {
  const way = ways.get(name)
  if (way === undefined) throw new TypeError(`no such way: ${name}`)
  return way
}

/** Serves a disk under a name of its own for one test. */
async function withExport(
  disk: MemoryDisk,
  test: (name: string) => Promise<void>,
  description = '',
): Promise<void> {
  const name = `disk${exports.list().length}-${Math.floor(performance.now())}`
  exports.add({ name, description, disk, readOnly: false })
  try {
    await test(name)
  } finally {
    exports.remove(name)
  }
}

function content(size: number, seed: number): Uint8Array {
  const bytes = new Prng(seed).fill(new Uint8Array(size))
  return bytes.fill(0, size >> 2, size >> 1)
}

const run = (command: string, args: readonly string[], env?: NodeJS.ProcessEnv) =>
  runPeer(command, args, { timeoutMs: 50_000, ...(env === undefined ? {} : { env }) })

async function succeed(command: string, ...args: readonly string[]): Promise<PeerResult> {
  const result = await run(command, args)
  expect(`${command}: ${result.status} ${result.stderr}`).toMatch(/^[a-z-]+: 0 /)
  return result
}

/** For qemu: an export as a raw image, and a file as one. */
const imageOf = (way: Way, name: string) => `driver=raw,file.driver=nbd,${fileOptions(way, name)}`
const fileOptions = (way: Way, name: string) =>
  way
    .options(name)
    .split(',')
    .map((option) => `file.${option}`)
    .join(',')
const rawFile = (path: string) => `driver=raw,file.driver=file,file.filename=${path}`
const perWay = describe.runIf(isPossible).each(WAYS)

perWay('our server over %s', (wayName) => {
  it.runIf(requirePeer('nbdinfo'))('is described, listed and mapped by nbdinfo', () => {
    const way = wayOf(wayName)
    const disk = MemoryDisk.from(content(4 * MiB, 1))
    return withExport(
      disk,
      async (name) => {
        const info = JSON.parse((await succeed('nbdinfo', '--json', way.uri(name))).stdout)
        expect(info).toMatchObject({
          TLS: way.encrypted,
          structured: true,
          exports: [
            { 'export-name': name, 'export-size': 4 * MiB, description: 'd', can_multi_conn: true },
          ],
        })
        const list = JSON.parse((await succeed('nbdinfo', '--list', '--json', way.uri(''))).stdout)
        const names = list.exports.map((entry: Record<string, unknown>) => entry['export-name'])
        expect(names).toContain(name)
        const map = await succeed('nbdinfo', '--map', '--json', way.uri(name))
        const rows = JSON.parse(map.stdout) as { offset: number; length: number; type: number }[]
        expect(rows.map(({ offset, length, type }) => ({ offset, length, flags: type }))).toEqual(
          (await disk.extents(0, disk.size)).toArray(),
        )
      },
      'd',
    )
  })

  it.runIf(requirePeer('nbdcopy'))('gives and takes every byte with nbdcopy', () => {
    const way = wayOf(wayName)
    const bytes = content(6 * MiB + 512, 2)
    return withExport(MemoryDisk.from(bytes), async (name) => {
      const target = new MemoryDisk(bytes.length)
      await withExport(target, async (other) => {
        const copy = join(dir, `copy-${WAYS.indexOf(wayName)}`)
        await succeed('nbdcopy', '-C', '3', way.uri(name), copy)
        expectSameBytes(await readFile(copy), bytes)
        await succeed('nbdcopy', '-C', '3', '--flush', copy, way.uri(other))
        expectSameBytes(await readWhole(target), bytes)
      })
    })
  })

  it.runIf(requirePeer('nbdsh'))('does what a script of nbdsh asks for', () => {
    const way = wayOf(wayName)
    const disk = new MemoryDisk(2 * MiB)
    return withExport(disk, async (name) => {
      const result = await run('nbdsh', ['-c', nbdshScript(way.uri(name))], NBDSH_ENV)
      expect(result.stderr).toBe('')
      expect(result.stdout).toBe(
        [
          `${way.encrypted ? 'True' : 'False'} True 2097152`,
          '[65536, 0, 65536, 3, 917504, 0, 1048576, 3]',
          "[(0, 'EINVAL'), (1, 'ENOSPC')]",
          'all read\n',
        ].join('\n'),
      )
      const expected = new Uint8Array(2 * MiB)
      expected
        .fill(7, 0, MiB)
        .fill(0, 64 * KiB, 128 * KiB)
        .fill(9, 200_001, 200_001 + 70_000)
      expectSameBytes(await readWhole(disk), expected)
    })
  })

  const hasQemu = requirePeer('qemu-io') && requirePeer('qemu-img')

  it.runIf(hasQemu)('does all that qemu-io asks for, except what is past the end', () => {
    const way = wayOf(wayName)
    const disk = new MemoryDisk(2 * MiB)
    return withExport(disk, async (name) => {
      const commands = QEMU_IO.flatMap((command) => ['-c', command])
      const args = [...way.object, '--image-opts', imageOf(way, name), ...commands]
      const { status, stdout, stderr } = await run('qemu-io', args)
      const said = `${stdout}\n${stderr}`.split('\n')
      // Only the last write.
      expect(said.filter((line) => /fail|error|mismatch|not supported/i.test(line))).toEqual([
        'write failed: Input/output error',
      ])
      expect(status).toBe(1)
      expectSameBytes(await readWhole(disk), afterQemuIo())
    })
  })

  it.runIf(hasQemu)('is converted by qemu-img into a qcow2, and from it', () => {
    const way = wayOf(wayName)
    const bytes = content(3 * MiB + 512, 3)
    const back = new MemoryDisk(bytes.length)
    return withExport(MemoryDisk.from(bytes), (name) =>
      withExport(back, async (other) => {
        const image = join(dir, `c${WAYS.indexOf(wayName)}.qcow2`)
        const convert = ['convert', ...way.object, '--image-opts']
        await succeed('qemu-img', ...convert, imageOf(way, name), '-O', 'qcow2', image)
        const source = `driver=qcow2,file.driver=file,file.filename=${image}`
        const target = ['--target-image-opts', imageOf(way, other)]
        await succeed('qemu-img', ...convert, '-n', source, ...target)
        expectSameBytes(await readWhole(back), bytes)
      }),
    )
  })

  it.runIf(hasQemu)('is the same as a file to qemu-img compare, until a byte differs', () => {
    const way = wayOf(wayName)
    const bytes = content(3 * MiB, 4)
    const disk = MemoryDisk.from(bytes)
    return withExport(disk, async (name) => {
      const file = join(dir, `f${WAYS.indexOf(wayName)}`)
      await writeFile(file, bytes)
      const args = ['compare', ...way.object, '--image-opts', rawFile(file), imageOf(way, name)]
      await succeed('qemu-img', ...args)
      await disk.write(Uint8Array.of((bytes[2 * MiB] ?? 0) ^ 1), 2 * MiB)
      const other = await run('qemu-img', args)
      expect(other).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(/at offset 2097152/),
      })
    })
  })

  it.runIf(hasQemu)('is mapped by qemu-img as the disk says', async () => {
    const way = wayOf(wayName)
    const disk = new MemoryDisk(8 * MiB)
    for (const at of [0, 3 * MiB, 5 * MiB + 4096]) await disk.write(new Uint8Array(100).fill(1), at)
    await withExport(disk, async (name) => {
      const args = ['map', '--output=json', ...way.object, '--image-opts', imageOf(way, name)]
      const rows = JSON.parse((await succeed('qemu-img', ...args)).stdout) as {
        start: number
        length: number
        data: boolean
        zero: boolean
      }[]
      const seen = rows.map(({ start, length, data, zero }) => ({
        offset: start,
        length,
        flags: (data ? 0 : 1) | (zero ? 2 : 0),
      }))
      expect(seen).toEqual((await disk.extents(0, disk.size)).toArray())
    })
  })

  if (wayName !== 'TLS with shared keys') {
    it.runIf(requirePeer('nbd-client'))('is listed by nbd-client', () => {
      const { place = [] } = wayOf(wayName)
      return withExport(new MemoryDisk(512), async (name) => {
        const { stdout } = await succeed('nbd-client', '-l', ...place)
        expect(stdout.split('\n')).toContain(name)
      })
    })

    it.runIf(requirePeer('fio'))('keeps what fio writes at random, verified', () => {
      const way = wayOf(wayName)
      return withExport(new MemoryDisk(4 * MiB), async (name) => {
        const uri = way.encrypted ? `nbds://localhost:${oneSidedPort}/${name}` : way.uri(name)
        const result = await run('fio', [...FIO, `--uri=${uri}`], { ...process.env, HOME: dir })
        expect(result.stderr).toBe('')
        expect(result).toMatchObject({ status: 0, stdout: expect.stringMatching(/err= 0/) })
      })
    })
  }
})

const FIO = [
  '--name=verify',
  '--ioengine=nbd',
  '--rw=randwrite',
  '--bs=4k',
  '--iodepth=16',
  '--size=4M',
  '--verify=crc32c',
  '--verify_fatal=1',
  '--verify_state_save=0',
  '--randseed=7',
]

// Every kind of request, and a last write past the end, which alone has to fail.
const QEMU_IO = [
  'write -P 0xaa 0 1M',
  'read -P 0xaa 0 1M',
  'write -f -P 0xbb 100 300',
  'read -P 0xbb 100 300',
  'read -P 0xaa 0 100',
  'read -P 0xaa 400 112',
  'write -z 64k 64k',
  'read -P 0 64k 64k',
  'write -z -u 128k 64k',
  'read -P 0 128k 64k',
  'write -z -n 192k 64k',
  'discard 256k 64k',
  'flush',
  'aio_write -P 0xcc 512k 64k',
  'aio_write -P 0xdd 576k 64k',
  'aio_flush',
  'read -P 0xcc 512k 64k',
  'read -P 0xdd 576k 64k',
  'writev -P 0x11 700k 512 1024 512',
  'readv -P 0x11 700k 1024 1024',
  'map',
  'write -P 1 2M 512',
]

/** What a disk of 2 MiB holds after it. */
const afterQemuIo = () =>
  new Uint8Array(2 * MiB)
    .fill(0xaa, 0, MiB)
    .fill(0xbb, 100, 400)
    .fill(0, 64 * KiB, 320 * KiB)
    .fill(0xcc, 512 * KiB, 576 * KiB)
    .fill(0xdd, 576 * KiB, 640 * KiB)
    .fill(0x11, 700 * KiB, 702 * KiB)

const nbdshScript = (uri: string) => `
h.set_uri_allow_local_file(True)
h.add_meta_context("base:allocation")
h.connect_uri("${uri}")
h.pwrite(b"\\x07" * 1048576, 0, nbd.CMD_FLAG_FUA)
h.zero(65536, 65536)
h.pwrite(b"\\x09" * 70000, 200001)
h.trim(4096, 1572864)
h.cache(65536, 0)
h.flush()
print(h.get_tls_negotiated(), h.get_structured_replies_negotiated(), h.get_size())
extents = []
h.block_status(2097152, 0, lambda context, offset, list, error: extents.extend(list) or 0)
print(extents)
h.set_strict_mode(0)
errors = []
for n, act in enumerate([lambda: h.pread(512, 2097152), lambda: h.pwrite(b"x" * 512, 2097152)]):
    try:
        act()
    except nbd.Error as error:
        errors.append((n, error.errno))
print(errors)
buffers = [nbd.Buffer(4096) for i in range(64)]
cookies = [h.aio_pread(buffer, i * 4096) for i, buffer in enumerate(buffers)]
while h.aio_in_flight() > 0:
    h.poll(-1)
assert all(h.aio_command_completed(cookie) for cookie in cookies)
assert b"".join(buffer.to_bytearray() for buffer in buffers) == h.pread(262144, 0)
pieces = []
h.pread_structured(65536, 0, lambda data, offset, status, error: pieces.append((offset, bytes(data))) or 0, nbd.CMD_FLAG_DF)
assert pieces == [(0, b"\\x07" * 65536)]
assert bytes(h.pread(131072, 0)) == b"\\x07" * 65536 + bytes(65536)
print("all read")
h.shutdown()
`

describe.runIf(isPossible && requirePeer('qemu-img'))(
  'a client of qemu without the right keys',
  () => {
    const info = (object: string, options: string) =>
      run('qemu-img', ['info', '--object', object, '--image-opts', `driver=nbd,${options}`])
    const x509 = (certificates: string) =>
      info(
        `tls-creds-x509,id=t,endpoint=client,dir=${certificates}`,
        wayOf('TLS with certificates').options('known'),
      )
    const psk = async (user: string, content: string) => {
      const place = await mkdtemp(join(dir, 'psk-'))
      await writeFile(join(place, 'keys.psk'), content)
      return info(
        `tls-creds-psk,id=t,endpoint=client,dir=${place},username=${user}`,
        wayOf('TLS with shared keys').options('known'),
      )
    }
    const withKnown = (test: () => Promise<void>) => {
      exports.add({ name: 'known', disk: new MemoryDisk(512), readOnly: true })
      return test().finally(() => {
        exports.remove('known')
        // Clients that are turned away are what these tests are about.
        failures.length = 0
      })
    }

    it('is let in with a certificate of ours only', () =>
      withKnown(async () => {
        expect(await x509(keys.good)).toMatchObject({ status: 0 })
        expect(await x509(keys.stranger)).toMatchObject({ status: 1 })
        expect(await x509(keys.bare)).toMatchObject({ status: 1 })
        expect(await x509(keys.good)).toMatchObject({ status: 0 })
      }))

    it('refuses us when it trusts another authority', () =>
      withKnown(async () => {
        const { status, stderr } = await x509(join(dir, 'other'))
        expect(status).toBe(1)
        expect(stderr).toMatch(/certificate/i)
      }))

    it('is let in with the key of its name only', () =>
      withKnown(async () => {
        const right = await readFile(keys.psk, 'utf8')
        expect(await psk('alice', right)).toMatchObject({ status: 0 })
        expect(await psk('carol', right)).toMatchObject({ status: 0 })
        const wrong = await readFile(keys.wrongPsk, 'utf8')
        expect(await psk('alice', wrong)).toMatchObject({ status: 1 })
        const mallory = right.replaceAll('alice', 'mallory')
        expect(await psk('mallory', mallory)).toMatchObject({ status: 1 })
      }))
  },
)

describe.runIf(isPossible && requirePeer('nbdkit'))('what cannot be done at nbdkit either', () => {
  const nbdkit = (command: string) =>
    run('nbdkit', [
      '-U',
      '-',
      '--tls=require',
      `--tls-psk=${keys.psk}`,
      'memory',
      '4M',
      '--run',
      command,
    ])

  it.runIf(requirePeer('fio'))('is fio with a shared key', async () => {
    const uri = `nbds+unix://alice@/?socket=$unixsocket&tls-psk-file=${keys.psk}`
    const { status, stderr } = await nbdkit(`fio ${FIO.join(' ')} --uri="${uri}" >&2`)
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/local file access \(tls-psk-file\) is not allowed/)
  })

  it.runIf(requirePeer('nbd-client'))('is nbd-client with a shared key', async () => {
    const { status, stderr } = await nbdkit('nbd-client -l -unix $unixsocket -x')
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/credentials|Reading magic/)
  })
})
