// Our client at nbdkit with one filter a test: each makes a server that fails, refuses, waits or says
// something unusual. What the client may do is fixed beforehand: a typed error, or exactly the right bytes.

import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { ErrorCode } from '../base/errors'
import { fillPattern } from '../disk/pattern-disk'
import { listNbdExports } from '../nbd/list-exports'
import type { NbdDisk } from '../nbd/nbd-disk'
import { parseNbdUri } from '../nbd/uri'
import { runDiskModel } from '../testing/disk-model'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { requirePeer } from '../testing/peer-process'
import type { Reached } from './reached-server.test-helper'
import {
  allExtents,
  dialer,
  lengthsAndFlags,
  withNbdkit,
  withServer,
} from './reached-server.test-helper'
import { systemClock } from './system-clock'
import { tlsClient } from './tls-client'

const MiB = 1 << 20

const patternAt = (offset: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  fillPattern(bytes, offset)
  return bytes
}

async function expectPattern(disk: NbdDisk, offset: number, length: number): Promise<void> {
  const bytes = new Uint8Array(length)
  await disk.read(bytes, offset)
  expectSameBytes(bytes, patternAt(offset, length))
}

/** What an eval plugin reads. */
const ZEROES = 'pread=dd if=/dev/zero count=$3 iflag=count_bytes status=none'

const fullOf = (length: number, value: number) => new Uint8Array(length).fill(value)

/** nbdkit with its directory: for the files that filters want. */
const withNbdkitIn = (
  args: (dir: string) => Promise<string[]> | string[],
  test: (reached: Reached) => Promise<void>,
) => withServer('nbdkit', async (dir, socket) => ['-f', '-U', socket, ...(await args(dir))], test)

/** What the log filter wrote: one word and its numbers for each request. */
async function requestsIn(log: string): Promise<string[]> {
  const text = await readFile(log, 'utf8')
  const requests = text.matchAll(/ (Read|Write|Zero|Trim|Flush|Cache) id=\d+ ?([^.\n]*)\.\.\./g)
  return [...requests].map(([, name, rest]) => `${name} ${rest}`.trim())
}

const isPossible = requirePeer('nbdkit')

describe.runIf(isPossible)('a server that fails', () => {
  it('now and then gives either the right bytes or an error, range by range', () =>
    withNbdkit(
      ['--filter=error', 'pattern', '1M', 'error-pread=EIO', 'error-pread-rate=50%'],
      async ({ open }) => {
        const disk = await open()
        const attempts = Array.from({ length: 100 }, (_, i) => expectPattern(disk, i * 5000, 3001))
        const ends = await Promise.allSettled(attempts)
        const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
        for (const error of errors) expect(error).toMatchObject({ code: 'IO_ERROR' })
        // Neither end has a chance of one in 2^90.
        expect(errors.length).toBeGreaterThan(0)
        expect(errors.length).toBeLessThan(100)
      },
    ))

  it('everywhere, as a damaged disk does, gives no byte', () =>
    withNbdkit(
      ['--filter=ddrescue', 'memory', '4K', 'ddrescue-mapfile=/dev/null'],
      async ({ open }) => {
        const disk = await open()
        const bytes = fullOf(512, 0xee)
        for (let at = 0; at < 4096; at += 512) await expectCode(disk.read(bytes, at), 'IO_ERROR')
        expectSameBytes(bytes, fullOf(512, 0xee))
      },
    ))

  const failing = (operation: string, errno: string) => [
    'eval',
    'get_size=echo 1048576',
    ...(operation === 'pread' ? [] : [ZEROES]),
    ...['write', 'flush', 'zero', 'trim'].map((name) => `can_${name}=exit 0`),
    'can_cache=echo native',
    'can_extents=exit 0',
    // What a write brings is taken first, or nbdkit fails at handing it over.
    `${operation}=${operation === 'pwrite' ? 'cat >/dev/null; ' : ''}echo "${errno} as told" >&2; exit 1`,
  ]
  it.each<[string, string, ErrorCode, (disk: NbdDisk) => Promise<unknown>]>([
    ['pwrite', 'ENOSPC', 'NO_SPACE', (disk) => disk.write(new Uint8Array(512), 0)],
    ['pwrite', 'ESHUTDOWN', 'DISCONNECTED', (disk) => disk.write(new Uint8Array(512), 0)],
    ['flush', 'EIO', 'IO_ERROR', (disk) => disk.flush()],
    ['zero', 'EPERM', 'NO_PERMISSION', (disk) => disk.zero(0, 4096)],
    ['trim', 'ENOMEM', 'LIMIT', (disk) => disk.trim(0, 4096)],
    ['cache', 'EIO', 'IO_ERROR', (disk) => disk.cache(0, 4096)],
    ['extents', 'EIO', 'IO_ERROR', (disk) => disk.extents(0, MiB)],
    // nbdkit has no word for it on the wire without DF.
    ['pread', 'EOVERFLOW', 'REFUSED', (disk) => disk.read(new Uint8Array(512), 0)],
  ])('in %s with %s is %s, and only that request is lost', (operation, errno, code, act) =>
    withNbdkit(failing(operation, errno), async ({ open }) => {
      const disk = await open()
      await expectCode(act(disk), code)
      if (operation !== 'flush' && code !== 'DISCONNECTED') await disk.flush()
      if (operation !== 'pread' && code !== 'DISCONNECTED') await disk.read(new Uint8Array(9), 1)
    }),
  )
})

describe.runIf(isPossible)('a server that takes its time', () => {
  /** Says one letter to the pause filter, and waits for its answer. */
  const tell = (path: string, letter: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(path, () => socket.write(letter))
      socket.on('error', reject)
      socket.on('data', (data) => {
        resolve(data.toString())
        socket.destroy()
      })
    })
  const paused = (test: (reached: Reached, control: string) => Promise<void>) =>
    withNbdkitIn(
      (dir) => ['--filter=pause', 'pattern', '1M', `pause-control=${join(dir, 'c')}`],
      (reached) => test(reached, join(reached.dir, 'c')),
    )

  it('pauses, and answers everything when it goes on', () =>
    paused(async ({ open }, control) => {
      const disk = await open()
      expect(await tell(control, 'p')).toBe('P')
      let answered = 0
      const reads = Array.from({ length: 8 }, async (_, i) => {
        await expectPattern(disk, i * 70_000, 4097)
        answered++
      })
      expect(answered).toBe(0)
      expect(await tell(control, 'r')).toBe('R')
      await Promise.all(reads)
      expect(answered).toBe(8)
    }))

  it('pauses for too long: a read is given up, and the session ends with an error', () =>
    paused(async ({ open }, control) => {
      const disk = await open('', { requestTimeoutMs: 300 })
      await tell(control, 'p')
      await expectCode(disk.read(new Uint8Array(512), 0), 'TIMEOUT')
      await tell(control, 'r')
    }))

  it('maps too slowly: the map is given up', () =>
    withNbdkit(['--filter=delay', 'memory', '1M', 'delay-extents=10'], async ({ open }) => {
      const disk = await open('', { requestTimeoutMs: 300 })
      await expectCode(disk.extents(0, MiB), 'TIMEOUT')
    }))

  it('is limited in its rate: every byte comes', () =>
    withNbdkit(['--filter=rate', 'pattern', '4M', 'rate=64M'], async ({ open }) => {
      expectSameBytes(await readWhole(await open()), patternAt(0, 4 * MiB))
    }))
})

describe.runIf(isPossible)('a server that zeroes', () => {
  it.each([
    ['emulate', { zero: true }],
    ['notrim', { zero: true }],
    ['plugin', { zero: true }],
    ['none', { zero: false, fastZero: false }],
  ])('in the mode %s is a byte model', (mode, capabilities) =>
    withNbdkit(['--filter=nozero', 'memory', '1M', `zeromode=${mode}`], async ({ open }) => {
      const disk = await open()
      expect(disk.capabilities).toMatchObject(capabilities)
      await runDiskModel(disk, { seed: 21, steps: 200, content: new Uint8Array(MiB) })
    }),
  )

  it('is not asked for what it did not offer', () =>
    withNbdkit(['--filter=nozero', 'memory', '1M', 'zeromode=none'], async ({ open }) => {
      const disk = await open()
      await disk.write(fullOf(4096, 7), 0)
      await expectCode(disk.zero(0, 4096, { fast: true }), 'NOT_SUPPORTED')
      const bytes = new Uint8Array(4096)
      await disk.read(bytes, 0)
      expectSameBytes(bytes, fullOf(4096, 7))
    }))
})

describe.runIf(isPossible)('a server that is asked for stable writes', () => {
  it.each([
    // No FUA is offered then.
    ['', ['Write offset=0x0 count=0x200 fua=0', 'Flush']],
    ['emulate', ['Write offset=0x0 count=0x200 fua=1']],
    ['native', ['Write offset=0x0 count=0x200 fua=1']],
    ['force', ['Write offset=0x0 count=0x200 fua=1']],
    ['discard', ['Write offset=0x0 count=0x200 fua=1']],
    ['pass', ['Write offset=0x0 count=0x200 fua=1']],
  ])('in the mode %s gets %j', (mode, expected) =>
    withNbdkitIn(
      (dir) => [
        '--filter=log',
        '--filter=fua',
        'memory',
        '1M',
        ...(mode === '' ? [] : [`fuamode=${mode}`]),
        `logfile=${join(dir, 'log')}`,
      ],
      async ({ open, dir }) => {
        const disk = await open()
        expect(disk.capabilities.fua).toBe(true)
        await disk.write(fullOf(512, 7), 0, { fua: true })
        expect(await requestsIn(join(dir, 'log'))).toEqual(expected)
        await runDiskModel(disk, { seed: 22, steps: 60, content: await readWhole(disk) })
      },
    ),
  )
})

describe.runIf(isPossible)('a server with several connections', () => {
  it.each([
    ['auto', 4],
    ['emulate', 4],
    ['plugin', 4],
    ['unsafe', 4],
    ['disable', 1],
  ])('in the mode %s gets %i, and what was flushed on one is there on all', (mode, count) =>
    withNbdkit(
      ['--filter=multi-conn', 'memory', '1M', `multi-conn-mode=${mode}`],
      async ({ open, dialled }) => {
        const disk = await open('', { connections: 4 })
        expect(disk.capabilities.multiConn).toBe(count > 1)
        expect(dialled()).toBe(count)
        await runDiskModel(disk, { seed: 23, steps: 200, content: new Uint8Array(MiB) })
      },
    ),
  )

  it('limited to one refuses the second, and the first goes on', () =>
    withNbdkit(['--filter=limit', 'pattern', '1M', 'limit=1'], async ({ open }) => {
      const first = await open()
      await expectCode(open(), 'DISCONNECTED')
      // Nor does it help to want four of them.
      await expectCode(open('', { connections: 4, insist: true }), 'DISCONNECTED')
      await expectPattern(first, 0, 4096)
    }))
})

describe.runIf(isPossible)('a server that says unusual things about its content', () => {
  it('says the extents of a list', () =>
    withNbdkitIn(
      async (dir) => {
        await writeFile(join(dir, 'list'), '0 16K\n16K 16K hole,zero\n32K 32K zero\n')
        return ['--filter=extentlist', 'memory', '64K', `extentlist=${join(dir, 'list')}`]
      },
      async ({ open }) => {
        const list = await allExtents(await open())
        expect(lengthsAndFlags(list)).toEqual([
          [16384, 0],
          [16384, 3],
          [32768, 2],
        ])
      },
    ))

  it('has all four kinds, a sector each', () =>
    withNbdkit(
      [
        'eval',
        'get_size=echo 65536',
        ZEROES,
        'can_extents=exit 0',
        'extents=echo $4 512 $(( ($4/512)%4 ))',
      ],
      async ({ open }) => {
        const list = await allExtents(await open())
        const expected = Array.from({ length: 128 }, (_, i) => [512, i % 4])
        expect(lengthsAndFlags(list)).toEqual(expected)
      },
    ))

  it('says one byte at a time, of which each is taken once', () =>
    withNbdkit(
      ['eval', 'get_size=echo 200', ZEROES, 'can_extents=exit 0', 'extents=echo $4 1 $(( $4%2 ))'],
      async ({ open }) => {
        const disk = await open()
        // One call is one answer: whoever wants a whole map counts the calls.
        expect(lengthsAndFlags(await disk.extents(7, 100))).toEqual([[1, 1]])
        const list = await allExtents(disk)
        expect(lengthsAndFlags(list)).toEqual(Array.from({ length: 200 }, (_, i) => [1, i % 2]))
      },
    ))

  it('is empty: the list says so after it was opened', () =>
    withNbdkit(['memory', '0'], async ({ path }) => {
      const list = await listNbdExports({ dial: dialer(path), clock: systemClock })
      expect(list).toMatchObject([{ name: '', size: 0 }])
    }))

  it('is said to be empty and cannot be opened: the list does not repeat the size', () =>
    withNbdkitIn(
      (dir) => [
        'eval',
        `open=test ! -e ${dir}/seen || { echo "EIO seen" >&2; exit 1; }; touch ${dir}/seen`,
        'get_size=echo 0',
        'pread=exit 1',
      ],
      async ({ path }) => {
        const list = await listNbdExports({ dial: dialer(path), clock: systemClock })
        expect(list.length).toBe(1)
        expect(list[0]).not.toHaveProperty('size')
        expect(list[0]?.error).toMatch(/said to be empty, and cannot be opened/)
      },
    ))

  it('has a tail shorter than its blocks: all before it is read, the tail is refused', () =>
    withNbdkit(
      [
        '--filter=blocksize-policy',
        'pattern',
        '65537',
        'blocksize-minimum=4096',
        'blocksize-preferred=4096',
        'blocksize-maximum=65536',
        'blocksize-error-policy=error',
      ],
      async ({ open }) => {
        const disk = await open()
        expect(disk.size).toBe(65537)
        await expectPattern(disk, 1, 65535)
        const last = fullOf(1, 0xee)
        await expectCode(disk.read(last, 65536), 'REFUSED')
        await expectCode(disk.read(new Uint8Array(5000), 60_537), 'REFUSED')
        expect(last[0]).toBe(0xee)
      },
    ))

  it('has a size that no number holds', () =>
    withNbdkit(['eval', 'get_size=echo 9223372036854775807', 'pread=exit 1'], async ({ open }) => {
      await expectCode(open(), 'LIMIT')
      await expect(open()).rejects.toThrow('9223372036854775807')
    }))
})

describe.runIf(isPossible)('a server that protects its bytes', () => {
  it('refuses other bytes for a protected range, and takes the same', () =>
    withNbdkit(['--filter=protect', 'memory', '1M', 'protect=0-511'], async ({ open }) => {
      const disk = await open()
      await expectCode(disk.write(fullOf(512, 1), 0), 'NO_PERMISSION')
      await disk.write(new Uint8Array(512), 0)
      await expectCode(disk.write(fullOf(1024, 1), 0), 'NO_PERMISSION')
      await disk.write(fullOf(512, 1), 512)
      const bytes = new Uint8Array(1024)
      await disk.read(bytes, 0)
      expectSameBytes(bytes.subarray(0, 512), new Uint8Array(512))
      expectSameBytes(bytes.subarray(512), fullOf(512, 1))
    }))

  it('is full', () =>
    withNbdkit(['full', '1M'], async ({ open }) => {
      const disk = await open()
      await expectCode(disk.write(fullOf(512, 1), 0), 'NO_SPACE')
      expectSameBytes(await readWhole(disk), new Uint8Array(MiB))
    }))

  it('is read-only: a write does not even leave us', () =>
    withNbdkitIn(
      (dir) => ['-r', '--filter=log', 'memory', '1M', `logfile=${join(dir, 'log')}`],
      async ({ open, dir }) => {
        const disk = await open()
        expect(disk.capabilities.write).toBe(false)
        await expectCode(disk.write(fullOf(512, 1), 0), 'READ_ONLY')
        await expectCode(disk.zero(0, 512), 'READ_ONLY')
        await expectCode(disk.trim(0, 512), 'READ_ONLY')
        await disk.read(new Uint8Array(512), 0)
        const requests = await requestsIn(join(dir, 'log'))
        expect(requests.filter((request) => !request.startsWith('Read'))).toEqual([])
        expect(requests.length).toBe(1)
      },
    ))

  it('compares what is written, and refuses what differs', () =>
    withNbdkit(['--filter=checkwrite', 'pattern', '1M'], async ({ open }) => {
      const disk = await open()
      await disk.write(patternAt(1000, 70_000), 1000)
      await expectCode(disk.write(fullOf(512, 1), 0), 'IO_ERROR')
      await disk.flush()
      await expectPattern(disk, 0, MiB)
    }))
})

describe.runIf(isPossible)('a server that ends', () => {
  it('with its last client is not there for the next one', () =>
    withNbdkit(['--filter=exitlast', 'pattern', '1M'], async ({ open, server }) => {
      const disk = await open()
      await expectPattern(disk, 0, 4096)
      await disk.close()
      await vi.waitUntil(() => !isRunning(server.pid), { timeout: 10_000 })
      await expectCode(open(), 'NO_SERVER')
    }))

  it('when told so takes nobody new, and lets who is there finish', () =>
    withNbdkitIn(
      (dir) => [
        '--filter=exitwhen',
        'pattern',
        '1M',
        `exit-when-file-created=${join(dir, 'stop')}`,
        'exit-when-poll=1',
      ],
      async ({ open, dir, server }) => {
        const disk = await open()
        await writeFile(join(dir, 'stop'), '')
        await expectPattern(disk, 0, 4096)
        await expectCode(open(), 'DISCONNECTED')
        await expectPattern(disk, 4096, 4096)
        await disk.close()
        await vi.waitUntil(() => !isRunning(server.pid), { timeout: 10_000 })
      },
    ))

  it('with reads in flight fails them all, and the next one', () =>
    withNbdkit(['--filter=delay', 'memory', '1M', 'rdelay=10'], async ({ open, server }) => {
      const disk = await open()
      const reads = [0, 1, 2].map((i) => disk.read(new Uint8Array(512), i * 512))
      // Answered after the reads were taken: it came on the same connection.
      await disk.flush()
      server.signal('SIGTERM')
      // All at once: one that fails while another is waited for must not go unheard.
      await Promise.all(
        reads.map(async (read) => {
          await expectCode(read, 'DISCONNECTED')
          await expect(read).rejects.toThrow(/ESHUTDOWN/)
        }),
      )
      await expectCode(disk.read(new Uint8Array(512), 0), 'DISCONNECTED')
    }))
})

describe.runIf(isPossible)('a server that shows less without TLS', () => {
  it('gives a text in the clear, and the disk with a key', () =>
    withNbdkitIn(
      async (dir) => {
        const keys = join(dir, 'keys.psk')
        await writeFile(keys, `alice:${'ab'.repeat(32)}\n`, { mode: 0o600 })
        const tls = ['--tls=on', `--tls-psk=${keys}`]
        return [...tls, '--filter=tls-fallback', 'pattern', '1M', 'tlsreadme=come with TLS']
      },
      async ({ open, path, dir }) => {
        const clear = await open()
        expect(clear.info).toMatchObject({ tls: false, size: 512 })
        expect(clear.capabilities.write).toBe(false)
        const text = Buffer.from(await readWhole(clear)).toString()
        expect(text).toMatch(/^come with TLS\0*$/)
        const keys = join(dir, 'keys.psk')
        const { tls } = parseNbdUri(`nbds+unix://alice@/?socket=${path}&tls-psk-file=${keys}`)
        if (tls === undefined) throw new TypeError('a TLS URI')
        const secured = await open('', {
          tls: { wish: tls.wish, secure: await tlsClient(tls) },
          clock: systemClock,
        })
        expect(secured.info).toMatchObject({ tls: true, size: MiB })
        await expectPattern(secured, 0, MiB)
      },
    ))
})

/** Whether a process that this one started still runs. */
function isRunning(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? 0, 0)
    return true
  } catch {
    return false
  }
}
