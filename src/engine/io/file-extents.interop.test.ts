import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import type { Disk } from '../disk/disk'
import { describeFlags, ExtentList } from '../disk/extents'
import { createFileDisk } from './file-create'
import { openFileDisk } from './file-disk'
import { hasHoleCalls, loadHoleLibc } from './hole-libc'
import { walkHoles } from './hole-walk'
import { HoleWorker } from './hole-worker'

const run = promisify(execFile)
const has = (program: string) => spawnSync('which', [program]).status === 0
const MIB = 1024 * 1024
const KEEP_SIZE = 1

interface MapEntry {
  readonly offset: number
  readonly length: number
  readonly type: number
}

/** What libnbd sees of `nbdkit file`, neighbours of one type joined. */
async function mapByNbdkit(path: string): Promise<MapEntry[]> {
  const command = 'nbdinfo --map --json "$uri"'
  const { stdout } = await run('nbdkit', ['-U', '-', '-r', 'file', path, '--run', command], {
    maxBuffer: 256 * MIB,
  })
  const list = new ExtentList(0)
  for (const { length, type } of JSON.parse(stdout) as MapEntry[]) list.append(length, type)
  return entriesOf(list)
}

async function mapByPlatter(disk: Disk): Promise<MapEntry[]> {
  const list = new ExtentList(0)
  while (list.end < disk.size) list.appendList(await disk.extents(list.end, disk.size - list.end))
  return entriesOf(list)
}

const entriesOf = (list: ExtentList): MapEntry[] =>
  list.toArray().map(({ offset, length, flags }) => ({ offset, length, type: flags }))

describe.skipIf(!hasHoleCalls() || !has('nbdkit') || !has('nbdinfo'))(
  'the extents of a file, beside those of nbdkit file',
  () => {
    let dir = ''
    const holes = new HoleWorker()
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'platter-extents-'))
    })
    afterAll(async () => {
      await holes.close()
      await rm(dir, { recursive: true })
    })

    async function expectSameMap(path: string, entries?: number): Promise<MapEntry[]> {
      const disk = await openFileDisk(path, { holes })
      const [ours, theirs] = [await mapByPlatter(disk), await mapByNbdkit(path)]
      await disk.close()
      expect(ours).toEqual(theirs)
      if (entries !== undefined) expect(ours.length).toBe(entries)
      return ours
    }

    it('agree on a file that is one hole', async () => {
      const path = join(dir, 'sparse')
      await writeFile(path, '')
      await truncate(path, 3 * 1024 * MIB)
      const [only] = await expectSameMap(path, 1)
      expect(describeFlags(only?.type ?? -1)).toBe('hole,zero')
    })

    it('agree on a file without holes', async () => {
      const path = join(dir, 'dense')
      await writeFile(path, new Prng(1).fill(new Uint8Array(MIB)))
      const [only] = await expectSameMap(path, 1)
      expect(only).toEqual({ offset: 0, length: MIB, type: 0 })
    })

    it('agree on every size that is not a multiple of a sector or a block', async () => {
      for (const size of [1, 511, 513, 4095, 4097, 70_001]) {
        const path = join(dir, `odd-${size}`)
        await writeFile(path, Buffer.alloc(size, 1))
        await expectSameMap(path, 1)
        await truncate(path, size + 123_457)
        await expectSameMap(path, size > 4096 * 17 ? 2 : undefined)
      }
    })

    it('agree on runs of data and holes of random lengths', async () => {
      for (let seed = 1; seed <= 3; seed++) {
        const prng = new Prng(seed)
        const path = join(dir, `random-${seed}`)
        const disk = await createFileDisk(path, 64 * MIB + prng.below(5000), { holes })
        const piece = new Uint8Array(200_000).fill(seed)
        for (let i = 0; i < 100; i++) {
          const length = 1 + prng.below(piece.length)
          await disk.write(piece.subarray(0, length), prng.below(disk.size - length))
        }
        // Once with its pages still to be written, once stable.
        await expectSameMap(path)
        await disk.flush()
        await expectSameMap(path)
        await disk.close()
      }
    })

    it('agree on space that is allocated but not written, with and without pages in memory', async () => {
      const path = join(dir, 'unwritten')
      const libc = await loadHoleLibc()
      const disk = await createFileDisk(path, 64 * MIB, { holes })
      const fd = openSync(path, 'r+')
      const prng = new Prng(9)
      const page = new Uint8Array(4096).fill(9)
      for (let i = 0; i < 60; i++) {
        const length = 4096 * (1 + prng.below(64))
        const offset = 4096 * prng.below((disk.size - length) / 4096)
        if (i % 3 === 0) await disk.write(page, offset)
        else expect(libc.fallocate(fd, KEEP_SIZE, offset, length)).toBe(0)
      }
      await expectSameMap(path)
      await disk.flush()
      await expectSameMap(path)
      // Reading brings pages of zeroes into memory, which lseek then takes for data.
      const read = new Uint8Array(MIB)
      for (let at = 0; at < disk.size; at += 7 * MIB) await disk.read(read, at)
      await expectSameMap(path)
      await disk.zero(10 * MIB, 5 * MIB, {})
      await disk.zero(20 * MIB + 5, 5 * MIB, { mayTrim: true })
      await expectSameMap(path)
      closeSync(fd)
      await disk.close()
    })

    it('agree with each other by lseek and by FIEMAP, wherever the walk starts and stops', async () => {
      const path = join(dir, 'both-ways')
      const libc = await loadHoleLibc()
      const disk = await createFileDisk(path, 16 * MIB, { holes })
      const prng = new Prng(4)
      for (let i = 0; i < 300; i++) {
        const offset = 4096 * prng.below(4096)
        if (i % 2 === 0) await disk.write(new Uint8Array(4096).fill(1), offset)
        else await disk.zero(offset, Math.min(65536, disk.size - offset))
      }
      const fd = openSync(path, 'r')
      for (let i = 0; i < 100; i++) {
        const offset = prng.below(disk.size)
        const length = 1 + prng.below(disk.size - offset)
        const maxExtents = 1 + prng.below(i % 2 === 0 ? 100_000 : 20)
        const walk = { fd, offset, length, size: disk.size, maxExtents }
        const [lseek, fiemap] = (['lseek', 'fiemap'] as const).map((way) => {
          const list = new ExtentList(offset)
          while (list.end < offset + length) {
            const rest = { ...walk, offset: list.end, length: offset + length - list.end, way }
            const result = walkHoles(libc, rest, () => false)
            if (result.kind !== 'walked') throw new Error(`the walk ${result.kind}`)
            for (const [k, turn] of result.lengths.entries()) list.append(turn, k % 2 === 0 ? 3 : 0)
          }
          return list.toArray()
        })
        expect(fiemap).toEqual(lseek)
      }
      closeSync(fd)
      await disk.close()
    })

    it.skipIf(!has('mke2fs'))('agree on an ext4 image with files in it', async () => {
      const tree = join(dir, 'tree')
      await mkdir(join(tree, 'sub'), { recursive: true })
      const prng = new Prng(3)
      for (let i = 0; i < 40; i++) {
        const content = prng.fill(new Uint8Array(prng.below(300_000)))
        await writeFile(join(tree, i % 2 ? 'sub' : '.', `file-${i}`), content)
      }
      const path = join(dir, 'ext4.img')
      execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, path, '256M'])
      const map = await expectSameMap(path)
      expect(map.length).toBeGreaterThan(10)
    })

    // In memory: a file system that tells the device of every freed block takes a minute to delete it.
    it.skipIf(!existsSync('/dev/shm'))(
      'agree on a file of more extents than one call tells',
      async () => {
        const path = join('/dev/shm', `platter-${process.pid}-fragments`)
        const disk = await createFileDisk(path, 40_000 * 8192, { holes })
        try {
          const page = new Uint8Array(4096).fill(1)
          for (let i = 0; i < 40_000; i += 16) {
            const writes = Array.from({ length: 16 }, (_, k) => disk.write(page, (i + k) * 8192))
            await Promise.all(writes)
          }
          await disk.close()
          await expectSameMap(path, 80_000)
        } finally {
          await rm(path)
        }
      },
    )
  },
)
