// Overlays that are not opened, each for one reason, and with nothing changed.

import { link, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../engine/base/errors'
import type { FileSpace } from '../engine/disk/file-space'
import { AddCowFile } from '../engine/formats/add-cow/add-cow-file'
import type { AddCowHeader } from '../engine/formats/add-cow/add-cow-header'
import { CrashFiles } from '../engine/testing/crash-files'
import { expectCode, expectSameBytes, readWhole } from '../engine/testing/expect-disk'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import { withOverlayFiles } from './lasting-overlay.test-helper'
import { makeCheckpoint } from './lasting-overlay-checkpoints'
import { createLastingOverlay, newId } from './lasting-overlay-create'
import { MAX_LAYERS } from './lasting-overlay-layers'

const SIZE = 100 * 4096

async function changeHeader(
  space: FileSpace,
  path: string,
  change: (header: AddCowHeader) => AddCowHeader,
): Promise<void> {
  const disk = await space.open(path, { writable: true })
  await (await AddCowFile.open(disk)).update(change)
  await disk.close()
}

describe('a lasting overlay is refused', () => {
  it('when one of its files is missing', () =>
    withOverlayFiles(SIZE, async ({ create, open, path, basePath }) => {
      await expectCode(open(), 'NOT_FOUND')
      await create()
      await rename(`${path}.image`, `${path}.x`)
      await expectCode(open(), 'OVERLAY_FILE_MISSING')
      await rename(`${path}.x`, `${path}.image`)
      await rename(basePath, `${basePath}.x`)
      await expectCode(open(), 'OVERLAY_FILE_MISSING')
      await rename(`${basePath}.x`, basePath)
      await (await open()).close()
    }))

  it('when it is its own base or image file, or these are one file, whatever they are called', () =>
    withOverlayFiles(SIZE, async ({ create, open, space, path, dir, basePath }) => {
      await create()
      await link(path, join(dir, 'hard'))
      await symlink(path, join(dir, 'soft'))
      await link(basePath, join(dir, 'base too'))
      const names: Partial<AddCowHeader>[] = [
        { imageName: 'staged.acow' },
        { imageName: 'hard' },
        { imageName: 'soft' },
        { baseName: './staged.acow' },
        { baseName: join(dir, 'hard') },
        { baseName: 'soft' },
        { baseName: 'staged.acow.image' },
        { baseName: 'soft', baseFormat: 'add-cow' },
      ]
      for (const name of names) {
        let before: AddCowHeader | undefined
        await changeHeader(space, path, (header) => {
          before = header
          return { ...header, state: 'dirty', ...name }
        })
        const length = (await stat(path)).size
        const code = await open().then(
          async (it) => {
            await it.close()
            return 'opened'
          },
          (error: { code: string }) => error.code,
        )
        // An image file that is the overlay file has the wrong length as well.
        expect(['OVERLAY_LOOP', 'OVERLAY_SIZE'], JSON.stringify(name)).toContain(code)
        if (name.imageName === undefined) expect(code).toBe('OVERLAY_LOOP')
        expect((await stat(path)).size).toBe(length)
        await changeHeader(space, path, () => before!)
      }
      await (await open()).close()
    }))

  it('when it is the same through other overlays', () =>
    withOverlayFiles(SIZE, async ({ create, open, space, path }) => {
      await create()
      await makeCheckpoint(space, path)
      await makeCheckpoint(space, path)
      const lasting = await open()
      const [top, middle, bottom] = lasting.layers
      await lasting.close()
      await changeHeader(space, bottom!.path, (header) => ({
        ...header,
        baseName: middle!.path,
        baseFormat: 'add-cow',
        parentId: middle!.file.header!.id,
      }))
      await expectCode(open(), 'OVERLAY_LOOP')
      expect(top.path).toBe(path)
    }))

  it('when too many lie on one another', () =>
    withOverlayFiles(SIZE, async ({ create, space, dir, path, basePath }) => {
      await create()
      let below = path
      for (let depth = 2; depth <= MAX_LAYERS + 1; depth++) {
        const next = join(dir, `layer-${depth}`)
        await createLastingOverlay(space, {
          ...{ path: next, basePath, version: 2, blockSize: 4096, format: 'raw' },
        })
        const id = await idOf(space, below)
        await changeHeader(space, next, (header) => ({
          ...header,
          id: newId(),
          baseName: below,
          baseFormat: 'add-cow',
          parentId: id,
        }))
        below = next
        if (depth < MAX_LAYERS) continue
        const opening = openLastingOverlay(space, next, { writable: false })
        if (depth === MAX_LAYERS) await (await opening).close()
        else await expectCode(opening, 'OVERLAY_DEPTH')
      }
    }))

  it('when the format of its base or image file is not read, and it is not guessed', () =>
    withOverlayFiles(SIZE, async ({ create, open, space, path }) => {
      await create()
      for (const format of [{ baseFormat: 'qcow2' }, { imageFormat: 'add-cow' }]) {
        await changeHeader(space, path, (header) => ({ ...header, ...format }))
        await expectCode(open(), 'OVERLAY_FORMAT')
        await changeHeader(space, path, (h) => ({ ...h, baseFormat: 'raw', imageFormat: 'raw' }))
      }
      await (await open()).close()
    }))

  it('when its image file has another length', () =>
    withOverlayFiles(SIZE, async ({ create, open, space, path }) => {
      await create()
      for (const size of [SIZE - 1, SIZE + 1, 4096]) {
        await space.resize(`${path}.image`, size)
        await expectCode(open(), 'OVERLAY_SIZE')
      }
    }))

  it('when a commit of it was cut short, unless that is what it is opened for', () =>
    withOverlayFiles(SIZE, async ({ create, open, baseBytes, basePath }) => {
      await create()
      const lasting = await open()
      await lasting.overlay.write(Uint8Array.of(1), 0)
      await lasting.overlay.flush()
      await lasting.markCommitting({ undoName: 'undo' })
      await lasting.close()
      await expectCode(open(), 'COMMIT_INTERRUPTED')
      await expectCode(open({ writable: false }), 'COMMIT_INTERRUPTED')
      await writeFile(basePath, baseBytes.slice().fill(1, 0, 4096))
      const again = await open({ interrupted: true })
      expect(again.header?.commit).toEqual({ undoName: 'undo' })
      expect(again.overlay.staged().written).toBe(4096)
      await again.markCommitted()
      await again.close()
      await (await open()).close()
    }))
})

async function idOf(space: FileSpace, path: string): Promise<Uint8Array> {
  const disk = await space.open(path, { writable: false })
  const { header } = await AddCowFile.open(disk)
  await disk.close()
  return header!.id
}

describe('a base that changed', () => {
  const changes: Readonly<Record<string, (base: string) => Promise<void>>> = {
    'that was written to': async (base) => {
      const bytes = await readFile(base)
      bytes[50_000] = bytes[50_000]! ^ 1
      await writeFile(base, bytes)
    },
    'whose time is another one': (base) => utimes(base, 5, 5),
    'that is longer': async (base) => {
      await writeFile(base, Buffer.concat([await readFile(base), Buffer.alloc(512)]))
    },
    'that was written to in its first block, with the time put back': async (base) => {
      const { atime, mtime } = await stat(base)
      const bytes = await readFile(base)
      bytes[0] = bytes[0]! ^ 1
      await writeFile(base, bytes)
      await utimes(base, atime, mtime)
    },
    'whose place another file has taken': async (base) => {
      const bytes = await readFile(base)
      await rm(base)
      await writeFile(base, bytes)
    },
  }
  for (const [name, change] of Object.entries(changes)) {
    it(`${name} is refused, until it is accepted`, () =>
      withOverlayFiles(SIZE, async ({ create, open, basePath, path }) => {
        await create()
        await change(basePath)
        await expectCode(open(), 'BASE_CHANGED')
        await expectCode(open({ writable: false }), 'BASE_CHANGED')
        const looked: string[] = []
        const looking = { writable: false, onBaseChanged: (why: string) => looked.push(why) }
        await (await open(looking)).close()
        expect(looked.length).toBe(1)
        await (await open({ writable: false, acceptBase: true })).close()
        await expectCode(open(), 'BASE_CHANGED')
        const accepted = await open({ acceptBase: true })
        const base = await readFile(basePath)
        const expected = new Uint8Array(SIZE)
        expected.set(base.subarray(0, SIZE))
        expectSameBytes(await readWhole(accepted.overlay), expected)
        await accepted.close()
        await (await open()).close()
        expect(path).toContain('staged')
      }))
  }

  it('in nothing but where it lies is as good as before', () =>
    withOverlayFiles(SIZE, async ({ create, open, basePath }) => {
      await create()
      const { atimeMs, mtimeMs } = await stat(basePath)
      await utimes(basePath, atimeMs / 1000, Math.floor(mtimeMs / 1000))
      await (await open({ acceptBase: true })).close()
      const bytes = await readFile(basePath)
      await rename(basePath, `${basePath}.old`)
      await writeFile(basePath, bytes)
      await utimes(basePath, atimeMs / 1000, Math.floor(mtimeMs / 1000))
      await (await open()).close()
    }))
})

describe('making a lasting overlay is refused', () => {
  const refusals: [string, Parameters<typeof createLastingOverlay>[1] | object, ErrorCode][] = [
    ['of a base that is not there', { basePath: '/nowhere/base.img' }, 'NOT_FOUND'],
    ['in a directory that is not there', { path: '/nowhere/a.acow' }, 'NOT_FOUND'],
    ['of a format that is not read', { format: 'qcow2' }, 'FORMAT_UNSUPPORTED'],
    ['of half a sector in version 1', { version: 1, size: 1000 }, 'BAD_SIZE'],
    ['of nothing', { size: 0 }, 'BAD_SIZE'],
    ['of more than can be counted', { size: Number.MAX_SAFE_INTEGER }, 'BAD_SIZE'],
  ]
  it.each(refusals)('%s', (_, options, code) =>
    withOverlayFiles(SIZE, async ({ create }) => {
      await expectCode(create(options), code)
    }),
  )

  it('over files that are there', () =>
    withOverlayFiles(SIZE, async ({ create, path, basePath, baseBytes }) => {
      await writeFile(`${path}.image`, 'mine')
      await expectCode(create(), 'ALREADY_EXISTS')
      expect(await readFile(`${path}.image`, 'utf8')).toBe('mine')
      await rm(`${path}.image`)
      await writeFile(path, 'mine')
      await expectCode(create(), 'ALREADY_EXISTS')
      expect(await readFile(path, 'utf8')).toBe('mine')
      await expect(stat(`${path}.image`)).rejects.toMatchObject({ code: 'ENOENT' })
      await expectCode(create({ path: basePath }), 'ALREADY_EXISTS')
      expectSameBytes(new Uint8Array(await readFile(basePath)), baseBytes)
    }))

  it('over a base that looks like another format, unless it is said to be raw', () =>
    withOverlayFiles(SIZE, async ({ create, open, basePath }) => {
      const bytes = new Uint8Array(SIZE)
      bytes.set(new TextEncoder().encode('QFI'))
      bytes.set([0xfb, 0, 0, 0, 3], 3)
      await writeFile(basePath, bytes)
      await expectCode(create({ format: undefined }), 'FORMAT_UNSUPPORTED')
      await create({ format: 'raw' })
      const lasting = await open()
      expectSameBytes(await readWhole(lasting.overlay), bytes)
      await lasting.close()
    }))
})

describe('a disk of many terabytes', () => {
  const TIB = 1024 ** 4

  /** Stages here and there, closes, and opens it again. */
  async function stageAndReopen(open: () => Promise<LastingOverlay>, tib: number): Promise<void> {
    const lasting = await open()
    for (const at of [0, 5 * TIB, tib * TIB - 65536]) {
      await lasting.overlay.write(new Uint8Array(65536).fill(7), at)
    }
    await lasting.overlay.zero(8 * TIB, TIB)
    await lasting.close()
    const again = await open()
    expect(again.overlay.staged()).toEqual({ written: 3 * 65536, zeroed: TIB })
    const target = new Uint8Array(10)
    await again.overlay.read(target, 5 * TIB)
    expect(target[9]).toBe(7)
    await again.close()
  }

  it('opens at once, and staging in it costs what is staged', () =>
    withOverlayFiles(4096, async ({ create, open, path }) => {
      // As long as the longest file of ext4, less a terabyte.
      await create({ size: 15 * TIB, blockSize: 65536 })
      await stageAndReopen(open, 15)
      const pages = Math.ceil(TIB / 65536 / 16320) + 3
      expect((await stat(path)).blocks * 512).toBeLessThan(32768 + pages * 8192 * 2)
    }))

  it('does so for 16 TiB too', async () => {
    const files = CrashFiles.of({ '/d/base': new Uint8Array(4096) })
    await createLastingOverlay(files, {
      ...{ path: '/d/o', basePath: '/d/base', version: 2, format: 'raw' },
      ...{ size: 16 * TIB, blockSize: 65536 },
    })
    await stageAndReopen(() => openLastingOverlay(files, '/d/o', { writable: true }), 16)
  })
})
