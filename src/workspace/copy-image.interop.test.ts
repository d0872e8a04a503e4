// Copies between files and real servers, judged by the peers: qemu-img compare, nbdcopy and cmp.

import { existsSync, mkdirSync } from 'node:fs'
import { mkdir, open, readFile, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { expectCode } from '../engine/testing/expect-disk'
import { failureOf } from '../engine/testing/fail-nth'
import { hasLoopDevices, loopDevice } from '../engine/testing/loop-device'
import { PeerProcess, requirePeer, runPeer, withTempDir } from '../engine/testing/peer-process'
import { compareImages } from './compare-images'
import { type CopyImageOptions, copyImage } from './copy-image'

const MIB = 1024 * 1024
const PEERS = ['nbdkit', 'nbdcopy', 'qemu-img', 'qemu-nbd', 'cmp']

/** The socket's file is there before anybody listens. */
const listens = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const tried = connect(socket, () => tried.end(() => resolve(true)))
    tried.on('error', () => resolve(false))
  })

async function withServer<T>(
  dir: string,
  command: string,
  args: readonly string[],
  use: (uri: string) => Promise<T>,
): Promise<T> {
  const socket = join(dir, `s${Math.floor(performance.now() * 1000)}`)
  const all = command === 'nbdkit' ? ['-f', '-U', socket, ...args] : ['-k', socket, ...args]
  const server = await PeerProcess.start(command, all, () => listens(socket))
  try {
    return await use(`nbd+unix:///?socket=${socket}`)
  } finally {
    await server.stop()
  }
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { status, stdout, stderr } = await runPeer(command, args)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${status} ${stdout}${stderr}`)
}

/** Runs of noise, of zeroes that were written, and of holes; `size` need not be even. */
async function makeFile(path: string, size: number, seed: number): Promise<void> {
  const prng = new Prng(seed)
  const file = await open(path, 'w')
  await file.truncate(size)
  for (let at = 0; at < size; ) {
    const length = Math.min(size - at, 1 + prng.below(prng.pick([3000, 100_000, MIB])))
    const kind = prng.below(3)
    const bytes = new Uint8Array(length)
    if (kind === 1) prng.fill(bytes)
    if (kind > 0) await file.write(bytes, 0, length, at)
    at += length
  }
  await file.close()
}

let dir = ''
let done: () => void = () => undefined
let removed: Promise<void> = Promise.resolve()
beforeAll(async () => {
  await new Promise<void>((ready) => {
    removed = withTempDir(async (made) => {
      dir = made
      ready()
      await new Promise<void>((resolve) => {
        done = resolve
      })
    })
  })
})
afterAll(async () => {
  done()
  await removed
})

const at = (name: string) => join(dir, name)
const copy = (source: string, target: string, options: Partial<CopyImageOptions> = {}) =>
  copyImage({ source, target, ...options })

describe.skipIf(!PEERS.map(requirePeer).every(Boolean))('a copied image', () => {
  it.each([
    ['sparse-random', ['sparse-random', 'size=64M', 'percent=20', 'seed=4', 'runlength=65536']],
    ['pattern', ['pattern', '5000000']],
    ['data', ['data', '@510 0x55 0xAA @0x8000 "hello"*3 @^0x20000 1', 'size=1M']],
    ['an odd size', ['pattern', '100001']],
  ])('of nbdkit %s is what nbdcopy makes of it', async (name, args) => {
    await withServer(dir, 'nbdkit', args, async (uri) => {
      const ours = at(`${name} ours`)
      await copy(uri, ours)
      await run('nbdcopy', uri, at('theirs'))
      await run('cmp', ours, at('theirs'))
      await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', ours, at('theirs'))
      await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', ours, uri).catch((error) => {
        // qemu rounds the size of an export up; the bytes are compared above.
        if (!name.startsWith('an odd')) throw error
      })
      const { blocks } = await stat(ours)
      const theirs = await stat(at('theirs'))
      expect(blocks).toBeLessThanOrEqual(theirs.blocks + 64)
    })
  })

  it.each([
    ['as it is', {}],
    ['with few large requests', { requests: 2, requestSize: 4 * MIB }],
    // Of which there are enough for another thread to take a share.
    ['with many small requests', { requestSize: 64 * 1024 }],
    ['with a look for long runs of zeroes', { sparse: 2 * MIB }],
    ['without extents', { useExtents: false }],
    ['without a look for zeroes', { sparse: 0 }],
    ['over one connection', { connections: 1 }],
    ['not flushed', { flush: false }],
  ])('from file to file and to a server and back, %s', async (name, options) => {
    const [a, b, c] = [at('a'), at(`b ${name}`), at(`c ${name}`)]
    await makeFile(a, 20 * MIB + 777, 8)
    const result = await copy(a, b, options)
    await run('cmp', a, b)
    expect(result.written + result.zeroed + result.skipped).toBe(20 * MIB + 777)
    await withServer(dir, 'nbdkit', ['memory', String(20 * MIB + 777)], async (uri) => {
      await copy(b, uri, options)
      await run('nbdcopy', uri, at('check'))
      await run('cmp', a, at('check'))
      await copy(uri, c, options)
      await run('cmp', a, c)
      expect(await compareImages(uri, a, {})).toMatchObject({ same: true })
    })
  })

  it('overwrites what a target held, and keeps what it holds behind the end', async () => {
    await makeFile(at('a'), 3 * MIB + 100, 2)
    await writeFile(at('target'), new Uint8Array(4 * MIB).fill(0xee))
    const policy = ['blocksize-minimum=4096', 'blocksize-error-policy=error']
    const args = ['--filter=blocksize-policy', 'file', at('target'), ...policy]
    await withServer(dir, 'nbdkit', args, async (uri) => {
      await copy(at('a'), uri)
    })
    const bytes = await readFile(at('target'))
    expect(bytes.subarray(0, 3 * MIB + 100).equals(await readFile(at('a')))).toBe(true)
    expect(bytes.subarray(3 * MIB + 100).every((byte) => byte === 0xee)).toBe(true)
  })

  it('goes through null:, which counts', async () => {
    await withServer(dir, 'nbdkit', ['pattern', '10M'], async (uri) => {
      expect(await copy(uri, 'null:')).toMatchObject({ read: 10 * MIB, written: 10 * MIB })
    })
  })
})

describe.skipIf(!PEERS.map(requirePeer).every(Boolean))('a target with block sizes', () => {
  const policy = (minimum: string, preferred: string, maximum: string) => [
    `blocksize-minimum=${minimum}`,
    `blocksize-preferred=${preferred}`,
    `blocksize-maximum=${maximum}`,
    'blocksize-error-policy=error',
  ]

  it.each([
    ['1', '65536', '65536'],
    ['4096', '65536', '65536'],
    ['512', '1M', '2M'],
    ['4096', '64K', '96K'],
    ['65536', '65536', '32M'],
  ])('minimum %s, preferred %s, maximum %s is never asked for anything else', async (...sizes) => {
    const log = at('log')
    await rm(log, { force: true })
    await makeFile(at('a'), 10 * MIB + 1000, 5)
    const size = 12 * MIB
    const args = ['--filter=log', '--filter=blocksize-policy', 'memory', String(size)]
    await withServer(
      dir,
      'nbdkit',
      [...args, ...policy(...sizes), `logfile=${log}`],
      async (uri) => {
        await copy(at('a'), uri)
        const { same } = await compareImages(uri, at('a'), {})
        expect(same).toBe(true)
      },
    )
    const [, preferred, maximum] = sizes.map(
      (text) =>
        Number(text.replace('K', '').replace('M', '')) *
        (text.endsWith('K') ? 1024 : text.endsWith('M') ? MIB : 1),
    ) as [number, number, number]
    const lines = [
      ...(await readFile(log, 'utf8')).matchAll(
        / (Write|Zero) id=\d+ offset=0x([0-9a-f]+) count=0x([0-9a-f]+)/g,
      ),
    ]
    expect(lines.length).toBeGreaterThan(5)
    const tail = Math.floor((10 * MIB + 1000) / preferred) * preferred
    for (const [line, kind, offset = '', count = ''] of lines) {
      const [from, length] = [Number.parseInt(offset, 16), Number.parseInt(count, 16)]
      if (kind === 'Write') expect(length, line).toBeLessThanOrEqual(maximum)
      if (from + length <= tail)
        expect([from % preferred, length % preferred], line).toEqual([0, 0])
    }
  })

  it('below 64 KiB, on which nbdcopy fails, takes a copy', async () => {
    await makeFile(at('a'), 5 * MIB, 6)
    const args = ['--filter=blocksize-policy', 'memory', '5M', ...policy('1', '4096', '65536')]
    // A server of its own: whatever a client that gives up leaves behind is not this copier's.
    await withServer(dir, 'nbdkit', args, async (uri) => {
      expect((await runPeer('nbdcopy', [at('a'), uri])).status).not.toBe(0)
    })
    await withServer(dir, 'nbdkit', args, async (uri) => {
      await copy(at('a'), uri)
      await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', at('a'), uri)
    })
  })

  it('that do not divide its size, on which nbdcopy fails, is read and written to its end', async () => {
    await makeFile(at('a'), 65537, 7)
    const allow = ['blocksize-minimum=4096', 'blocksize-preferred=4096', 'blocksize-maximum=65536']
    const args = ['--filter=blocksize-policy', 'memory', '65537', ...allow]
    // A server of its own: whatever a client that gives up leaves behind is not this copier's.
    await withServer(dir, 'nbdkit', args, async (uri) => {
      expect((await runPeer('nbdcopy', [at('a'), uri])).status).not.toBe(0)
    })
    await withServer(dir, 'nbdkit', args, async (uri) => {
      await copy(at('a'), uri)
      await copy(uri, at('back'))
      await run('cmp', at('a'), at('back'))
    })
  })

  it('and an insisting server says which bytes are out of reach', async () => {
    await makeFile(at('a'), 65537, 7)
    const args = [
      '--filter=blocksize-policy',
      'memory',
      '65537',
      ...policy('4096', '4096', '65536'),
    ]
    await withServer(dir, 'nbdkit', args, async (uri) => {
      const error = await failureOf(copy(at('a'), uri))
      expect(String(error)).toMatch(/copy: (writing|zeroing) \d+ bytes at offset \d+: .*EINVAL/)
    })
  })

  it.each([
    ['as long as the copy', 9 * MIB + 65536],
    ['longer than the copy', 9 * MIB + 512],
  ])('each of which can be written once: a compressed qcow2 %s', async (_name, size) => {
    await makeFile(at('a'), size, 9)
    const qcow2 = at('compressed.qcow2')
    const options = ['-q', '-f', 'qcow2', '-o', 'cluster_size=64k']
    await run('qemu-img', 'create', ...options, qcow2, String(9 * MIB + 65536))
    const image = `driver=compress,file.driver=qcow2,file.file.driver=file,file.file.filename=${qcow2}`
    const serve = ['-t', '-e', '8', '--image-opts', image]
    await withServer(dir, 'qemu-nbd', serve, async (uri) => {
      await copy(at('a'), uri)
      // Every cluster that holds data is taken now: writing one again is what this target refuses.
      await expectCode(copy(at('a'), uri, { sparse: 0 }), 'IO_ERROR')
    })
    await run('qemu-img', 'check', '-q', qcow2)
    await run('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', at('a'), qcow2)
  })
})

describe.skipIf(!hasLoopDevices)('a block device', () => {
  const size = 8 * MIB

  it('is written in place, keeps what it holds behind the copy, and is copied from', async () => {
    const old = new Prng(5).fill(new Uint8Array(size))
    const { device, file, dispose } = await loopDevice(at('loop'), old)
    try {
      await makeFile(at('a'), 5 * MIB + 512, 9)
      await copy(at('a'), device)
      const copied = await readFile(at('a'))
      const now = await readFile(file)
      expect(now.subarray(0, copied.length).equals(copied)).toBe(true)
      expect(now.subarray(copied.length).equals(old.subarray(copied.length))).toBe(true)
      await copy(device, at('back'))
      await run('cmp', device, at('back'))
    } finally {
      await dispose()
    }
  })

  it('that is smaller, or mounted, is refused and stays as it is', async () => {
    const { device, file, dispose } = await loopDevice(at('loop'), new Uint8Array(size))
    try {
      await makeFile(at('a'), size + 512, 9)
      await expectCode(copy(at('a'), device), 'BAD_SIZE')
      await run('mkfs.ext4', '-q', device)
      await mkdir(at('mounted'), { recursive: true })
      await run('mount', '-o', 'ro', device, at('mounted'))
      try {
        const before = await readFile(file)
        await makeFile(at('a'), MIB, 9)
        await expectCode(copy(at('a'), device), 'IN_USE')
        expect((await readFile(file)).equals(before)).toBe(true)
      } finally {
        await run('umount', at('mounted'))
      }
    } finally {
      await dispose()
    }
  })
})

describe('a plain file as the target', () => {
  const old = new Uint8Array(1000).fill(1)

  it('is replaced when the copy is complete, with its permissions, through a link', async () => {
    await makeFile(at('a'), 200_000, 3)
    await writeFile(at('real'), old, { mode: 0o640 })
    await rm(at('link'), { force: true })
    await symlink('real', at('link'))
    await copy(at('a'), at('link'))
    expect((await readFile(at('real'))).equals(await readFile(at('a')))).toBe(true)
    expect((await stat(at('real'))).mode & 0o777).toBe(0o640)
    expect(existsSync(`${at('real')}.platter-partial`)).toBe(false)
    expect(existsSync(`${at('real')}.platter-partial.json`)).toBe(false)
  })

  it('keeps its content when the copy fails', async () => {
    await writeFile(at('b'), old)
    const missing = 'nbd+unix:///?socket=/nonexistent/socket'
    await expectCode(copy(missing, at('b')), 'NO_SERVER')
    await makeFile(at('a'), 200_000, 3)
    await expectCode(copy(at('a'), at('b'), { signal: AbortSignal.abort() }), 'ABORTED')
    expect(new Uint8Array(await readFile(at('b')))).toEqual(old)
    expect(existsSync(`${at('b')}.platter-partial`)).toBe(false)
  })

  it('is not the source, a directory, or empty words', async () => {
    await makeFile(at('a'), 200_000, 3)
    await rm(at('alias'), { force: true })
    await symlink('a', at('alias'))
    const before = await readFile(at('a'))
    await expectCode(copy(at('a'), at('a')), 'BAD_REQUEST')
    await expectCode(copy(at('a'), at('alias')), 'BAD_REQUEST')
    await mkdir(at('folder'), { recursive: true })
    await expectCode(copy(at('a'), at('folder')), 'NOT_A_DISK')
    await expectCode(copy(at('a'), ''), 'NOT_FOUND')
    await expectCode(copy(at('a'), at('nowhere/b')), 'NOT_FOUND')
    expect((await readFile(at('a'))).equals(before)).toBe(true)
  })

  it('says both what failed and that this could not be noted', async () => {
    await makeFile(at('a'), 4 * MIB, 3)
    const target = at('unnoted')
    const slow = ['--filter=delay', 'file', at('a'), 'rdelay=20ms']
    await withServer(dir, 'nbdkit', slow, async (uri) => {
      const cancel = new AbortController()
      const onProgress = ({ done }: { done: number }) => {
        if (done === 0 || cancel.signal.aborted) return
        // Nothing can be written under the name that the state is saved by.
        mkdirSync(`${target}.platter-partial.json.tmp`)
        cancel.abort()
      }
      const options = { requests: 1, requestSize: 64 * 1024, onProgress, signal: cancel.signal }
      await expect(copy(uri, target, options)).rejects.toMatchObject({
        code: 'ABORTED',
        message: expect.stringMatching(
          /^copy: cancelled; everything before byte \d+ .* on the target; [^;]*cannot save the state of the copy: [^;]*; [^;]*partial has it, and --resume goes on from byte 0$/,
        ),
      })
      await rmdir(`${target}.platter-partial.json.tmp`)
      // As if the process that copied were gone.
      const state = JSON.parse(await readFile(`${target}.platter-partial.json`, 'utf8'))
      await writeFile(
        `${target}.platter-partial.json`,
        JSON.stringify({ ...state, pid: undefined }),
      )
      await copy(uri, target, { resume: true })
    })
    expect((await readFile(target)).equals(await readFile(at('a')))).toBe(true)
  })

  it('goes on only where an earlier copy of the same source ended', async () => {
    await makeFile(at('a'), MIB, 3)
    await expectCode(copy(at('a'), at('fresh'), { resume: true }), 'NOT_FOUND')
    await expectCode(copy(at('a'), 'null:', { resume: true }), 'BAD_REQUEST')
  })
})
