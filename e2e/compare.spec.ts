import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixtures'

test('what is staged is what differs from a copy, and can be gone to', async ({
  launch,
  peers,
  dir,
}) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const copy = join(dir, 'copy.img')
  await copyFile(image, copy)
  const app = await launch({ images: [image] })
  const compare = async (locator: string) => {
    await app.press('Control+Shift+D')
    const dialog = app.dialog('Compare disk.img with')
    await dialog.getByLabel('Path or NBD URI').fill(locator)
    await app.press('Enter')
    return dialog
  }

  const asked = await compare(join(dir, 'none.img'))
  await expect(asked.getByRole('alert')).toContainText('none.img')
  await expect(asked.getByLabel('Path or NBD URI')).toBeFocused()
  await app.press('Escape')

  await compare(copy)
  const compared = app.dialog('Compared')
  await expect(compared.getByRole('status')).toContainText('disk.img and copy.img are the same')
  await app.press('Escape')

  await app.goTo('0x1400004')
  await app.typeHex('deadbeef')
  await app.goTo('0')
  await compare(copy)
  await expect(compared.getByRole('status')).toContainText('differ in 1 range, 4 B')
  const list = compared.getByRole('grid', { name: 'Differing ranges' })
  await expect(list.getByRole('row').nth(1)).toHaveText(/0x1400004.*0x1400008.*4 B/)
  await list.focus()
  await app.press('Enter')
  await expect(compared).toBeHidden()
  expect(await app.cursorOffset()).toBe(0x1400004)
})
