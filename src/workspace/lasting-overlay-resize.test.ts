import { stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ByteModel } from '../engine/testing/byte-model'
import { expectCode, expectSameBytes, readWhole } from '../engine/testing/expect-disk'
import { randomBytes } from '../engine/testing/overlay-setup'
import { type OverlayFiles, withOverlayFiles } from './lasting-overlay.test-helper'
import { resizeOverlay } from './lasting-overlay-resize'

const BLOCK = 4096

const resized = (bytes: Uint8Array, size: number): Uint8Array => {
  const result = new Uint8Array(size)
  result.set(bytes.subarray(0, size))
  return result
}

async function stage(files: OverlayFiles, model: ByteModel, at: number, length: number) {
  const lasting = await files.open()
  const bytes = randomBytes(length, at)
  await lasting.overlay.write(bytes, at)
  model.write(bytes, at)
  await lasting.close()
}

async function expectContent(files: OverlayFiles, bytes: Uint8Array): Promise<void> {
  const lasting = await files.open({ writable: false })
  expect(lasting.header?.state).toBe('clean')
  expectSameBytes(await readWhole(lasting.overlay), bytes)
  await lasting.close()
  const whole = Math.ceil(bytes.length / BLOCK) * BLOCK
  expect((await stat(`${files.path}.image`)).size).toBe(whole)
}

describe('another size for a lasting overlay', () => {
  const sizes = [10 * BLOCK, 10 * BLOCK + 77, 3 * BLOCK + 5, 30 * BLOCK + 1]
  for (const staged of [false, true]) {
    it(`shows zeroes in what is added, ${staged ? 'staged' : 'clean'} at the end before`, () =>
      withOverlayFiles(20 * BLOCK + 500, async (files) => {
        for (const from of sizes) {
          for (const to of sizes) {
            const path = `${files.path}-${from}-${to}`
            const each = {
              ...files,
              path,
              open: async (options = {}) => {
                const { openLastingOverlay } = await import('./lasting-overlay')
                return openLastingOverlay(files.space, path, { writable: true, ...options })
              },
            }
            await files.create({ path, size: from })
            let model = new ByteModel(resized(files.baseBytes, from))
            await stage(each, model, 100, 300)
            if (staged) await stage(each, model, from - 50, 50)
            await resizeOverlay(files.space, path, to)
            model = new ByteModel(resized(model.bytes, to))
            await expectContent(each, model.bytes)
            await stage(each, model, to - 10, 10)
            await resizeOverlay(files.space, path, from)
            model = new ByteModel(resized(model.bytes, from))
            await expectContent(each, model.bytes)
          }
        }
      }))
  }

  it('does not show again what a smaller one cut off', () =>
    withOverlayFiles(20 * BLOCK, async (files) => {
      await files.create()
      const model = new ByteModel(files.baseBytes.slice())
      await stage(files, model, 5 * BLOCK, 3 * BLOCK)
      await resizeOverlay(files.space, files.path, 6 * BLOCK + 100)
      await resizeOverlay(files.space, files.path, 20 * BLOCK)
      const bytes = resized(model.bytes.slice(0, 6 * BLOCK + 100), 20 * BLOCK)
      await expectContent(files, bytes)
    }))

  it('is refused for version 1 and for no size, with nothing changed', () =>
    withOverlayFiles(20 * BLOCK, async (files) => {
      await files.create({ version: 1 })
      await expectCode(resizeOverlay(files.space, files.path, BLOCK), 'NOT_SUPPORTED')
      const other = `${files.path}-2`
      await files.create({ path: other })
      for (const size of [0, Number.MAX_SAFE_INTEGER]) {
        await expectCode(resizeOverlay(files.space, other, size), 'BAD_SIZE')
      }
      expect((await stat(`${other}.image`)).size).toBe(20 * BLOCK)
    }))
})
