// Commits against what other programs read and write: the bytes that nbdcopy reads through the overlay are
// those of the base after the commit, and bases behind servers take a commit in the blocks that they prefer.

import { execFile } from 'node:child_process'
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { isListening, PeerProcess, requirePeer, withTempDir } from '../engine/testing/peer-process'
import { commitOverlayFile } from './commit-action'
import { createOverlay } from './overlay-actions'
import { WatchedWorkspace } from './page.test-helper'
import { serveImage } from './serve-image'

const run = promisify(execFile)
const MIB = 1 << 20

const peers = (...names: string[]) => names.every((name) => requirePeer(name))

interface Shape {
  readonly name: string
  readonly baseSize: number
  readonly size: number
}

const SHAPES: readonly Shape[] = [
  { name: 'as long as the overlay', baseSize: 8 * MIB, size: 8 * MIB },
  { name: 'shorter', baseSize: 5 * MIB + 512, size: 8 * MIB },
  { name: 'longer', baseSize: 9 * MIB, size: 8 * MIB },
]

describe.skipIf(!peers('nbdcopy', 'nbdsh'))('a base', () => {
  it.each(SHAPES)('$name has after the commit what nbdcopy read before', (shape) =>
    withTempDir(async (dir) => {
      const base = join(dir, 'base.img')
      const file = join(dir, 'staged.acow')
      const [read, before] = [join(dir, 'read.img'), join(dir, 'before.img')]
      await writeFile(base, new Prng(1).fill(new Uint8Array(4 * MIB)))
      await truncate(base, shape.baseSize)
      await copyFile(base, before)
      await createOverlay(file, { base, blockSize: 65536, size: shape.size, format: 'raw' })
      const served = await serveImage({
        locator: base,
        format: 'raw',
        address: { kind: 'unix', path: join(dir, 'socket') },
        exportName: '',
        mode: 'overlay',
        overlay: file,
        blockSize: 65536,
      })
      const script = [
        'h.pwrite(b"a"*70000, 12345)',
        'h.zero(1 << 20, 2 << 20)',
        `h.pwrite(b"z"*1000, ${shape.size - 1000})`,
        'h.trim(131072, 3 << 20)',
        'h.flush()',
      ]
      const commands = script.flatMap((line) => ['-c', line])
      const env = { ...process.env, PATH: `/usr/bin:${process.env['PATH']}` }
      await run('nbdsh', ['-u', served.uri, ...commands], { env })
      await run('nbdcopy', [served.uri, read])
      await served.stop()
      const undo = join(dir, 'undo.acow')
      await commitOverlayFile(file, { undo, verify: true })
      const after = await readFile(base)
      expect(after.length).toBe(Math.max(shape.baseSize, shape.size))
      await run('cmp', ['-n', `${shape.size}`, read, base])
      await commitOverlayFile(undo, { verify: true })
      await run('cmp', [before, base])
    }),
  )
})

describe.skipIf(!peers('nbdkit', 'qemu-nbd', 'qemu-img'))('a base behind a server', () => {
  let watched: WatchedWorkspace
  let peer: PeerProcess | undefined
  beforeEach(async () => {
    watched = await WatchedWorkspace.create()
  })
  afterEach(async () => {
    await watched.close()
    // Behind its client: nbdkit waits for those that are connected.
    await peer?.stop()
  })

  async function serve(command: string, args: (socket: string) => string[]): Promise<string> {
    const socket = join(watched.dir, 'peer')
    peer = await PeerProcess.start(command, args(socket), () => isListening(socket))
    return `nbd+unix:///?socket=${socket}`
  }

  /** Stages in small blocks, commits with an undo file, and undoes; `look` reads the base in another way. */
  async function commitAndUndo(uri: string, look: () => Promise<Buffer>): Promise<void> {
    const before = await look()
    const { id: session } = await watched.open(uri, 4096)
    const bytes = new Uint8Array(10_000).fill(0x77)
    const wanted = Buffer.from(before)
    for (const offset of [3000, 700_000, 2 * MIB - 5000]) {
      await watched.page.request('stage.write', { session, offset }, { bytes })
      wanted.set(bytes, offset)
    }
    await watched.page.request('stage.zero', { session, offset: MIB, length: 300_000 })
    wanted.fill(0, MIB, MIB + 300_000)
    const job = async (name: 'commit.start' | 'undo.start', params: object) => {
      const ended = watched.next('job.changed', ({ kind, state }) => {
        return kind === 'commit' && state !== 'running'
      })
      await watched.page.request(name, params as never)
      expect(await ended).toMatchObject({ state: 'done' })
    }
    await job('commit.start', { session, verify: true, undo: {} })
    expect((await look()).equals(wanted)).toBe(true)
    await job('undo.start', { session })
    expect((await look()).equals(before)).toBe(true)
  }

  it('nbdkit, whose blocks are larger than the overlay, takes a commit and its undoing', async () => {
    const image = join(watched.dir, 'disk.img')
    await writeFile(image, new Prng(2).fill(new Uint8Array(4 * MIB)))
    const policy = [
      'blocksize-error-policy=error',
      'blocksize-minimum=64K',
      'blocksize-preferred=64K',
      'blocksize-maximum=32M',
    ]
    const uri = await serve('nbdkit', (socket) => [
      ...['-f', '-U', socket, '--filter=blocksize-policy', 'file', image, ...policy],
    ])
    await commitAndUndo(uri, () => readFile(image))
  })

  it('a compressed qcow2 takes a commit and its undoing', async () => {
    const raw = join(watched.dir, 'raw.img')
    const image = join(watched.dir, 'disk.qcow2')
    const out = join(watched.dir, 'out.img')
    await writeFile(raw, new Prng(3).fill(new Uint8Array(4 * MIB)).fill(7, MIB))
    await run('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', raw, image])
    const uri = await serve('qemu-nbd', (socket) => [
      '-t',
      '-f',
      'qcow2',
      '-e',
      '4',
      '-k',
      socket,
      image,
    ])
    await commitAndUndo(uri, async () => {
      await run('nbdcopy', [uri, out])
      return readFile(out)
    })
  })
})
