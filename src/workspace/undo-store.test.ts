import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withTempDir } from '../engine/testing/peer-process'
import { UndoStore } from './undo-store'

/** Undo files of so many bytes, the first the oldest. */
async function fill(store: UndoStore, sizes: readonly number[]): Promise<string[]> {
  const paths: string[] = []
  for (const [age, size] of sizes.entries()) {
    const path = await store.newPath()
    await writeFile(path, 'header')
    await writeFile(`${path}.image`, new Uint8Array(size).fill(1))
    await utimes(path, 1000 + age, 1000 + age)
    paths.push(path)
  }
  return paths
}

it('drops the oldest undo files when there are too many, with their images', () =>
  withTempDir(async (dir) => {
    const store = new UndoStore(join(dir, 'undo'), { files: 2, bytes: 1 << 30 })
    const paths = await fill(store, [1, 1, 1, 1])
    await store.prune()
    const kept = (await readdir(join(dir, 'undo'))).map((name) => join(dir, 'undo', name))
    const newest = paths.slice(2)
    expect(kept.sort()).toEqual([...newest, ...newest.map((path) => `${path}.image`)].sort())
  }))

it('drops the oldest when they take too much space, and never the newest', () =>
  withTempDir(async (dir) => {
    const store = new UndoStore(join(dir, 'undo'), { files: 16, bytes: 100_000 })
    const paths = await fill(store, [10_000, 50_000, 50_000, 200_000])
    await store.prune()
    expect(
      (await readdir(join(dir, 'undo'))).filter((name) => name.endsWith('.undo')),
    ).toHaveLength(1)
    expect((await stat(paths[3] as string)).isFile()).toBe(true)
  }))

it('leaves alone what is not its own, and keeps others from reading', () =>
  withTempDir(async (dir) => {
    const place = join(dir, 'undo')
    const store = new UndoStore(place, { files: 1, bytes: 1 })
    await fill(store, [5, 5])
    expect((await stat(place)).mode & 0o777).toBe(0o700)
    await writeFile(join(place, 'notes.txt'), 'mine')
    await mkdir(join(place, 'more'))
    await store.prune()
    expect(await readdir(place)).toEqual(expect.arrayContaining(['more', 'notes.txt']))
    expect([store.owns(join(dir, 'x.undo')), store.owns(join(place, 'x.undo'))]).toEqual([
      false,
      true,
    ])
  }))
