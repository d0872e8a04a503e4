// `platter serve` as an operator and its clients see it: the URI, the modes, the signals, what is in the way.

import { existsSync } from 'node:fs'
import { mkdtemp, readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { dialTransport } from '../engine/io/dial-transport'
import { systemClock } from '../engine/io/system-clock'
import { type NbdDisk, openNbdDisk } from '../engine/nbd/nbd-disk'
import { parseNbdUri } from '../engine/nbd/uri'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { ensureBuilt, platter, RunningPlatter, runToFull } from './command.test-helper'
import { type RudeConnection, withRudeServer } from './rude-server.test-helper'

const MIB = 1024 * 1024
const SIZE = 4 * MIB

let dir = ''
let image = ''
let socket = ''
const running: RunningPlatter[] = []

beforeAll(ensureBuilt, 120_000)
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-serve-')))
  image = join(dir, 'disk.img')
  socket = join(dir, 's')
  await writeFile(image, new Uint8Array(SIZE).fill(0x11))
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.end('SIGKILL')))
  await rm(dir, { recursive: true })
})

function serve(...args: string[]): RunningPlatter {
  const server = new RunningPlatter(['serve', ...args], dir)
  running.push(server)
  return server
}

function connect(uri: string): Promise<NbdDisk> {
  const { address, exportName } = parseNbdUri(uri)
  return openNbdDisk({
    dial: (signal) => dialTransport(address, { timeoutMs: 5000, signal }),
    exportName,
    clock: systemClock,
  })
}

const qemuIo = (uri: string, ...commands: string[]) =>
  runPeer('qemu-io', ['-f', 'raw', uri, ...commands.flatMap((command) => ['-c', command])])

const refusedWith = (why: RegExp) => ({
  status: 1,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^platter: [^\\n]*${why.source}[^\\n]*\\n$`)),
})

describe.skipIf(!requirePeer('qemu-io'))('a served image', () => {
  it('is read-only, and untouched, unless told otherwise', async () => {
    const server = serve(image, '--socket', socket)
    const uri = await server.firstLine()
    expect(uri).toBe(`nbd+unix:///?socket=${socket}`)
    expect(await qemuIo(uri, 'write -P 1 0 4k')).toMatchObject({ status: 1 })
    const read = await runPeer('qemu-io', ['-r', '-f', 'raw', uri, '-c', 'read -P 0x11 0 4M'])
    expect(read).toMatchObject({ status: 0 })
    expect(await server.end()).toMatchObject({ status: 0, stderr: '', stdout: `${uri}\n` })
    expect((await readFile(image)).every((byte) => byte === 0x11)).toBe(true)
    expect(existsSync(socket)).toBe(false)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'holds every write when it is writable and ends by %s',
    async (name) => {
      const server = serve(image, '--socket', socket, '--writable')
      const uri = await server.firstLine()
      const done = await qemuIo(uri, 'write -P 0x5a 64k 100k', 'write -z 1M 64k', 'discard 2M 1M')
      expect(done).toMatchObject({ status: 0 })
      expect(await server.end(name)).toMatchObject({ status: 0, stderr: '' })
      const expected = new Uint8Array(SIZE).fill(0x11)
      expected.fill(0x5a, 64 * 1024, 164 * 1024)
      expected.fill(0, MIB, MIB + 64 * 1024)
      const content = await readFile(image)
      // What a discard leaves behind is the file's own affair.
      content.fill(0x11, 2 * MIB, 3 * MIB)
      expect(content.equals(expected)).toBe(true)
    },
  )

  it('takes writes with --cow and stays as it was', async () => {
    const server = serve(image, '--socket', socket, '--cow', '--block-size', '4K')
    const uri = await server.firstLine()
    const done = await qemuIo(
      uri,
      'write -P 0x5a 1k 10k',
      'read -P 0x5a 1k 10k',
      'read -P 0x11 0 1k',
    )
    expect(done).toMatchObject({ status: 0 })
    expect(done.stdout).not.toContain('Pattern verification failed')
    expect(await server.end()).toMatchObject({ status: 0 })
    expect((await readFile(image)).every((byte) => byte === 0x11)).toBe(true)
  })
})

describe('the URI', () => {
  it.each([
    '',
    'plain',
    'with space',
    'ünï/画像',
    'a%2Fb?c#d&e=f',
    '/slash',
    'quo"te\'s',
    '..',
    '+',
  ])('leads back to the export of name %j', async (name) => {
    const server = serve(image, '--socket', socket, '--name', name)
    const uri = await server.firstLine()
    expect(uri).toMatch(/^[!-~]+$/)
    const disk = await connect(uri)
    expect(disk.size).toBe(SIZE)
    await disk.close()
    if (requirePeer('nbdinfo')) {
      const info = await runPeer('nbdinfo', ['--json', uri])
      expect(JSON.parse(info.stdout)).toMatchObject({
        exports: [{ 'export-name': name, 'export-size': SIZE }],
      })
    }
  })

  it('of a relative socket path is absolute', async () => {
    const server = serve('disk.img', '--socket', 'a b.sock')
    expect(await server.firstLine()).toBe(`nbd+unix:///?socket=${dir}/a%20b.sock`)
    expect(existsSync(join(dir, 'a b.sock'))).toBe(true)
  })

  it('of a TCP port 0 has the port that was found', async () => {
    const uri = await serve(image, '--port', '0').firstLine()
    expect(uri).toMatch(/^nbd:\/\/127\.0\.0\.1:[1-9]\d*\/$/)
    const disk = await connect(uri)
    await disk.close()
  })

  it('of an address that others reach comes with a warning', async () => {
    const server = serve(image, '--bind', '0.0.0.0', '--port', '0', '--cow')
    const disk = await connect((await server.firstLine()).replace('0.0.0.0', '127.0.0.1'))
    await disk.close()
    expect(await server.end()).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^platter: warning: 0\.0\.0\.0 .* no authentication.*\n$/),
    })
  })
})

describe('an end', () => {
  it('does not wait for a client that does nothing', async () => {
    const server = serve(image, '--socket', socket)
    const disk = await connect(await server.firstLine())
    const closed = new Promise((resolve) => {
      disk.onClosed = resolve
    })
    const began = performance.now()
    expect(await server.end()).toMatchObject({ status: 0 })
    expect(performance.now() - began).toBeLessThan(5000)
    await closed
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s in the middle of writes loses none that was acknowledged',
    async (name) => {
      const server = serve(image, '--socket', socket, '--writable')
      const disk = await connect(await server.firstLine())
      const acknowledged: number[] = []
      const writeAll = async (first: number) => {
        for (let block = first; block < SIZE / 4096; block += 4) {
          await disk.write(new Uint8Array(4096).fill(0x80 + (block % 100)), block * 4096)
          acknowledged.push(block)
          if (acknowledged.length === 100) server.signal(name)
        }
      }
      const ends = await Promise.allSettled([0, 1, 2, 3].map(writeAll))
      expect(ends.some((end) => end.status === 'rejected')).toBe(true)
      await server.ended
      const content = await readFile(image)
      expect(acknowledged.length).toBeGreaterThanOrEqual(100)
      for (const block of acknowledged) {
        const bytes = content.subarray(block * 4096, (block + 1) * 4096)
        expect(bytes.every((byte) => byte === 0x80 + (block % 100))).toBe(true)
      }
    },
  )

  it('does not wait for a client that never says anything, nor for one that says nothing more', async () => {
    const server = serve(image, '--socket', socket)
    await server.firstLine()
    const silent = await dialTransport({ kind: 'unix', path: socket }, { timeoutMs: 5000 })
    silent.start({ onData: () => undefined, onDrain: () => undefined, onClose: () => undefined })
    expect(await server.end()).toMatchObject({ status: 0 })
    silent.destroy()
  })

  it('waits for a request that is under way, until it is asked for again', async () => {
    const asked: (() => void)[] = []
    const silent = async (source: RudeConnection) => {
      await source.shakeHands(SIZE)
      await source.readRequest()
      for (const tell of asked) tell()
    }
    await withRudeServer(join(dir, 'source'), silent, async (source) => {
      const server = serve(source, '--socket', socket)
      const disk = await connect(await server.firstLine())
      const underWay = new Promise<void>((resolve) => asked.push(resolve))
      const read = disk.read(new Uint8Array(512), 0).catch((error: unknown) => error)
      await underWay
      server.signal('SIGTERM')
      // Nobody new is let in from now on: the sign that it has begun to end.
      await vi.waitUntil(() => !existsSync(socket))
      const began = performance.now()
      server.signal('SIGTERM')
      expect(await server.ended).toMatchObject({ status: 0, stderr: '' })
      expect(performance.now() - began).toBeLessThan(5000)
      expect(await read).toMatchObject({ code: 'DISCONNECTED' })
    })
  })

  it('comes at once when it is asked for before anything is served', async () => {
    // A server that takes the connection and says nothing would hold the opening for seconds.
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(socket, resolve))
    const asked = new Promise<void>((resolve) => silent.once('connection', () => resolve()))
    const server = serve(`nbd+unix:///?socket=${socket}`, '--port', '0')
    await asked
    const began = performance.now()
    expect(await server.end()).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
    expect(performance.now() - began).toBeLessThan(5000)
    silent.close()
  })

  it('is not lost when the URI cannot be written', async () => {
    const { status, stderr } = await runToFull(['serve', image, '--socket', socket])
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^platter: standard output: cannot write .*ENOSPC.*\n$/),
    })
    expect(existsSync(socket)).toBe(false)
  })
})

describe('what is in the way', () => {
  it('is a port that is taken', async () => {
    const uri = await serve(image, '--port', '0').firstLine()
    const { port } = new URL(uri)
    expect(await platter(['serve', image, '--port', port])).toEqual(
      refusedWith(new RegExp(`127\\.0\\.0\\.1:${port}: the address is in use`)),
    )
  })

  it('is a socket that somebody listens on, who is left alone', async () => {
    const uri = await serve(image, '--socket', socket).firstLine()
    expect(await platter(['serve', image, '--socket', socket])).toEqual(
      refusedWith(/s: the socket is in use: somebody listens there/),
    )
    const disk = await connect(uri)
    await disk.close()
  })

  it('is not a socket whose owner is gone', async () => {
    const dead = serve(image, '--socket', socket)
    await dead.firstLine()
    await dead.end('SIGKILL')
    expect(existsSync(socket)).toBe(true)
    const disk = await connect(await serve(image, '--socket', socket).firstLine())
    await disk.close()
  })

  it('is a file, which is kept', async () => {
    await writeFile(socket, 'mine')
    expect(await platter(['serve', image, '--socket', socket])).toEqual(
      refusedWith(/s: a file that is no socket is in the way/),
    )
    expect(await readFile(socket, 'utf8')).toBe('mine')
  })

  it('is a path too long, a directory that is not there, an address of somebody else', async () => {
    const long = join(dir, 'x'.repeat(200))
    const results = await Promise.all([
      platter(['serve', image, '--socket', long]),
      platter(['serve', image, '--socket', join(dir, 'no', 's')]),
      platter(['serve', image, '--socket', '/proc/platter.sock']),
      platter(['serve', image, '--bind', '203.0.113.7', '--port', '0']),
    ])
    expect(results[0]).toEqual(
      refusedWith(
        new RegExp(`a socket path has at most 10[37] bytes, this one has ${long.length}`),
      ),
    )
    expect(results[1]).toEqual(refusedWith(/its directory does not exist/))
    expect(results[2]).toEqual(refusedWith(/no permission to listen there/))
    expect(results[3]).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /\nplatter: 203\.0\.113\.7:0: not an address of this machine\n$/,
      ),
    })
  })

  it('is an image that cannot be written', async () => {
    // Even root may not write to a program that runs.
    expect(await platter(['serve', '--writable', process.execPath, '--port', '0'])).toEqual(
      refusedWith(/cannot open for writing: the file is a program that is running \(ETXTBSY\)/),
    )
  })
})

describe('a file that shrinks while it is served', () => {
  it.each(['read-only', 'cow', 'writable'])(
    'gives %s clients an error and no made-up bytes',
    async (mode) => {
      const flags = mode === 'read-only' ? [] : [`--${mode}`]
      const server = serve(image, '--socket', socket, ...flags)
      const disk = await connect(await server.firstLine())
      await truncate(image, MIB)
      const bytes = new Uint8Array(4096).fill(0xee)
      await expect(disk.read(bytes, 2 * MIB)).rejects.toMatchObject({
        code: 'IO_ERROR',
        message: expect.stringMatching(/NBD_EIO.*disk\.img.*shr/),
      })
      expect(bytes.every((byte) => byte === 0xee)).toBe(true)
      await expect(disk.extents(2 * MIB, MIB)).rejects.toMatchObject({ code: 'IO_ERROR' })
      // What is still there is still served.
      await disk.read(bytes, 0)
      expect(bytes.every((byte) => byte === 0x11)).toBe(true)
      await disk.close()
      await server.end()
      expect((await readFile(image)).length).toBe(MIB)
    },
  )
})
