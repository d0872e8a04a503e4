// The journey that everything else exists for: a real image, changed by hand and by a machine that uses
// it over NBD, with one change thought better of, and the rest carried into the file.

import { readFile } from 'node:fs/promises'
import { expect, test } from './fixtures'

const MIB = 1024 * 1024
const BLOCK = 64 * 1024

test('stage, serve, discard one range, commit the rest', async ({ launch, peers }) => {
  const image = await peers.makeExt4Image('disk.img')
  const original = await readFile(image)
  const app = await launch({ images: [image] })

  await test.step('bytes typed in the hex view are staged', async () => {
    await app.goTo('0x1400000')
    await app.typeHex('deadbeef')
    await app.expectStaged([{ offset: '0x1400000', length: '64 KiB', state: 'written', by: 'you' }])
    await app.expectLegend({ written: BLOCK, zeroed: 0, unknown: 0 })
    await app.goTo('0x1400000')
    await expect.poll(() => app.cellAtCursor()).toMatch(/staged/)
    expect(original.equals(await readFile(image))).toBe(true)
  })

  const uri =
    await test.step('a client writes through the export and reads what is staged', async () => {
      const served = await app.serve()
      expect(served).toMatch(/^nbd\+unix:\/\/\/\?socket=/)
      peers.qemuIo(served, 'write -P 0xab 8M 192k', 'write -P 0xcd 33M 512', 'flush')
      peers.qemuIo(served, 'read -P 0xab 8M 192k', 'read -P 0xcd 33M 512')
      expect(peers.qemuIo(served, 'read -v 20M 4')).toContain('de ad be ef')
      return served
    })

  await test.step('its blocks stand on the map and in the list', async () => {
    await app.expectLegend({ written: 5 * BLOCK })
    await app.expectLegend({ ...peers.totals(uri) })
    const client = expect.stringContaining('client')
    await app.expectStaged([
      { offset: '0x800000', length: '192 KiB', by: client },
      { offset: '0x1400000', length: '64 KiB', by: 'you' },
      { offset: '0x2100000', length: '64 KiB', by: client },
    ])
    await app.goTo('8M')
    await expect.poll(() => app.cellAtCursor()).toMatch(/staged/)
    expect(original.equals(await readFile(image))).toBe(true)
  })

  await test.step('one range is discarded, and reads as the image does again', async () => {
    await app.discardRun('0x800000')
    await app.expectStaged([{ offset: '0x1400000' }, { offset: '0x2100000' }])
    const base = original[8 * MIB]!
    peers.qemuIo(uri, `read -P ${base} 8M 1`)
  })

  await test.step('the rest is committed and read back', async () => {
    const review = await app.reviewCommit()
    await expect(review).toContainText(image)
    await expect(
      review.getByRole('button', { name: 'Write 2 ranges (128 KiB) to disk.img' }),
    ).toBeEnabled()
    expect(original.equals(await readFile(image))).toBe(true)
    await review.getByRole('button', { name: 'Cancel' }).click()
    expect(await app.commit()).toContain('2 ranges, 128 KiB: written, read back and equal')
  })

  await test.step('the file is what it should be, byte for byte, and nothing is staged', async () => {
    const expected = Buffer.from(original)
    expected.set([0xde, 0xad, 0xbe, 0xef], 20 * MIB)
    expected.fill(0xcd, 33 * MIB, 33 * MIB + 512)
    expect(expected.equals(await readFile(image))).toBe(true)
    await app.expectLegend({ written: 0, zeroed: 0 })
    await expect(app.page.getByText('Nothing is staged.')).toBeVisible()
    peers.qemuIo(uri, 'read -P 0xcd 33M 512')
    await app.expectLegend({ ...peers.totals(image), unknown: 0 })
  })
})

test('undo takes back what was typed, and redo stages it again', async ({ launch, peers }) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const app = await launch({ images: [image] })
  await app.goTo('1M')
  await app.typeHex('5a')
  const uri = await app.serve()
  expect(peers.qemuIo(uri, 'read -v 1M 1')).toMatch(/: +5a/)
  await app.focusBytes()
  await app.press('Control+Z')
  await app.idle()
  const base = (await readFile(image))[MIB]!
  peers.qemuIo(uri, `read -P ${base} 1M 1`)
  await app.press('Control+Shift+Z')
  await app.idle()
  peers.qemuIo(uri, 'read -P 0x5a 1M 1')
})
