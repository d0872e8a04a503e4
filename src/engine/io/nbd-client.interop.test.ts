// Our client against the servers of others: nbdkit with the filters that make a server difficult, and
// qemu-nbd. Each server lives in a fresh directory and is ended by its process id.

import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ExtentList } from '../disk/extents'
import { fillPattern } from '../disk/pattern-disk'
import { listNbdExports } from '../nbd/list-exports'
import { openNbdDisk } from '../nbd/nbd-disk'
import { runDiskModel } from '../testing/disk-model'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { PeerProcess, requirePeer, runPeer } from '../testing/peer-process'
import { dialTransport } from './dial-transport'
import { listenTransport } from './listen-transport'
import type { Reached } from './reached-server.test-helper'
import { allExtents, dialer, withNbdkit, withServer } from './reached-server.test-helper'
import { systemClock } from './system-clock'

const MiB = 1 << 20

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const listener = await listenTransport({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (transport) =>
    transport.destroy(),
  )
  await listener.close()
  return (listener.address as { port: number }).port
}

/** What `nbdinfo --map` says about the same server, neighbours of one kind joined. */
async function mapOf(path: string): Promise<ExtentList> {
  const uri = `nbd+unix:///?socket=${path}`
  const result = await runPeer('nbdinfo', ['--map', '--json', uri])
  expect(result.stderr).toBe('')
  const rows = JSON.parse(result.stdout) as { offset: number; length: number; type: number }[]
  const list = new ExtentList(0)
  for (const row of rows) {
    expect(row.offset).toBe(list.end)
    list.append(row.length, row.type)
  }
  return list
}

describe.runIf(requirePeer('nbdkit'))('our client at nbdkit', () => {
  it('reads the pattern, every byte of it', () =>
    withNbdkit(['pattern', '5M'], async ({ open }) => {
      const disk = await open()
      expect(disk.info).toMatchObject({ handshake: 'fixed newstyle', structured: true })
      const expected = new Uint8Array(5 * MiB)
      fillPattern(expected, 0)
      expectSameBytes(await readWhole(disk), expected)
      const odd = new Uint8Array(10_001)
      await disk.read(odd, 1_234_567)
      expectSameBytes(odd, expected.subarray(1_234_567, 1_244_568))
      expect(disk.capabilities.write).toBe(false)
    }))

  it('keeps hundreds of reads in flight', () =>
    withNbdkit(['pattern', '1G'], async ({ open }) => {
      const disk = await open()
      const reads = Array.from({ length: 600 }, async (_, i) => {
        const offset = (i * 1_767_773) % (2 ** 30 - 65_536)
        const [target, expected] = [new Uint8Array(65_536), new Uint8Array(65_536)]
        await disk.read(target, offset)
        fillPattern(expected, offset)
        expectSameBytes(target, expected)
      })
      await Promise.all(reads)
    }))

  it.each([
    ['structured replies', []],
    ['simple replies', ['--no-sr']],
    ['no fixed newstyle', ['--mask-handshake=0']],
    ['no NO_ZEROES', ['--mask-handshake=1']],
  ])('writes, zeroes, trims and reads back as a byte model does (%s)', (_, flags) =>
    withNbdkit([...flags, 'memory', '1M'], async ({ open }) => {
      const disk = await open()
      expect(disk.info.structured).toBe(flags.length === 0 || flags[0] === '--mask-handshake=1')
      await runDiskModel(disk, { seed: 11, steps: 400, content: new Uint8Array(MiB) })
      const writes = Array.from({ length: 100 }, (__, i) =>
        disk.write(new Uint8Array(700).fill(i), i * 700, { fua: i % 2 === 0 }),
      )
      await Promise.all(writes)
      await disk.flush()
      const back = new Uint8Array(70_000)
      await disk.read(back, 0)
      expectSameBytes(
        back,
        Uint8Array.from({ length: 70_000 }, (__, i) => Math.floor(i / 700)),
      )
    }),
  )

  // It offers flush and FUA in the old style, and then refuses them: only plain work can be tested.
  it('writes and reads back in the old style', () =>
    withNbdkit(['-o', 'memory', '1M'], async ({ open }) => {
      const disk = await open()
      expect(disk.info).toMatchObject({ handshake: 'oldstyle', structured: false, size: MiB })
      await disk.write(new Uint8Array(70_000).fill(3), 12_345)
      const back = new Uint8Array(70_002)
      await disk.read(back, 12_344)
      const expected = new Uint8Array(70_002).fill(3)
      expected[0] = 0
      expected[70_001] = 0
      expectSameBytes(back, expected)
      await expectCode(disk.flush(), 'REFUSED')
    }))

  it('sees the map of a data disk as nbdinfo does', () =>
    withNbdkit(
      ['data', '@510 0x55 0xAA @0x8000 "hello"*3 @^0x20000 1', 'size=1M'],
      async ({ open, path }) => {
        const disk = await open()
        const list = await allExtents(disk)
        expect(list.toArray()).toEqual((await mapOf(path)).toArray())
        expect(list.toArray().map(({ length, flags }) => [length, flags])).toEqual([
          [65536, 0],
          [65536, 3],
          [32768, 0],
          [884736, 3],
        ])
      },
    ))

  it('sees the map of a gibibyte of fragments as nbdinfo does', () =>
    withNbdkit(
      ['sparse-random', 'size=1G', 'percent=10', 'seed=1', 'runlength=65536'],
      async ({ open, path }) => {
        const list = await allExtents(await open())
        expect(list.count).toBeGreaterThan(1000)
        expect(list.toArray()).toEqual((await mapOf(path)).toArray())
      },
    ))

  it('calls everything data where there are no extents', () =>
    withNbdkit(['--filter=noextents', 'memory', '1M'], async ({ open }) => {
      const disk = await open()
      expect((await allExtents(disk)).toArray()).toEqual([{ offset: 0, length: MiB, flags: 0 }])
    }))

  it('obeys block sizes that are enforced', () =>
    withNbdkit(
      [
        '--filter=blocksize-policy',
        'memory',
        '1M',
        'blocksize-minimum=4096',
        'blocksize-preferred=65536',
        'blocksize-maximum=128K',
        'blocksize-error-policy=error',
      ],
      async ({ open }) => {
        const disk = await open()
        expect(disk.info.blockSize).toEqual({ minimum: 4096, preferred: 65536, maximum: 131072 })
        expect(disk.blockSize).toMatchObject({ minimum: 1, preferred: 65536 })
        await runDiskModel(disk, { seed: 5, steps: 400, content: new Uint8Array(MiB), unit: 1 })
      },
    ))

  it('reads a size that is not a multiple of the minimum block', () =>
    withNbdkit(
      [
        'eval',
        'get_size=echo 65537',
        'block_size=echo 4096 4096 65536',
        'pread=dd if=/dev/zero count=$3 iflag=count_bytes status=none',
      ],
      async ({ open }) => {
        const disk = await open()
        expect(disk.size).toBe(65537)
        expectSameBytes(await readWhole(disk), new Uint8Array(65537))
        const last = new Uint8Array(1).fill(9)
        await disk.read(last, 65536)
        expect(last[0]).toBe(0)
      },
    ))

  it('gets the server’s own error for what fails, and goes on', () =>
    withNbdkit(
      ['--filter=error', 'memory', '1M', 'error-pread=ENOSPC', 'error-pread-rate=100%'],
      async ({ open }) => {
        const disk = await open()
        await expectCode(disk.read(new Uint8Array(512), 0), 'NO_SPACE')
        await disk.write(new Uint8Array(512), 0)
        await disk.flush()
      },
    ))

  it('gets the error of a map that fails', () =>
    withNbdkit(
      ['--filter=error', 'memory', '1M', 'error-extents=EIO', 'error-extents-rate=1'],
      async ({ open }) => {
        const disk = await open()
        await expectCode(disk.extents(0, MiB), 'IO_ERROR')
        await disk.read(new Uint8Array(512), 0)
      },
    ))

  it.each([
    ['EPERM', 'NO_PERMISSION'],
    ['EIO', 'IO_ERROR'],
    ['ENOMEM', 'LIMIT'],
    ['EINVAL', 'REFUSED'],
    ['ENOSPC', 'NO_SPACE'],
    ['ESHUTDOWN', 'DISCONNECTED'],
  ] as const)('knows %s', (errno, code) =>
    withNbdkit(
      ['eval', 'get_size=echo 1048576', `pread=echo "${errno} as told" >&2; exit 1`],
      async ({ open }) => {
        await expectCode((await open()).read(new Uint8Array(512), 0), code)
      },
    ),
  )

  it('gives a late read up in time, and uses the connection further', () =>
    withNbdkit(['--filter=delay', 'memory', '1M', 'rdelay=10'], async ({ open }) => {
      const disk = await open('', { requestTimeoutMs: 1500 })
      const late = disk.read(new Uint8Array(512), 0)
      // Signs of life: the server answers writes meanwhile.
      const stop = new AbortController()
      const busy = (async () => {
        while (!stop.signal.aborted) await disk.write(new Uint8Array(1), 4096)
      })()
      await expectCode(late, 'TIMEOUT')
      stop.abort()
      await busy
    }))

  it('gives a silent server up in time', () =>
    withNbdkit(['--filter=delay', 'memory', '1M', 'wdelay=10'], async ({ open }) => {
      const disk = await open('', { requestTimeoutMs: 400 })
      await expectCode(disk.write(new Uint8Array(512), 0), 'TIMEOUT')
      await expectCode(disk.read(new Uint8Array(512), 0), 'TIMEOUT')
    }))

  it('can cancel a read', () =>
    withNbdkit(['--filter=delay', 'memory', '1M', 'rdelay=200ms'], async ({ open }) => {
      const disk = await open()
      const stop = new AbortController()
      const read = disk.read(new Uint8Array(512), 0, { signal: stop.signal })
      stop.abort()
      await expectCode(read, 'ABORTED')
      await disk.read(new Uint8Array(512), 0)
    }))

  it('lists exports, and opens one by its name', () =>
    withNbdkit(
      [
        '--filter=exportname',
        'memory',
        '1M',
        'default-export=a',
        'exportname-list=explicit',
        'exportname=a',
        'exportname=b',
        'exportname-strict=true',
        'exportdesc=fixed:hello',
      ],
      async ({ open, path }) => {
        const list = await listNbdExports({ dial: dialer(path), clock: systemClock })
        expect(list).toEqual([
          { name: 'a', description: 'hello', size: MiB, readOnly: false },
          { name: 'b', description: 'hello', size: MiB, readOnly: false },
        ])
        expect((await open('b')).info).toMatchObject({ exportName: 'b', description: 'hello' })
        await expectCode(open('c'), 'EXPORT_UNKNOWN')
      },
    ))

  it.each([['-o'], ['--mask-handshake=0']])('says what it can about an old server (%s)', (flag) =>
    withNbdkit([flag, 'memory', '1M'], async ({ path }) => {
      const listing = listNbdExports({ dial: dialer(path), clock: systemClock })
      if (flag === '-o') expect(await listing).toMatchObject([{ name: '', size: MiB }])
      else await expectCode(listing, 'NOT_SUPPORTED')
    }),
  )

  it('refuses a disk that is too large for exact offsets, with its size', () =>
    withNbdkit(['null', '8191P'], async ({ open }) => {
      await expectCode(open(), 'LIMIT')
      await expect(open()).rejects.toThrow('9222246136947933184')
    }))

  it('works at the far end of a very large disk', () =>
    withNbdkit(['pattern', '7P'], async ({ open }) => {
      const disk = await open()
      const [target, expected] = [new Uint8Array(4097), new Uint8Array(4097)]
      await disk.read(target, disk.size - 4097)
      fillPattern(expected, disk.size - 4097)
      expectSameBytes(target, expected)
      expect((await disk.extents(disk.size - 512, 512)).toArray().length).toBe(1)
    }))

  it('is told what the disk is not able to', () =>
    withNbdkit(['--filter=nozero', 'memory', '1M', 'zeromode=none'], async ({ open }) => {
      const { capabilities } = await open()
      expect(capabilities).toMatchObject({ write: true, zero: false, fastZero: false })
    }))

  it('fails what is open when the server dies', () =>
    withNbdkit(['--filter=delay', 'memory', '1M', 'rdelay=10'], async ({ open, server }) => {
      const disk = await open()
      const lost = new Promise<unknown>((resolve) => {
        disk.onClosed = resolve
      })
      const read = expectCode(disk.read(new Uint8Array(512), 0), 'DISCONNECTED')
      await disk.flush()
      server.signal('SIGKILL')
      await read
      expect(await lost).toMatchObject({ code: 'DISCONNECTED' })
    }))

  it('is told of a shutdown while it waits', () =>
    withNbdkit(['--filter=delay', 'memory', '1M', 'rdelay=10'], async ({ open, server }) => {
      const disk = await open()
      const read = expectCode(disk.read(new Uint8Array(512), 0), 'DISCONNECTED')
      await disk.flush()
      server.signal('SIGTERM')
      await read
    }))

  it('is refused by a server that wants TLS, and says so', () =>
    withServer(
      'nbdkit',
      async (dir, socket) => {
        const keys = join(dir, 'keys.psk')
        await writeFile(keys, `alice:${'ab'.repeat(32)}\n`, { mode: 0o600 })
        return ['-f', '-U', socket, '--tls=require', `--tls-psk=${keys}`, 'memory', '1M']
      },
      async ({ open }) => {
        await expectCode(open(), 'REFUSED')
        await expect(open()).rejects.toThrow(/TLS/)
      },
    ))

  it('reaches a server over TCP by name and by address', async () => {
    const port = await freePort()
    const address = { kind: 'tcp', host: '127.0.0.1', port } as const
    const answers = () =>
      dialTransport(address, { timeoutMs: 1000 }).then(
        (transport) => {
          transport.destroy()
          return true
        },
        () => false,
      )
    const server = await PeerProcess.start(
      'nbdkit',
      ['-f', '-i', '127.0.0.1', '-p', String(port), 'pattern', '1M'],
      answers,
    )
    try {
      for (const host of ['127.0.0.1', 'localhost']) {
        const dial = () => dialTransport({ ...address, host }, { timeoutMs: 5000 })
        const disk = await openNbdDisk({ dial, exportName: '', clock: systemClock })
        expect(disk.size).toBe(MiB)
        await disk.close()
      }
    } finally {
      await server.stop()
    }
  })
})

describe.runIf(requirePeer('qemu-nbd') && requirePeer('qemu-img'))('our client at qemu-nbd', () => {
  const serveQcow2 = (test: (reached: Reached) => Promise<void>) =>
    withServer(
      'qemu-nbd',
      async (dir, socket) => {
        const image = join(dir, 'a.qcow2')
        await runPeer('qemu-img', ['create', '-f', 'qcow2', image, '8M'])
        const writes = [
          '-c',
          'write -P 7 1M 64k',
          '-c',
          'write -P 9 4M 1k',
          '-c',
          'write -z 2M 128k',
        ]
        await runPeer('qemu-io', [...writes, image])
        return ['-k', socket, '-f', 'qcow2', '-t', '-e', '8', '-x', 'disk', '-D', 'a qcow2', image]
      },
      test,
    )

  it('reads, and sees what qemu-img sees', () =>
    serveQcow2(async ({ open, path }) => {
      const disk = await open('disk')
      expect(disk.info).toMatchObject({ description: 'a qcow2', structured: true })
      expect(disk.info.blockSize?.maximum).toBe(32 * MiB)
      const bytes = await readWhole(disk)
      expect([bytes[MiB], bytes[4 * MiB], bytes[0], bytes[2 * MiB]]).toEqual([7, 9, 0, 0])
      const uri = `nbd+unix:///disk?socket=${path}`
      const map = await runPeer('qemu-img', ['map', '--output=json', uri])
      const rows = JSON.parse(map.stdout) as {
        start: number
        length: number
        zero: boolean
        data: boolean
      }[]
      const list = new ExtentList(0)
      for (const row of rows) list.append(row.length, (row.data ? 0 : 1) | (row.zero ? 2 : 0))
      expect((await allExtents(disk)).toArray()).toEqual(list.toArray())
    }))

  it('writes, zeroes, trims and reads back as a byte model does', () =>
    serveQcow2(async ({ open, path, dir, server }) => {
      const disk = await open('disk')
      const content = await readWhole(disk)
      const model = await runDiskModel(disk, { seed: 3, steps: 300, content })
      expect(model.size).toBe(8 * MiB)
      await disk.flush()
      const before = await readWhole(disk)
      await disk.close()
      await server.stop()
      await rm(path, { force: true })
      const raw = join(dir, 'a.raw')
      await runPeer('qemu-img', ['convert', '-O', 'raw', join(dir, 'a.qcow2'), raw])
      expectSameBytes(await readFile(raw), before)
    }))

  it('lists the export with its details', () =>
    serveQcow2(async ({ path, open }) => {
      const list = await listNbdExports({ dial: dialer(path), clock: systemClock })
      expect(list).toEqual([
        { name: 'disk', description: 'a qcow2', size: 8 * MiB, readOnly: false },
      ])
      await expectCode(open('no such'), 'EXPORT_UNKNOWN')
    }))

  it('finds a raw file as qemu serves it', () =>
    withServer(
      'qemu-nbd',
      async (dir, socket) => {
        const image = join(dir, 'a.raw')
        const file = await open(image, 'w')
        await file.truncate(3 * MiB + 512)
        await file.write(Buffer.alloc(4096, 5), 0, 4096, MiB)
        await file.close()
        return ['-k', socket, '-f', 'raw', '-t', '-r', image]
      },
      async (reached) => {
        const disk = await reached.open()
        expect(disk.size).toBe(3 * MiB + 512)
        expect(disk.capabilities.write).toBe(false)
        const list = (await allExtents(disk)).toArray()
        expect(list.some(({ offset, flags }) => offset === MiB && flags === 0)).toBe(true)
        expect(list[0]).toMatchObject({ offset: 0, length: MiB, flags: 3 })
      },
    ))
})
