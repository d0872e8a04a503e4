// Commits of lasting overlays on real files: the order of things, undoing, and bases of other sizes.

import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { expectCode, expectSameBytes, readWhole } from '../engine/testing/expect-disk'
import { type CommitLastingOptions, commitLasting, undoInterrupted } from './commit-lasting'
import { openLastingOverlay } from './lasting-overlay'
import { type OverlayFiles, withOverlayFiles } from './lasting-overlay.test-helper'
import type { LayerOptions } from './lasting-overlay-layers'

const BLOCK = 4096
const SIZE = 64 * BLOCK

const random = (length: number, seed: number) => new Prng(seed).fill(new Uint8Array(length))
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

async function commit(
  { space, path }: Pick<OverlayFiles, 'space' | 'path'>,
  options: Partial<CommitLastingOptions> = {},
  layers: Partial<LayerOptions> = {},
) {
  const lasting = await openLastingOverlay(space, path, {
    writable: true,
    interrupted: true,
    ...layers,
  })
  try {
    return await commitLasting(space, lasting, { verify: false, ...options })
  } finally {
    await lasting.close()
  }
}

/** Stages a run of bytes and a run of zeroes; resolves with what the overlay reads as. */
async function stage(files: OverlayFiles): Promise<Uint8Array> {
  const lasting = await files.open()
  await lasting.overlay.write(random(5 * BLOCK + 100, 2), 3 * BLOCK + 7)
  await lasting.overlay.zero(20 * BLOCK, 9 * BLOCK)
  const all = await readWhole(lasting.overlay)
  await lasting.close()
  return all
}

async function stagedBytes(files: OverlayFiles): Promise<number> {
  const lasting = await files.open()
  const { written, zeroed } = lasting.overlay.staged()
  await lasting.close()
  return written + zeroed
}

describe('a commit of a lasting overlay', () => {
  it('leaves the base as the overlay read, nothing staged, and a base that is known', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      const wanted = await stage(files)
      const result = await commit(files, { verify: true })
      expect(result).toMatchObject({ ranges: 2, finished: false, sizes: [SIZE, SIZE] })
      expectSameBytes(await readFile(files.basePath), wanted)
      // Opening would refuse a base that is not the one that is recorded.
      expect(await stagedBytes(files)).toBe(0)
    }))

  it('keeps what it overwrites in a file whose commit brings it back', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      const wanted = await stage(files)
      const undoPath = join(files.dir, 'undo')
      expect(await commit(files, { undoPath })).toMatchObject({ undoPath })
      expectSameBytes(await readFile(files.basePath), wanted)
      const undo = await openLastingOverlay(files.space, undoPath, { writable: false })
      expectSameBytes(await readWhole(undo.overlay), files.baseBytes)
      await undo.close()
      const redoPath = join(files.dir, 'redo')
      await commit({ ...files, path: undoPath }, { undoPath: redoPath, verify: true })
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
      await commit({ ...files, path: redoPath })
      expectSameBytes(await readFile(files.basePath), wanted)
    }))

  it('of ranges carries whole blocks of them, and leaves the rest staged', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      const wanted = await stage(files)
      const undoPath = join(files.dir, 'undo')
      const ranges = [
        { offset: 4 * BLOCK + 1, length: 1 },
        { offset: 22 * BLOCK, length: BLOCK },
      ]
      expect(await commit(files, { ranges, undoPath })).toMatchObject({ bytes: 2 * BLOCK })
      const expected = files.baseBytes.slice()
      for (const block of [4, 22]) {
        expected.set(wanted.subarray(block * BLOCK, (block + 1) * BLOCK), block * BLOCK)
      }
      expectSameBytes(await readFile(files.basePath), expected)
      expect(await stagedBytes(files)).toBe(13 * BLOCK)
      await commit({ ...files, path: undoPath })
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
    }))

  it('makes a shorter base as long as the overlay, and undoing makes it shorter again', () =>
    withOverlayFiles(SIZE - 1000, async (files) => {
      const size = SIZE + 10 * BLOCK + 5
      await files.create({ size })
      const lasting = await files.open()
      await lasting.overlay.write(random(3 * BLOCK, 3), SIZE + BLOCK)
      await lasting.overlay.write(random(10, 4), SIZE - 1005)
      const wanted = await readWhole(lasting.overlay)
      const undoPath = join(files.dir, 'undo')
      const result = await commitLasting(files.space, lasting, { undoPath, verify: true })
      expect(result.sizes).toEqual([SIZE - 1000, size])
      // The overlay that stays open sees the longer base.
      expectSameBytes(await readWhole(lasting.overlay), wanted)
      expect(lasting.overlay.stagedRunCount()).toBe(0)
      await lasting.close()
      expectSameBytes(await readFile(files.basePath), wanted)
      const redoPath = join(files.dir, 'redo')
      const undone = await commit({ ...files, path: undoPath }, { undoPath: redoPath })
      expect(undone.sizes).toEqual([size, SIZE - 1000])
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
      await commit({ ...files, path: redoPath })
      expectSameBytes(await readFile(files.basePath), wanted)
    }))

  it('of ranges inside a shorter base leaves its size alone', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create({ size: 2 * SIZE })
      await stage(files)
      const lasting = await files.open()
      await lasting.overlay.write(random(9, 1), SIZE + 5)
      await lasting.close()
      const inside = [{ offset: 0, length: SIZE }]
      expect(await commit(files, { ranges: inside })).toMatchObject({ sizes: [SIZE, SIZE] })
      expect(await stagedBytes(files)).toBe(BLOCK)
      expect(await commit(files)).toMatchObject({ sizes: [SIZE, 2 * SIZE] })
    }))

  it('keeps what a longer base has behind the overlay', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create({ size: SIZE / 2 + 10 })
      await stage(files)
      const lasting = await files.open()
      await lasting.overlay.zero(SIZE / 2 - 10, 20)
      await lasting.close()
      await commit(files, { verify: true, undoPath: join(files.dir, 'undo') })
      const base = await readFile(files.basePath)
      expectSameBytes(base.subarray(SIZE / 2 + 10), files.baseBytes.subarray(SIZE / 2 + 10))
      await commit({ ...files, path: join(files.dir, 'undo') })
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
    }))

  it('of version 1 works in sectors, with an undo file of version 2', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create({ version: 1 })
      const lasting = await files.open()
      await lasting.overlay.write(random(512, 5), 512 * 9)
      await lasting.overlay.zero(512 * 100, 512 * 3)
      const wanted = await readWhole(lasting.overlay)
      await lasting.close()
      const undoPath = join(files.dir, 'undo')
      expect(await commit(files, { undoPath, verify: true })).toMatchObject({ bytes: 4 * 512 })
      expectSameBytes(await readFile(files.basePath), wanted)
      await commit({ ...files, path: undoPath })
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
    }))
})

describe('a commit of a lasting overlay is refused, and touches nothing,', () => {
  it('when the base changed', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      await stage(files)
      const lasting = await files.open()
      const changed = files.baseBytes.slice()
      changed[0] = ~(changed[0] as number)
      await writeFile(files.basePath, changed)
      const undoPath = join(files.dir, 'undo')
      await expectCode(
        commitLasting(files.space, lasting, { undoPath, verify: false }),
        'BASE_CHANGED',
      )
      expect(await exists(undoPath)).toBe(false)
      expect(lasting.header?.state).toBe('clean')
      await lasting.close()
      expectSameBytes(await readFile(files.basePath), changed)
    }))

  it('when the undo file is there already', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      await stage(files)
      const undoPath = join(files.dir, 'undo')
      await writeFile(undoPath, 'mine')
      await expectCode(commit(files, { undoPath }), 'ALREADY_EXISTS')
      expect(await readFile(undoPath, 'utf8')).toBe('mine')
      expect(await exists(`${undoPath}.image`)).toBe(false)
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
      expect(await stagedBytes(files)).toBe(15 * BLOCK)
    }))

  it('when somebody else has the base open for writing', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      await stage(files)
      const other = await files.space.open(files.basePath, { writable: true, exclusive: true })
      await expectCode(commit(files), 'IN_USE')
      await other.close()
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
    }))

  it('when it has checkpoints, or the undone base was changed since', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      await stage(files)
      const undoPath = join(files.dir, 'undo')
      await commit(files, { undoPath })
      await truncate(files.basePath, SIZE - 1)
      await expectCode(commit({ ...files, path: undoPath }), 'BASE_CHANGED')
    }))
})

describe('a commit that was cut short', () => {
  /** Some of the blocks are in the base, and the header says that a commit is under way. */
  async function cutShort(files: OverlayFiles, options: Partial<CommitLastingOptions> = {}) {
    await files.create()
    const wanted = await stage(files)
    const lasting = await files.open()
    const failing = {
      ...bound(files.space),
      facts: files.space.facts.bind(files.space),
    }
    let opened = 0
    failing.open = async (path, how) => {
      const disk = await files.space.open(path, how)
      if (path === files.basePath && how.writable && opened++ === 0) {
        const write = disk.write.bind(disk)
        let writes = 0
        disk.zero = () => Promise.reject(new Error('cut'))
        disk.write = (...args) =>
          writes++ === 0 ? write(...args) : Promise.reject(new Error('cut'))
      }
      return disk
    }
    const error = await commitLasting(failing, lasting, { verify: false, ...options }).catch(
      (e) => e,
    )
    expect(error).toBeInstanceOf(Error)
    expect(lasting.header?.state).toBe('committing')
    await lasting.close()
    const base = await readFile(files.basePath)
    expect(base.equals(files.baseBytes)).toBe(false)
    expect(base.equals(wanted)).toBe(false)
    return wanted
  }

  it('is seen when it is opened, and finishing it comes to the same bytes', () =>
    withOverlayFiles(SIZE, async (files) => {
      const wanted = await cutShort(files)
      await expectCode(files.open(), 'COMMIT_INTERRUPTED')
      expect(await commit(files)).toMatchObject({ finished: true, bytes: 15 * BLOCK })
      expectSameBytes(await readFile(files.basePath), wanted)
      expect(await stagedBytes(files)).toBe(0)
    }))

  it('can be looked at without being finished', () =>
    withOverlayFiles(SIZE, async (files) => {
      const wanted = await cutShort(files)
      const before = await readFile(files.basePath)
      const lasting = await files.open({ writable: false, interrupted: true })
      expectSameBytes(await readWhole(lasting.overlay), wanted)
      await lasting.close()
      expectSameBytes(await readFile(files.basePath), before)
    }))

  it('is not mixed with another one', () =>
    withOverlayFiles(SIZE, async (files) => {
      await cutShort(files)
      const ranges = [{ offset: 0, length: BLOCK }]
      await expectCode(commit(files, { ranges }), 'COMMIT_INTERRUPTED')
      await expectCode(commit(files, { undoPath: join(files.dir, 'u') }), 'COMMIT_INTERRUPTED')
    }))

  it('can be undone, and everything is still staged', () =>
    withOverlayFiles(SIZE, async (files) => {
      const undoPath = join(files.dir, 'undo')
      const wanted = await cutShort(files, { undoPath })
      const lasting = await files.open({ interrupted: true })
      await undoInterrupted(files.space, lasting, {})
      expectSameBytes(await readWhole(lasting.overlay), wanted)
      await lasting.close()
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
      expect(await stagedBytes(files)).toBe(15 * BLOCK)
    }))

  it('can be undone by committing its undo file alone', () =>
    withOverlayFiles(SIZE, async (files) => {
      const undoPath = join(files.dir, 'undo')
      const wanted = await cutShort(files, { undoPath })
      await commit({ ...files, path: undoPath })
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
      expect(await commit(files)).toMatchObject({ finished: true })
      expectSameBytes(await readFile(files.basePath), wanted)
    }))

  it('can be finished and then undone', () =>
    withOverlayFiles(SIZE, async (files) => {
      const undoPath = join(files.dir, 'undo')
      const wanted = await cutShort(files, { undoPath })
      expect(await commit(files, { undoPath })).toMatchObject({ finished: true, undoPath })
      expectSameBytes(await readFile(files.basePath), wanted)
      await commit({ ...files, path: undoPath })
      expectSameBytes(await readFile(files.basePath), files.baseBytes)
    }))

  it('without an undo file cannot be undone', () =>
    withOverlayFiles(SIZE, async (files) => {
      await cutShort(files)
      const lasting = await files.open({ interrupted: true })
      await expectCode(undoInterrupted(files.space, lasting, {}), 'NOT_FOUND')
      await lasting.close()
    }))
})

/** The calls of a space, to be replaced one by one. */
function bound(space: OverlayFiles['space']): OverlayFiles['space'] {
  return {
    create: space.create.bind(space),
    open: space.open.bind(space),
    resize: space.resize.bind(space),
    rename: space.rename.bind(space),
    remove: space.remove.bind(space),
    syncNames: space.syncNames.bind(space),
    facts: space.facts.bind(space),
  }
}
