// Our server under the clients of others: libnbd (nbdinfo, nbdcopy, nbdsh), qemu (qemu-io, qemu-img) and
// fio, in what they do not do alike over every transport (server-peers.interop.test.ts). It runs in this
// process, on a socket in a fresh directory or a loopback port.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import type { Disk } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import { PatternDisk } from '../disk/pattern-disk'
import * as bs from '../nbd/byte-script.test-helper'
import type { NbdExport } from '../nbd/export-registry'
import { ExportRegistry } from '../nbd/export-registry'
import type { NbdServerOptions } from '../nbd/nbd-server'
import { NbdServer } from '../nbd/nbd-server'
import type { ListenAddress } from '../nbd/transport'
import { formatNbdUri } from '../nbd/uri'
import { expectSameBytes, readWhole } from '../testing/expect-disk'
import type { PeerResult } from '../testing/peer-process'
import { requirePeer, runPeer, withTempDir } from '../testing/peer-process'
import { listenTransport } from './listen-transport'
import { systemClock } from './system-clock'

const MiB = 1 << 20

interface Served {
  readonly dir: string
  readonly uri: string
  readonly path: string
  readonly server: NbdServer
  readonly failures: string[]
  uriOf(name: string): string
  /** Runs a client that has to succeed. */
  run(command: string, ...args: string[]): Promise<PeerResult>
}

interface ServeOptions {
  readonly entries?: readonly NbdExport[]
  readonly server?: Partial<NbdServerOptions>
  readonly tcp?: boolean
}

async function withServed(
  disk: Disk,
  test: (served: Served) => Promise<void>,
  options: ServeOptions = {},
): Promise<void> {
  await withTempDir(async (dir) => {
    const exports = new ExportRegistry()
    exports.add({ name: '', disk, readOnly: false })
    for (const entry of options.entries ?? []) exports.add(entry)
    const failures: string[] = []
    const server = new NbdServer({
      exports,
      clock: systemClock,
      onClientGone: (_, error) => {
        if (error !== undefined) failures.push(error.message)
      },
      ...options.server,
    })
    const path = join(dir, 's')
    const asked: ListenAddress =
      options.tcp === true ? { kind: 'tcp', host: '127.0.0.1', port: 0 } : { kind: 'unix', path }
    const listener = await listenTransport(asked, (transport) => server.accept(transport))
    const uriOf = (name: string) => formatNbdUri(listener.address, name)
    const run: Served['run'] = async (command, ...args) => {
      const result = await runPeer(command, args, { cwd: dir, timeoutMs: 50_000 })
      expect(`${command}: ${result.status} ${result.stderr}`).toMatch(/^[a-z-]+: 0 /)
      return result
    }
    try {
      await test({ dir, uri: uriOf(''), path, server, failures, uriOf, run })
    } finally {
      await listener.close()
      await server.shutdown(2000)
    }
  })
}

const randomDisk = (size: number, seed: number) => {
  const bytes = new Prng(seed).fill(new Uint8Array(size))
  bytes.fill(0, size >> 2, size >> 1)
  return { disk: MemoryDisk.from(bytes), bytes }
}

describe.runIf(requirePeer('nbdinfo'))('our server under nbdinfo', () => {
  it('tells everything about an export', () =>
    withServed(
      new MemoryDisk(2 * MiB),
      async ({ uriOf, run }) => {
        const { stdout } = await run('nbdinfo', '--json', uriOf('disk'))
        expect(JSON.parse(stdout)).toMatchObject({
          protocol: 'newstyle-fixed',
          TLS: false,
          structured: true,
          exports: [
            {
              'export-name': 'disk',
              description: 'the system disk',
              contexts: ['base:allocation'],
              is_rotational: false,
              is_read_only: false,
              can_cache: true,
              can_df: true,
              can_fast_zero: true,
              can_flush: true,
              can_fua: true,
              can_multi_conn: true,
              can_trim: true,
              can_zero: true,
              block_size_minimum: 1,
              block_size_preferred: 4096,
              block_size_maximum: 33554432,
              'export-size': 512,
            },
          ],
        })
      },
      {
        entries: [
          {
            name: 'disk',
            description: 'the system disk',
            disk: new MemoryDisk(512),
            readOnly: false,
          },
        ],
      },
    ))

  it('lists every export, those with strange names too', () =>
    withServed(
      new MemoryDisk(MiB),
      async ({ uri, uriOf, run }) => {
        const { stdout } = await run('nbdinfo', '--list', '--json', uri)
        const exports = JSON.parse(stdout).exports as Record<string, unknown>[]
        expect(exports.map((entry) => [entry['export-name'], entry['export-size']])).toEqual([
          ['', MiB],
          ['a/b c?#%é', 1024],
          ['ro', 512],
        ])
        expect((await run('nbdinfo', '--size', uriOf('a/b c?#%é'))).stdout).toBe('1024\n')
        const can = await runPeer('nbdinfo', ['--is', 'readonly', uriOf('ro')])
        expect(can.status).toBe(0)
        const missing = await runPeer('nbdinfo', ['--size', uriOf('nowhere')])
        expect(missing.status).toBe(1)
        expect(missing.stderr).toMatch(/no export named 'nowhere'/)
      },
      {
        entries: [
          { name: 'a/b c?#%é', disk: new MemoryDisk(1024), readOnly: false },
          { name: 'ro', disk: new MemoryDisk(512), readOnly: true },
        ],
      },
    ))

  it('maps what the disk says, extent for extent', async () => {
    const disk = new MemoryDisk(64 * MiB)
    const prng = new Prng(4)
    for (let i = 0; i < 300; i++) await disk.write(new Uint8Array(1), prng.below(64 * MiB))
    const expected = (await disk.extents(0, disk.size)).toArray()
    expect(expected.length).toBeGreaterThan(200)
    await withServed(disk, async ({ uri, run }) => {
      const { stdout } = await run('nbdinfo', '--map', '--json', uri)
      const rows = JSON.parse(stdout) as { offset: number; length: number; type: number }[]
      expect(rows.map(({ offset, length, type }) => ({ offset, length, flags: type }))).toEqual(
        expected,
      )
    })
  })
})

describe.runIf(requirePeer('nbdcopy'))('our server under nbdcopy', () => {
  it.each([[false], [true]])('gives every byte (holes sent as holes: %s)', (sendHoles) => {
    const { disk, bytes } = randomDisk(20 * MiB + 512, 1)
    return withServed(
      disk,
      async ({ dir, uri, run, server, failures }) => {
        await run('nbdcopy', uri, join(dir, 'out'))
        expectSameBytes(await readFile(join(dir, 'out')), bytes)
        expect(server.clients).toEqual([])
        expect(failures).toEqual([])
      },
      { server: { sendHoles } },
    )
  })

  it('takes every byte, over several connections', () => {
    const { bytes } = randomDisk(20 * MiB + 512, 2)
    const disk = new MemoryDisk(bytes.length)
    return withServed(disk, async ({ dir, uri, run, failures }) => {
      await writeFile(join(dir, 'in'), bytes)
      await run('nbdcopy', '-C', '4', '--flush', join(dir, 'in'), uri)
      expectSameBytes(await readWhole(disk), bytes)
      expect(failures).toEqual([])
    })
  })

  it('copies from one of our exports to another over TCP', () => {
    const { disk, bytes } = randomDisk(8 * MiB, 3)
    const target = new MemoryDisk(bytes.length)
    return withServed(
      disk,
      async ({ uri, uriOf, run }) => {
        await run('nbdcopy', '--synchronous', uri, uriOf('target'))
        expectSameBytes(await readWhole(target), bytes)
      },
      { tcp: true, entries: [{ name: 'target', disk: target, readOnly: false }] },
    )
  })

  it('reads the pattern as nbdkit would make it', () =>
    withServed(new PatternDisk(4 * MiB), async ({ dir, uri, run }) => {
      await run('nbdcopy', uri, join(dir, 'out'))
      const sum = createHash('sha256')
        .update(await readFile(join(dir, 'out')))
        .digest('hex')
      const result = await run(
        'nbdkit',
        '-U',
        '-',
        'pattern',
        '4M',
        '--run',
        'nbdcopy $uri - | sha256sum',
      )
      expect(result.stdout.split(' ')[0]).toBe(sum)
    }))
})

describe.runIf(requirePeer('qemu-io') && requirePeer('qemu-img'))('our server under qemu', () => {
  it('serves a read-only export that cannot be written', () =>
    withServed(
      new MemoryDisk(MiB),
      async ({ uriOf, run }) => {
        await run('qemu-io', '-r', '-f', 'raw', '-c', 'read 0 64k', uriOf('ro'))
        const write = await runPeer('qemu-io', ['-f', 'raw', '-c', 'write 0 64k', uriOf('ro')])
        expect(write.status).not.toBe(0)
      },
      { entries: [{ name: 'ro', disk: new MemoryDisk(MiB), readOnly: true }] },
    ))

  it('is the same as a file to qemu-img compare, and different after one byte', () => {
    const { disk, bytes } = randomDisk(5 * MiB, 8)
    return withServed(disk, async ({ dir, uri, run }) => {
      const file = join(dir, 'file')
      await writeFile(file, bytes)
      await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', file, uri)
      await disk.write(Uint8Array.of((bytes[4 * MiB] ?? 0) ^ 1), 4 * MiB)
      const other = await runPeer('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', file, uri])
      expect(other.status).toBe(1)
      expect(other.stdout).toMatch(/mismatch at offset 4194304/)
    })
  })

  it('is mapped by qemu-img as the disk says', async () => {
    const disk = new MemoryDisk(16 * MiB)
    await disk.write(new Uint8Array(100), 3 * MiB)
    await disk.write(new Uint8Array(100), 9 * MiB)
    await withServed(disk, async ({ uri, run }) => {
      const { stdout } = await run('qemu-img', 'map', '-f', 'raw', '--output=json', uri)
      const rows = JSON.parse(stdout) as {
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

  it('is converted to a qcow2 and back', () => {
    const { disk, bytes } = randomDisk(5 * MiB, 9)
    const back = new MemoryDisk(5 * MiB)
    return withServed(
      disk,
      async ({ dir, uri, uriOf, run }) => {
        const image = join(dir, 'a.qcow2')
        await run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', uri, image)
        await run('qemu-img', 'convert', '-n', '-f', 'qcow2', '-O', 'raw', image, uriOf('back'))
        expectSameBytes(await readWhole(back), bytes)
      },
      { entries: [{ name: 'back', disk: back, readOnly: false }] },
    )
  })
})

describe.runIf(requirePeer('fio'))('our server under fio', () => {
  it.each([
    ['randwrite', '4k', 1],
    ['randwrite', '4k', 16],
    ['randrw', '13k', 64],
    ['write', '1M', 8],
  ])('keeps what %s of %s at depth %i writes, verified', (rw, size, depth) =>
    withServed(new MemoryDisk(16 * MiB), async ({ uri, run, failures }) => {
      const { stdout } = await run(
        'fio',
        '--name=verify',
        '--ioengine=nbd',
        `--uri=${uri}`,
        `--rw=${rw}`,
        `--bs=${size}`,
        `--iodepth=${depth}`,
        '--size=16M',
        '--verify=crc32c',
        '--verify_fatal=1',
        '--verify_state_save=0',
        '--randseed=7',
      )
      expect(stdout).toMatch(/err= 0/)
      expect(failures).toEqual([])
    }),
  )
})

const NBDSH_PATH = { ...process.env, PATH: `/usr/bin:${process.env['PATH'] ?? ''}` }

describe.runIf(requirePeer('nbdsh'))('our server under nbdsh', () => {
  const run = (script: string) => runPeer('nbdsh', ['-c', script], { env: NBDSH_PATH })

  it('negotiates step by step', () =>
    withServed(
      new MemoryDisk(MiB),
      async ({ path }) => {
        const result = await run(`
h.set_opt_mode(True)
h.connect_unix("${path}")
names = []
h.opt_list(lambda name, text: names.append((name, text)) or 0)
contexts = []
h.add_meta_context("base:")
h.opt_list_meta_context(lambda name: contexts.append(name) or 0)
h.clear_meta_contexts()
h.add_meta_context("base:allocation")
h.set_export_name("b")
h.opt_info()
size = h.get_size()
h.set_export_name("")
h.opt_go()
print(names, contexts, size, h.get_size(), h.can_meta_context("base:allocation"))
`)
        expect(result.stderr).toBe('')
        expect(result.stdout).toBe(
          `[('', ''), ('b', 'second')] ['base:allocation'] 512 1048576 True\n`,
        )
      },
      {
        entries: [{ name: 'b', description: 'second', disk: new MemoryDisk(512), readOnly: false }],
      },
    ))

  it('answers what must not be asked with the error of the specification', () =>
    withServed(new MemoryDisk(MiB), async ({ path, failures }) => {
      const attempts = [
        'h.pread(512, 1048576)',
        'h.pread(513, 1048064)',
        'h.pwrite(b"x" * 512, 1048576)',
        'h.zero(512, 1048576)',
        'h.trim(512, 1048576)',
        'h.cache(512, 1048576)',
        'h.block_status(512, 1048576, lambda *a: 0)',
        'h.pread(0, 0)',
        'h.flush(flags=2)',
        'h.pwrite(b"x", 0, flags=4)',
        'h.trim(512, 0, flags=8)',
        'h.pread(512, 0, flags=64)',
      ]
      const result = await run(`
import errno
h.add_meta_context("base:allocation")
h.connect_unix("${path}")
h.set_strict_mode(0)
for attempt in ${JSON.stringify(attempts)}:
    try:
        eval(attempt)
        print("accepted", attempt)
    except nbd.Error as error:
        print(error.errno)
print(h.pread(1, 0))
`)
      expect(result.stderr).toBe('')
      const expected = ['EINVAL', 'EINVAL', 'ENOSPC', 'ENOSPC', ...Array(8).fill('EINVAL')]
      expect(result.stdout.trim().split('\n')).toEqual([...expected, "bytearray(b'\\x00')"])
      expect(failures).toEqual([])
    }))

  it('tells in its own words why a request failed', async () => {
    const disk = new MemoryDisk(MiB)
    disk.read = () => Promise.reject(new PlatterError('IO_ERROR', 'the head has crashed'))
    await withServed(disk, async ({ path }) => {
      const result = await runPeer(
        'nbdsh',
        ['-c', `h.set_debug(True); h.connect_unix("${path}"); h.pread(512, 0)`],
        { env: NBDSH_PATH },
      )
      expect(result.stderr).toMatch(/the head has crashed/)
      expect(result.stderr).toMatch(/Input\/output error/)
    })
  })
})

describe('our server under attack', () => {
  it('survives clients that hang up anywhere in a conversation', () =>
    withServed(new MemoryDisk(MiB), async ({ path, server }) => {
      const conversation = bs.script(
        bs.clientFlags(),
        bs.option(8),
        bs.option(7, bs.sized(''), bs.u16(0)),
        bs.request({ command: 1, cookie: 1, data: new Uint8Array(100).fill(1) }),
        bs.request({ command: 0, cookie: 2, length: 4096 }),
      )
      const talk = (length: number) =>
        new Promise<void>((resolve, reject) => {
          const socket = connect(path)
          socket.on('error', reject)
          socket.on('data', () => undefined)
          socket.on('close', () => resolve())
          socket.end(conversation.subarray(0, length))
        })
      for (let length = 0; length <= conversation.length; length++) await talk(length)
      expect(server.clients).toEqual([])
    }))

  it('leaves no socket behind', async () => {
    let left = ''
    await withServed(new MemoryDisk(MiB), async ({ path }) => {
      left = path
      expect(existsSync(path)).toBe(true)
    })
    expect(existsSync(left)).toBe(false)
  })
})

describe.runIf(requirePeer('nbd-client'))('our server under nbd-client', () => {
  it('lists its exports over TCP', () =>
    withServed(
      new MemoryDisk(MiB),
      async ({ uri, run }) => {
        const port = /:(\d+)\//.exec(uri)?.[1] ?? ''
        const { stdout } = await run('nbd-client', '-l', '127.0.0.1', port)
        expect(stdout).toContain('the-second')
      },
      {
        tcp: true,
        entries: [{ name: 'the-second', disk: new MemoryDisk(512), readOnly: true }],
      },
    ))
})
