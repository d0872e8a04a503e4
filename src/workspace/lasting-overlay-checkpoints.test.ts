import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ByteModel } from '../engine/testing/byte-model'
import { expectCode, expectSameBytes, readWhole } from '../engine/testing/expect-disk'
import { randomBytes } from '../engine/testing/overlay-setup'
import { type OverlayFiles, withOverlayFiles } from './lasting-overlay.test-helper'
import { goBack, makeCheckpoint, mergeDown } from './lasting-overlay-checkpoints'

const BLOCK = 4096
const SIZE = 20 * BLOCK + 100

const expectContent = async (files: OverlayFiles, bytes: Uint8Array) => {
  const lasting = await files.open({ writable: false })
  expectSameBytes(await readWhole(lasting.overlay), bytes)
  await lasting.close()
}

/** Stages some bytes and zeroes of its own for each seed. */
async function stage(files: OverlayFiles, model: ByteModel, seed: number): Promise<void> {
  const { overlay, close } = await files.open().then((it) => ({
    overlay: it.overlay,
    close: () => it.close(),
  }))
  const bytes = randomBytes(6000, seed)
  await overlay.write(bytes, 3000 * seed)
  model.write(bytes, 3000 * seed)
  await overlay.zero((8 + seed) * BLOCK, BLOCK)
  model.zero((8 + seed) * BLOCK, BLOCK)
  await close()
}

describe('checkpoints', () => {
  it('are gone back to, one after the other', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      const model = new ByteModel(files.baseBytes.slice())
      const kept: Uint8Array[] = []
      for (let n = 1; n <= 3; n++) {
        await stage(files, model, n)
        kept.push(model.bytes.slice())
        const name = n === 2 ? 'before the update' : undefined
        expect(await makeCheckpoint(files.space, files.path, { name })).toBe(
          name ?? `checkpoint ${n}`,
        )
        await expectContent(files, model.bytes)
      }
      await stage(files, model, 4)
      await expectContent(files, model.bytes)
      const lasting = await files.open()
      expect(lasting.layers.map(({ file }) => file.header?.checkpointName)).toEqual([
        '',
        'checkpoint 3',
        'before the update',
        'checkpoint 1',
      ])
      await lasting.close()
      expect(await goBack(files.space, files.path)).toBe('checkpoint 3')
      await expectContent(files, kept[2]!)
      expect(await goBack(files.space, files.path)).toBe('before the update')
      expect(await goBack(files.space, files.path)).toBe('checkpoint 1')
      await expectContent(files, kept[0]!)
      await expectCode(goBack(files.space, files.path), 'BAD_REQUEST')
      expect((await readdir(files.dir)).sort()).toEqual([
        'base.img',
        'staged.acow',
        'staged.acow.image',
      ])
      expectSameBytes(new Uint8Array(await readFile(files.basePath)), files.baseBytes)
    }))

  it('take in what came after them', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      const model = new ByteModel(files.baseBytes.slice())
      await stage(files, model, 1)
      await makeCheckpoint(files.space, files.path)
      await stage(files, model, 2)
      await makeCheckpoint(files.space, files.path)
      const before = model.bytes.slice()
      await stage(files, model, 3)
      expect(await mergeDown(files.space, files.path)).toBe('checkpoint 2')
      await expectContent(files, model.bytes)
      await stage(files, model, 4)
      await expectContent(files, model.bytes)
      expect(await mergeDown(files.space, files.path)).toBe('checkpoint 1')
      await expectContent(files, model.bytes)
      expect((await readdir(files.dir)).length).toBe(3)
      expect(Buffer.compare(before, model.bytes)).not.toBe(0)
      await expectCode(mergeDown(files.space, files.path), 'BAD_REQUEST')
    }))

  it('leave alone files that have the names they would take', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      await writeFile(`${files.path}.image-1`, 'mine')
      expect(await makeCheckpoint(files.space, files.path)).toBe('checkpoint 2')
      expect(await readFile(`${files.path}.image-1`, 'utf8')).toBe('mine')
      await expectCode(
        makeCheckpoint(files.space, files.path, { name: 'checkpoint 2' }),
        'ALREADY_EXISTS',
      )
      await expectCode(makeCheckpoint(files.space, files.path, { name: '' }), 'BAD_REQUEST')
      const long = makeCheckpoint(files.space, files.path, { name: 'x'.repeat(256) })
      await expectCode(long, 'OVERLAY_NAME_UNTERMINATED')
      expect((await readdir(files.dir)).length).toBe(6)
    }))

  it('are not written to, and not exchanged unseen', () =>
    withOverlayFiles(SIZE, async (files) => {
      await files.create()
      await makeCheckpoint(files.space, files.path)
      const lasting = await files.open()
      const frozen = lasting.layers[1]!
      expect(basename(frozen.path)).toBe('staged.acow.checkpoint-1')
      await expectCode(frozen.overlay.write(new Uint8Array(1), 0), 'READ_ONLY')
      await expectCode(frozen.overlay.discard(), 'READ_ONLY')
      await lasting.close()
      await expectCode(
        files.open({}).then(async (it) => {
          await it.close()
          const { openLastingOverlay } = await import('./lasting-overlay')
          await openLastingOverlay(files.space, frozen.path, { writable: true })
        }),
        'READ_ONLY',
      )
      const other = `${files.path}-2`
      await files.create({ path: other })
      await writeFile(frozen.path, await readFile(other))
      await expectCode(files.open(), 'BASE_CHANGED')
    }))

  it('are for version 2', () =>
    withOverlayFiles(20 * BLOCK, async (files) => {
      await files.create({ version: 1 })
      await expectCode(makeCheckpoint(files.space, files.path), 'NOT_SUPPORTED')
    }))
})
