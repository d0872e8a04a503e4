// What backup tools read off a session: its staged blocks as a dirty bitmap, and how deep each range lies.

import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../engine/disk/memory-disk'
import { OverlayDisk } from '../engine/layers/overlay'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { ALLOCATION_DEPTH, DIRTY_BITMAP, overlayContexts } from './overlay-contexts'
import { serveImage } from './serve-image'

const KiB = 1024
const MiB = 1024 * KiB

/** 8 MiB: data in [0, 1) and [4, 5), holes elsewhere; staged [1, 1+64K) bytes, [4 MiB+64K, +64K) zeroes. */
async function withStaged(test: (uri: string, socket: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'platter-contexts-'))
  const path = join(dir, 'base.img')
  const file = await open(path, 'w')
  await file.truncate(8 * MiB)
  await file.write(Buffer.alloc(MiB, 1), 0, MiB, 0)
  await file.write(Buffer.alloc(MiB, 2), 0, MiB, 4 * MiB)
  await file.close()
  const socket = join(dir, 's')
  const served = await serveImage({
    locator: path,
    address: { kind: 'unix', path: socket },
    exportName: '',
    mode: 'cow',
    blockSize: 64 * KiB,
  })
  try {
    const commands = ['write -P 7 1M 1000', `write -z ${4 * MiB + 64 * KiB} 64k`]
    await run('qemu-io', '-f', 'raw', ...commands.flatMap((c) => ['-c', c]), served.uri)
    await test(served.uri, socket)
  } finally {
    await served.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

async function run(command: string, ...args: string[]): Promise<string> {
  const result = await runPeer(command, args, { timeoutMs: 30_000 })
  expect(`${command}: ${result.status} ${result.stderr}`).toMatch(/^[a-z-]+: 0 /)
  return result.stdout
}

const rowsOf = (json: string): number[][] =>
  (JSON.parse(json) as { offset: number; length: number; type: number }[]).map((row) => [
    row.offset / KiB,
    row.length / KiB,
    row.type,
  ])

describe.runIf(requirePeer('nbdinfo'))('the contexts of an overlay', () => {
  it('are a dirty bitmap and a depth to nbdinfo', () =>
    withStaged(async (uri) => {
      const dirty = await run('nbdinfo', '--json', `--map=${DIRTY_BITMAP}`, uri)
      expect(rowsOf(dirty)).toEqual([
        [0, 1024, 0],
        [1024, 64, 1],
        [1088, 3072, 0],
        [4160, 64, 1],
        [4224, 3968, 0],
      ])
      const depth = await run('nbdinfo', '--json', `--map=${ALLOCATION_DEPTH}`, uri)
      expect(rowsOf(depth)).toEqual([
        [0, 1024, 2],
        [1024, 64, 1],
        [1088, 3008, 0],
        [4096, 64, 2],
        [4160, 64, 1],
        [4224, 896, 2],
        [5120, 3072, 0],
      ])
      const json = JSON.parse(await run('nbdinfo', '--json', uri))
      expect(json.exports[0].contexts).toEqual(['base:allocation', DIRTY_BITMAP, ALLOCATION_DEPTH])
    }))

  it('are a map of what to back up to qemu-img, where dirty reads as no data', () =>
    withStaged(async (_uri, socket) => {
      const options = `driver=nbd,server.type=unix,server.path=${socket},x-dirty-bitmap=${DIRTY_BITMAP}`
      const stdout = await run('qemu-img', 'map', '--output=json', '--image-opts', options)
      const rows = JSON.parse(stdout) as { start: number; length: number; data: boolean }[]
      expect(rows.map((row) => [row.start / KiB, row.length / KiB, !row.data])).toEqual([
        [0, 1024, false],
        [1024, 64, true],
        [1088, 3072, false],
        [4160, 64, true],
        [4224, 3968, false],
      ])
    }))

  it('come in one answer, each with lengths of its own, to nbdsh', () =>
    withStaged(async (uri) => {
      const program = `
for name in ("base:allocation", "${DIRTY_BITMAP}", "${ALLOCATION_DEPTH}"):
    h.add_meta_context(name)
h.connect_uri("${uri}")
h.block_status(h.get_size(), 0, lambda name, offset, entries, err: print(name, offset, len(entries) // 2, sum(entries[::2])) or 0)
h.block_status(65536, 1 << 20, lambda name, offset, entries, err: print(name, offset, *entries) or 0)
h.block_status(1 << 20, 0, lambda name, offset, entries, err: print(name, *entries) or 0, nbd.CMD_FLAG_REQ_ONE)
`
      const env = { PATH: `/usr/bin:${process.env['PATH']}` }
      const result = await runPeer('nbdsh', ['-c', program], { env, timeoutMs: 30_000 })
      expect(result.stderr).toBe('')
      expect(result.stdout.trim().split('\n')).toEqual([
        'base:allocation 0 6 8388608',
        `${DIRTY_BITMAP} 0 5 8388608`,
        `${ALLOCATION_DEPTH} 0 7 8388608`,
        'base:allocation 1048576 65536 0',
        `${DIRTY_BITMAP} 1048576 65536 1`,
        `${ALLOCATION_DEPTH} 1048576 65536 1`,
        'base:allocation 1048576 0',
        `${DIRTY_BITMAP} 1048576 0`,
        `${ALLOCATION_DEPTH} 1048576 2`,
      ])
    }))
})

describe('the contexts of an overlay', () => {
  it('end where a shorter image does, and ask it in whole blocks', async () => {
    const blockSize = { minimum: 4096, preferred: 4096, maximum: MiB }
    const base = new MemoryDisk(128 * KiB, { blockSize })
    await base.write(new Uint8Array(64 * KiB).fill(1), 0)
    const store = new MemoryDisk(256 * KiB)
    const overlay = new OverlayDisk({ base, store, blockSize: 4096, size: 256 * KiB })
    await overlay.zero(0, 4096)
    const [dirty, depth] = overlayContexts(overlay)
    const list = await depth!.extents(1000, 255 * KiB, {})
    expect(list.toArray().map((e) => [e.offset, e.length, e.flags])).toEqual([
      [1000, 3096, 1],
      [4096, 60 * KiB, 2],
      [64 * KiB, 1000 + 191 * KiB, 0],
    ])
    const flags = await dirty!.extents(0, 8192, {})
    expect(flags.toArray().map((e) => [e.length, e.flags])).toEqual([
      [4096, 1],
      [4096, 0],
    ])
  })
})
