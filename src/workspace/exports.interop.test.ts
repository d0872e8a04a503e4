// A session that is served while a page watches: what clients do lands in the same staged set, is told to
// the page, and survives commits, stops and servers that go away.

import { existsSync } from 'node:fs'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { dialTransport } from '../engine/io/dial-transport'
import { systemClock } from '../engine/io/system-clock'
import { type NbdDisk, openNbdDisk } from '../engine/nbd/nbd-disk'
import { parseNbdUri } from '../engine/nbd/uri'
import { isListening, PeerProcess, requirePeer, runPeer } from '../engine/testing/peer-process'
import { WatchedWorkspace } from './page.test-helper'

const BLOCK = 64 * 1024
const MIB = 1024 * 1024
const SIZE = 16 * MIB

let watched: WatchedWorkspace
let image = ''
let content: Uint8Array
const servers: PeerProcess[] = []

beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  image = join(watched.dir, 'disk.img')
  content = new Prng(5).fill(new Uint8Array(SIZE))
  await writeFile(image, content)
})
afterEach(async () => {
  await watched.close()
  for (const server of servers.splice(0)) await server.stop()
})

function connect(uri: string): Promise<NbdDisk> {
  const { address, exportName } = parseNbdUri(uri)
  return openNbdDisk({
    dial: (signal) => dialTransport(address, { timeoutMs: 5000, signal }),
    exportName,
    clock: systemClock,
    // Longer than the session looks for a server that went away: it has to be the session that answers.
    requestTimeoutMs: 60_000,
  })
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runPeer(command, args, {
    timeoutMs: 50_000,
    cwd: watched.dir,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${status} ${stderr}${stdout}`)
  return stdout
}

const qemuIo = (uri: string, ...commands: string[]) =>
  run('qemu-io', ['-f', 'raw', uri, ...commands.flatMap((command) => ['-c', command])])

const rowsOf = async (session: string) =>
  (await watched.page.request('stage.list', { session, first: 0, count: 1000 })).value.rows

describe.skipIf(!requirePeer('qemu-io'))('what a client does', () => {
  it('is staged under its name, and told to the page', async () => {
    const { id } = await watched.open(image)
    const { uri } = await watched.serve(id)
    const ticked = watched.next('activity.tick', ({ tick }) => tick.written > 0)
    const staged = watched.next(
      'session.changed',
      ({ totals }) => totals.written === 2 * BLOCK && totals.zeroed === BLOCK,
    )
    await qemuIo(uri, `write -P 1 ${BLOCK} ${BLOCK}`, `write -P 2 ${4 * BLOCK + 10} 100`)
    await qemuIo(uri, `write -z -u ${8 * BLOCK} ${BLOCK}`, `read -P 2 ${4 * BLOCK + 10} 100`)
    await staged
    const { tick } = await ticked
    expect(tick).toMatchObject({ written: expect.any(Number), requests: expect.any(Number) })

    const rows = await rowsOf(id)
    expect(rows).toMatchObject([
      { offset: BLOCK, length: BLOCK, state: 'written', origin: 'client 1' },
      { offset: 4 * BLOCK, length: BLOCK, state: 'written', origin: 'client 1' },
      { offset: 8 * BLOCK, length: BLOCK, state: 'zeroed', origin: 'client 2' },
    ])
    const touched = watched.seen('session.touched')
    const touches = touched.flatMap((event) => event.touches)
    expect(touches).toContainEqual({ verb: 'write', offset: BLOCK, length: BLOCK })
    expect(touches).toContainEqual({ verb: 'zero', offset: 8 * BLOCK, length: BLOCK })
    const changed = touched.flatMap((event) => event.changed)
    expect(changed.some((range) => range.offset <= BLOCK && range.length >= BLOCK)).toBe(true)
    // The file has seen none of it.
    expect((await readFile(image)).equals(content)).toBe(true)
  })

  it('is counted for each client', async () => {
    const { id } = await watched.open(image)
    const { uri, id: exported } = await watched.serve(id)
    const disk = await connect(uri)
    await disk.write(new Uint8Array(1000), 0)
    await disk.write(new Uint8Array(500), 5000)
    await disk.read(new Uint8Array(300), 0)
    const { value: hello } = await watched.page.request('host.hello', {})
    expect(hello.exports).toMatchObject([
      {
        id: exported,
        session: id,
        uri,
        readOnly: false,
        clients: [
          {
            id: 1,
            name: 'client 1',
            peer: expect.stringContaining('unix:'),
            secure: false,
            read: { requests: 1, bytes: 300 },
            written: { requests: 2, bytes: 1500 },
          },
        ],
      },
    ])
    expect(Math.abs(Date.now() - (hello.exports[0]?.clients[0]?.since ?? 0))).toBeLessThan(60_000)
    const left = watched.next('export.changed', ({ clients }) => clients.length === 0)
    await disk.close()
    await left
  })

  it('is refused where the export is read-only', async () => {
    const { id } = await watched.open(image)
    const { uri } = await watched.serve(id, { readOnly: true })
    const refused = await runPeer('qemu-io', ['-f', 'raw', uri, '-c', 'write 0 4k'])
    expect(refused.status).not.toBe(0)
    await run('qemu-io', ['-r', '-f', 'raw', uri, '-c', 'read 0 4k'])
    expect(await rowsOf(id)).toEqual([])
  })
})

describe.skipIf(!requirePeer('nbdcopy'))('a whole disk', () => {
  it('copied into the export is staged, read back and committed to the byte', async () => {
    const { id } = await watched.open(image)
    const { uri } = await watched.serve(id)
    const source = join(watched.dir, 'source.img')
    const bytes = new Prng(6).fill(new Uint8Array(SIZE))
    bytes.fill(0, 3 * MIB, 7 * MIB + 123)
    await writeFile(source, bytes)
    await run('nbdcopy', ['--flush', source, uri])
    const copy = join(watched.dir, 'copy.img')
    await run('nbdcopy', [uri, copy])
    expect((await readFile(copy)).equals(bytes)).toBe(true)
    expect((await readFile(image)).equals(content)).toBe(true)
    expect(await watched.commit(id)).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(bytes)).toBe(true)
    const { value: info } = await watched.page.request('session.info', { session: id })
    expect(info.totals).toMatchObject({ written: 0, zeroed: 0, unknown: 0 })
    expect(info.totals.data + info.totals.zero + info.totals.hole).toBe(SIZE)
  })
})

/** Commits whatever is staged, again and again, until `load` is over; how often it did. */
async function commitDuring(session: string, load: Promise<unknown>): Promise<number> {
  let over = false
  const ended = load
    .catch(() => undefined)
    .then(() => {
      over = true
    })
  let commits = 0
  while (!over) {
    const changed = watched.next('session.changed')
    const { value: info } = await watched.page.request('session.info', { session })
    if (info.stagedRuns > 0) {
      expect(await watched.commit(session)).toMatchObject({ state: 'done' })
      commits++
    } else await Promise.race([changed, ended])
  }
  await load
  return commits
}

async function commitRest(session: string): Promise<void> {
  const { value: info } = await watched.page.request('session.info', { session })
  if (info.stagedRuns > 0) expect(await watched.commit(session)).toMatchObject({ state: 'done' })
}

const BLOCK_SIZES: [string, number][] = [
  ['4 KiB', 4096],
  ['64 KiB', BLOCK],
]

describe('a commit while clients write', () => {
  it.skipIf(!requirePeer('fio') || !requirePeer('nbdcopy')).each(BLOCK_SIZES)(
    'of fio loses no acknowledged write, in blocks of %s',
    async (_name, blockSize) => {
      const { id } = await watched.open(image, blockSize)
      const { uri } = await watched.serve(id)
      const load = ['--ioengine=nbd', `--uri=${uri}`, '--rw=randwrite', '--iodepth=8', '--loops=3']
      const sizes = ['--bssplit=512/20:4k/40:24k/20:100k/20', '--blockalign=512', `--size=${SIZE}`]
      // Each loop reads back all that it wrote, and which of its writes it was.
      const verify = [
        '--verify=crc32c',
        '--verify_fatal=1',
        '--verify_state_save=0',
        '--randseed=42',
      ]
      const fio = run('fio', ['--name=load', ...load, ...sizes, ...verify])
      expect(await commitDuring(id, fio)).toBeGreaterThan(1)
      const copy = join(watched.dir, 'copy.img')
      await run('nbdcopy', [uri, copy])
      await commitRest(id)
      const committed = await readFile(image)
      expect(committed.equals(await readFile(copy))).toBe(true)
      expect(committed.equals(content)).toBe(false)
    },
  )

  it.each(BLOCK_SIZES)(
    'of several clients in the same blocks of %s keeps every byte of theirs (seed 9)',
    async (_name, blockSize) => {
      const { id } = await watched.open(image, blockSize)
      const { uri } = await watched.serve(id)
      const expected = content.slice()
      const disks = await Promise.all([0, 1, 2, 3].map(() => connect(uri)))
      const load = Promise.all(
        disks.map((disk, client) => writeStripes(disk, client, expected, new Prng(9 + client))),
      )
      expect(await commitDuring(id, load)).toBeGreaterThan(1)
      const seen = new Uint8Array(SIZE)
      for (let at = 0; at < SIZE; at += MIB) await disks[0]?.read(seen.subarray(at, at + MIB), at)
      expect(Buffer.compare(seen, expected)).toBe(0)
      await commitRest(id)
      expect((await readFile(image)).equals(expected)).toBe(true)
      for (const disk of disks) await disk.close()
    },
  )
})

/** Stripes that are no multiple of any block, each of one client: neighbours share their blocks. */
const STRIPE = 20_000
const WRITES = 300

/** Writes and zeroes at random in the client's own stripes, and in `expected`. */
async function writeStripes(disk: NbdDisk, client: number, expected: Uint8Array, prng: Prng) {
  const own = Math.floor(SIZE / STRIPE / 4)
  for (let i = 0; i < WRITES; i++) {
    const start = (prng.below(own) * 4 + client) * STRIPE
    const from = start + prng.below(STRIPE - 1)
    const length = 1 + prng.below(start + STRIPE - from)
    const target = expected.subarray(from, from + length)
    if (prng.below(4) === 0) {
      target.fill(0)
      await disk.zero(from, length)
    } else await disk.write(prng.fill(target), from)
  }
}

describe('the end of an export', () => {
  it('comes with clients connected, and keeps what they staged', async () => {
    const { id } = await watched.open(image)
    const { uri, id: exported } = await watched.serve(id)
    const disk = await connect(uri)
    const closed = new Promise<unknown>((resolve) => {
      disk.onClosed = resolve
    })
    await disk.write(new Uint8Array(10).fill(9), 100)
    const stopped = watched.next('export.stopped')
    const began = performance.now()
    await watched.page.request('export.stop', { export: exported })
    expect(performance.now() - began).toBeLessThan(3000)
    expect(await stopped).toEqual({ export: exported, session: id })
    await closed
    await expect(disk.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'DISCONNECTED' })
    expect(existsSync(join(watched.dir, 'export'))).toBe(false)
    expect(await rowsOf(id)).toMatchObject([{ offset: 0, length: BLOCK, origin: 'client 1' }])
    // The name is free again at once.
    expect((await watched.serve(id)).uri).toBe(uri)
  })

  it('comes with its session, whose image stays as it was', async () => {
    const { id } = await watched.open(image)
    const { uri } = await watched.serve(id)
    const disk = await connect(uri)
    const closed = new Promise<unknown>((resolve) => {
      disk.onClosed = resolve
    })
    await disk.write(new Uint8Array(BLOCK).fill(9), 0)
    await expect(watched.page.request('session.close', { session: id })).rejects.toMatchObject({
      code: 'STAGED_CHANGES',
    })
    await disk.read(new Uint8Array(1), 0)
    const ended = [watched.next('export.stopped'), watched.next('session.closed')]
    await watched.page.request('session.close', { session: id, discard: true })
    await Promise.all(ended)
    await closed
    expect((await readFile(image)).equals(content)).toBe(true)
    const { value: hello } = await watched.page.request('host.hello', {})
    expect({ sessions: hello.sessions, exports: hello.exports }).toEqual({
      sessions: [],
      exports: [],
    })
  })
})

describe('an image that fails under an export', () => {
  it('because its file shrank gives clients errors, no bytes, and the page the reason', async () => {
    const { id } = await watched.open(image)
    const { uri } = await watched.serve(id)
    const disk = await connect(uri)
    await disk.write(new Uint8Array(BLOCK).fill(3), 12 * MIB)
    await truncate(image, MIB)
    const trouble = watched.next('session.changed', (info) => info.trouble !== undefined)
    const bytes = new Uint8Array(4096).fill(0xee)
    await expect(disk.read(bytes, 8 * MIB)).rejects.toMatchObject({ code: 'IO_ERROR' })
    expect(bytes.every((byte) => byte === 0xee)).toBe(true)
    expect((await trouble).trouble).toMatchObject({ code: 'SIZE_CHANGED' })
    // What was staged is still there, and is what clients read.
    await disk.read(bytes, 12 * MIB)
    expect(bytes.every((byte) => byte === 3)).toBe(true)
    await disk.close()
  })

  it.skipIf(!requirePeer('nbdkit'))('because its server is gone does the same', async () => {
    const socket = join(watched.dir, 'nbdkit')
    const args = ['-f', '-U', socket, 'memory', String(SIZE)]
    const nbdkit = await PeerProcess.start('nbdkit', args, () => isListening(socket))
    servers.push(nbdkit)
    const { id } = await watched.open(`nbd+unix:///?socket=${socket}`)
    const { uri } = await watched.serve(id)
    const disk = await connect(uri)
    await disk.write(new Uint8Array(BLOCK).fill(3), 0)
    const trouble = watched.next('session.changed', (info) => info.trouble !== undefined)
    nbdkit.signal('SIGKILL')
    await nbdkit.stop()
    await expect(disk.read(new Uint8Array(512), 8 * MIB)).rejects.toMatchObject({
      code: 'IO_ERROR',
    })
    expect((await trouble).trouble).toMatchObject({ code: 'DISCONNECTED' })
    const bytes = new Uint8Array(BLOCK)
    await disk.read(bytes, 0)
    expect(bytes.every((byte) => byte === 3)).toBe(true)
    const job = await watched.commit(id)
    expect(job).toMatchObject({ state: 'failed', error: { code: 'DISCONNECTED' } })
    expect(await rowsOf(id)).toMatchObject([{ offset: 0, length: BLOCK, state: 'written' }])
    await disk.close()
  })
})

describe.skipIf(!requirePeer('nbdkit') || !requirePeer('nbdcopy'))('an image behind NBD', () => {
  it('gets what was staged over it, and nothing before the commit', async () => {
    const socket = join(watched.dir, 'nbdkit')
    const args = ['-f', '-U', socket, 'file', image]
    servers.push(await PeerProcess.start('nbdkit', args, () => isListening(socket)))
    const { id } = await watched.open(`nbd+unix:///?socket=${socket}`)
    const { uri } = await watched.serve(id)
    const expected = content.slice()
    const disk = await connect(uri)
    expected.fill(0xaa, 1000, 200_000)
    await disk.write(expected.subarray(1000, 200_000), 1000)
    expected.fill(0, 5 * MIB, 6 * MIB)
    await disk.zero(5 * MIB, MIB)
    await disk.close()
    expect((await readFile(image)).equals(content)).toBe(true)
    expect(await watched.commit(id)).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(expected)).toBe(true)
  })
})
