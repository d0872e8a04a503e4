// Overlays that outlive the window: kept in a file, closed and opened again, with checkpoints, and over an
// image that changed.

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixtures'
import type { PlatterApp } from './platter-app'

const MIB = 1024 * 1024
const BLOCK = 64 * 1024

async function keep(app: PlatterApp, path: string): Promise<void> {
  await app.press('Control+S')
  const dialog = app.dialog('Keep what is staged for disk.img')
  await expect(dialog.getByLabel('New overlay file')).toHaveValue(path)
  await expect(dialog.getByLabel('New overlay file')).toBeFocused()
  await app.press('Enter')
  const done = app.dialog('Kept')
  await expect(done.getByRole('status')).toContainText(`${path}: 64 KiB kept`)
  await done.getByRole('button', { name: 'Close' }).last().click()
  await app.idle()
}

test('kept in a file, closed, opened again: still staged', async ({ launch, peers, dir }) => {
  const image = await peers.makeExt4Image('disk.img')
  const original = await readFile(image)
  const overlay = join(dir, 'disk.overlay')
  const app = await launch({ images: [image] })
  await app.goTo('20M')
  await app.typeHex('deadbeef')

  await test.step('the session goes on with the file, and says so', async () => {
    await keep(app, overlay)
    await expect(app.tab('disk.overlay')).toBeVisible()
    await expect(app.page.getByText('lasting: disk.overlay,')).toBeVisible()
    await expect(app.page.locator('.status-saved')).toHaveText('saved')
    await app.expectStaged([{ offset: '0x1400000', length: '64 KiB', state: 'written' }])
    await app.goTo('30M')
    await app.typeHex('55')
    await expect(app.page.locator('.status-saved')).toHaveText('saved')
  })

  await test.step('closing asks nothing, and opening shows all of it', async () => {
    await app.page.getByRole('button', { name: 'Close disk.overlay' }).click()
    await expect(app.tab('disk.overlay')).toBeHidden()
    expect((await readFile(image)).equals(original)).toBe(true)
    await app.openPath(overlay)
    await expect(app.tab('disk.overlay')).toBeVisible()
    await app.expectLegend({ written: 2 * BLOCK, zeroed: 0, unknown: 0 })
    await app.expectStaged([{ offset: '0x1400000' }, { offset: '0x1E00000' }])
    const uri = await app.serve()
    expect(peers.qemuIo(uri, 'read -v 20M 4')).toContain('de ad be ef')
    peers.qemuIo(uri, 'read -P 0x55 30M 1')
  })
})

test('a checkpoint, a mistake, and the way back', async ({ launch, peers, dir }) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const app = await launch({ images: [image] })
  await app.goTo('1M')
  await app.typeHex('aa')
  await app.press('Alt+K')
  await expect(app.dialog('Checkpoints')).toContainText('keep it in a file of its own first')
  await app.press('Escape')
  await expect(app.dialog('Checkpoints')).toBeHidden()
  await keep(app, join(dir, 'disk.overlay'))

  await app.press('Alt+K')
  const dialog = app.dialog('Checkpoints of disk.overlay')
  await dialog.getByLabel('Freeze what is staged as').fill('before the mistake')
  await app.press('Enter')
  await expect(dialog.getByRole('row')).toHaveCount(4)
  await expect(dialog.getByRole('row').nth(2)).toContainText('before the mistake')
  await expect(dialog.getByRole('row').nth(2)).toContainText('64 KiB')
  await app.press('Escape')
  await app.expectLegend({ written: 0 })

  await test.step('going back says what is lost, and takes it', async () => {
    await app.goTo('1M')
    await app.typeHex('bb')
    await app.goTo('2M')
    await app.typeHex('cc')
    await app.expectLegend({ written: 2 * BLOCK })
    await app.press('Alt+K')
    await dialog.getByRole('button', { name: "Go back to 'before the mistake'…" }).click()
    const question = app.dialog("Go back to 'before the mistake'?")
    await expect(question).toContainText('131,072 bytes that were written')
    await question.getByRole('button', { name: 'Keep' }).click()
    await app.expectLegend({ written: 2 * BLOCK })
    await dialog.getByRole('button', { name: "Go back to 'before the mistake'…" }).click()
    await question.getByRole('button', { name: 'Go back, discard 128 KiB' }).click()
    await expect(dialog).toContainText('No checkpoint lies between')
    await expect(dialog).toBeFocused()
    await app.press('Escape')
    await app.expectStaged([{ offset: '0x100000', length: '64 KiB' }])
    const uri = await app.serve()
    peers.qemuIo(uri, 'read -P 0xaa 1M 1')
    const base = (await readFile(image))[2 * MIB]!
    peers.qemuIo(uri, `read -P ${base} 2M 1`)
  })

  await test.step('while it is served there is no checkpoint, and the dialog says why', async () => {
    await app.press('Alt+K')
    await dialog.getByRole('button', { name: 'Make checkpoint' }).click()
    await expect(dialog.getByRole('alert')).toContainText('stop the export first')
    await app.press('Escape')
  })
})

test('what came after a checkpoint is merged into it', async ({ launch, peers, dir }) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const app = await launch({ images: [image] })
  await app.goTo('1M')
  await app.typeHex('aa')
  await keep(app, join(dir, 'disk.overlay'))
  await app.press('Alt+K')
  const dialog = app.dialog('Checkpoints of disk.overlay')
  await dialog.getByRole('button', { name: 'Make checkpoint' }).click()
  await expect(dialog).toContainText('1 checkpoint between')
  await app.press('Escape')
  await app.goTo('2M')
  await app.typeHex('cc')
  await app.press('Alt+K')
  await dialog.getByRole('button', { name: "Merge into 'checkpoint 1'" }).click()
  await expect(app.dialog('Merged')).toBeVisible()
  await app.press('Escape')
  await expect(dialog).toContainText('No checkpoint lies between')
  await expect(dialog).toBeFocused()
  await app.press('Escape')
  await app.expectStaged([{ offset: '0x100000' }, { offset: '0x200000' }])
  expect((await readdir(dir)).filter((name) => name.startsWith('disk.overlay')).sort()).toEqual([
    'disk.overlay',
    'disk.overlay.image',
  ])
})

test('an image that changed under its overlay is asked about', async ({ launch, peers, dir }) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const overlay = join(dir, 'disk.overlay')
  const app = await launch({ images: [image] })
  await app.goTo('1M')
  await app.typeHex('aa')
  await keep(app, overlay)
  await app.page.getByRole('button', { name: 'Close disk.overlay' }).click()
  await expect(app.tab('disk.overlay')).toBeHidden()
  const bytes = await readFile(image)
  bytes[0] = 0x77
  await writeFile(image, bytes)

  await app.openPath(overlay)
  const dialog = app.dialog('The image under this overlay has changed')
  await expect(dialog.getByRole('button', { name: 'Leave it' })).toBeFocused()
  await dialog.getByRole('button', { name: 'Open it over the image as it is now' }).click()
  await expect(app.tab('disk.overlay')).toBeVisible()
  await app.expectStaged([{ offset: '0x100000', length: '64 KiB' }])
})
