// Save as…: what the window shows becomes a file of its own, and nothing else changes.

import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixtures'

const MIB = 1024 * 1024

test('what is shown is saved, staged bytes and all; the image and the staging stay', async ({
  launch,
  peers,
  dir,
}) => {
  const image = await peers.makeExt4Image('disk.img')
  const original = await readFile(image)
  const app = await launch({ images: [image] })
  await app.goTo('20M')
  await app.typeHex('deadbeef')
  const saved = join(dir, 'saved.img')
  const expected = Buffer.from(original)
  expected.set([0xde, 0xad, 0xbe, 0xef], 20 * MIB)

  await test.step('the dialog says what and how much, and offers a name beside the image', async () => {
    await app.press('Control+Shift+S')
    const dialog = app.dialog('Save disk.img as')
    await expect(dialog).toContainText('with the 64 KiB staged over it')
    const field = dialog.getByLabel('New file')
    await expect(field).toBeFocused()
    await expect(field).toHaveValue(join(dir, 'disk-copy.img'))
    await field.fill(saved)
    await app.press('Enter')
    const done = app.dialog('Saved')
    await expect(done.getByRole('status')).toContainText(`${saved}: 64 MiB saved`)
  })

  await test.step('the file has the bytes, and its holes', async () => {
    expect((await readFile(saved)).equals(expected)).toBe(true)
    const { blocks, size } = await stat(saved)
    expect(blocks * 512).toBeLessThan(size / 2)
    expect((await readFile(image)).equals(original)).toBe(true)
    await app.expectLegend({ written: 64 * 1024 })
  })

  await test.step('it can be opened from there', async () => {
    await app.dialog('Saved').getByRole('button', { name: 'Open it' }).click()
    await expect(app.tab('saved.img')).toBeVisible()
    await app.expectLegend({ written: 0, unknown: 0 })
    // qemu-img finds the four bytes, and ends with 1.
    const compare = () => peers.run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', saved, image)
    expect(compare).toThrow('Content mismatch at offset 20971520')
  })
})

test('a file that is there is replaced only after the question, and the image itself never', async ({
  launch,
  peers,
  dir,
}) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const original = await readFile(image)
  const there = join(dir, 'there.img')
  await writeFile(there, 'mine')
  const app = await launch({ images: [image] })
  await app.press('Control+Shift+S')
  const dialog = app.dialog('Save disk.img as')
  const field = dialog.getByLabel('New file')

  await field.fill(image)
  await app.press('Enter')
  await expect(dialog.getByRole('alert')).toContainText('one and the same file')
  await expect(field).toBeFocused()

  await field.fill(join(dir, 'none', 'copy.img'))
  await app.press('Enter')
  await expect(dialog.getByRole('alert')).toContainText('no such')

  await field.fill(there)
  await app.press('Enter')
  await expect(dialog.getByRole('status')).toContainText('is there already')
  await app.press('Enter')
  expect(await readFile(there, 'utf8')).toBe('mine')
  await dialog.getByRole('button', { name: 'Replace the file' }).click()
  await expect(app.dialog('Saved')).toBeVisible()
  expect((await readFile(there)).equals(original)).toBe(true)
  await app.press('Escape')
  await expect(app.dialog('Saved')).toBeHidden()
})
