import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { ByteModel } from '../engine/testing/byte-model'
import { describeDiskContract } from '../engine/testing/disk-contract'
import { runDiskModel } from '../engine/testing/disk-model'
import { expectSameBytes, readWhole } from '../engine/testing/expect-disk'
import { randomBytes, trimInBlocks } from '../engine/testing/overlay-setup'
import { type OverlayFiles, withOverlayFiles } from './lasting-overlay.test-helper'

const BLOCK = 4096
const SIZE = 40 * BLOCK + 512

describe('a lasting overlay', () => {
  for (const version of [1, 2] as const) {
    it(`of version ${version} has after closing what it had before`, () =>
      withOverlayFiles(SIZE, async ({ create, open, basePath, baseBytes }) => {
        await create({ version })
        const model = new ByteModel(baseBytes.slice())
        for (let round = 0; round < 3; round++) {
          const { overlay, close } = await bound(open)
          expectSameBytes(await readWhole(overlay), model.bytes)
          const bytes = randomBytes(9000, round + 5)
          await overlay.write(bytes, 1000 + 20_000 * round)
          model.write(bytes, 1000 + 20_000 * round)
          await overlay.zero(100_000 + 5000 * round, 9000)
          model.zero(100_000 + 5000 * round, 9000)
          await overlay.trim(30 * BLOCK, BLOCK)
          model.zero(30 * BLOCK, BLOCK)
          await close()
        }
        const { overlay, close } = await bound(open)
        expectSameBytes(await readWhole(overlay), model.bytes)
        const staged = overlay.staged()
        expect(staged.written + staged.zeroed).toBeGreaterThan(9000)
        await overlay.discard()
        await close()
        const empty = await bound(open)
        expectSameBytes(await readWhole(empty.overlay), baseBytes)
        expect(empty.overlay.staged()).toEqual({ written: 0, zeroed: 0 })
        await empty.close()
        expectSameBytes(new Uint8Array(await readFile(basePath)), baseBytes)
      }))

    it(`of version ${version} agrees with a byte array under random work, reopened between`, () =>
      withOverlayFiles(SIZE, async ({ create, open, baseBytes }) => {
        await create({ version })
        let model = new ByteModel(baseBytes.slice())
        const prng = new Prng(7)
        for (let seed = 1; seed <= 6; seed++) {
          const lasting = await open({ copyOnRead: prng.bool(0.3), copyOnCache: prng.bool(0.3) })
          const onTrim = trimInBlocks(version === 1 ? 512 : BLOCK)
          model = await runDiskModel(lasting.overlay, { seed, steps: 80, content: model, onTrim })
          if (prng.bool(0.3)) {
            await lasting.overlay.discard([{ offset: 8 * BLOCK, length: 4 * BLOCK }])
            model.write(baseBytes.subarray(8 * BLOCK, 12 * BLOCK), 8 * BLOCK)
          }
          await lasting.close()
        }
      }))
  }
})

async function bound(open: OverlayFiles['open']) {
  const lasting = await open()
  return { overlay: lasting.overlay, close: () => lasting.close() }
}

describe('the contract', () => {
  for (const version of [1, 2] as const) {
    describeDiskContract(
      `a lasting overlay of version ${version}`,
      () =>
        new Promise((resolve, reject) => {
          const done = withOverlayFiles(SIZE, (files) =>
            keepOpen(files, version, () => done, resolve),
          )
          done.catch(reject)
        }),
      { seeds: [1, 2], steps: 100 },
    )
  }
})

async function keepOpen(
  files: OverlayFiles,
  version: 1 | 2,
  done: () => Promise<void>,
  resolve: (value: {
    disk: Awaited<ReturnType<OverlayFiles['open']>>['overlay']
    content: Uint8Array
    dispose: () => Promise<void>
  }) => void,
): Promise<void> {
  await files.create({ version })
  const lasting = await files.open()
  await new Promise<void>((end) => {
    resolve({
      disk: lasting.overlay,
      content: files.baseBytes.slice(),
      dispose: async () => {
        end()
        await done()
      },
    })
  })
  await lasting.close()
}
