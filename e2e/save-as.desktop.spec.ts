import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixtures'

test('the native dialog chooses the file, and has asked whether it may be replaced', async ({
  launch,
  peers,
  dir,
}) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const saved = join(dir, 'saved.img')
  await writeFile(saved, 'old')
  const app = await launch({ images: [image] })
  await app.host.app!.evaluate(({ dialog }, filePath) => {
    const asked: unknown[] = []
    Object.assign(globalThis, { asked })
    dialog.showSaveDialog = async (...args: unknown[]) => {
      asked.push(args.at(-1))
      return { canceled: false, filePath }
    }
  }, saved)
  await app.press('Control+Shift+S')
  const save = app.dialog('Save disk.img as')
  await save.getByRole('button', { name: 'Choose…' }).click()
  await expect(save.getByLabel('New file')).toHaveValue(saved)
  const asked = await app.host.app!.evaluate(
    () =>
      (globalThis as unknown as { asked: { defaultPath: string; properties: string[] }[] }).asked,
  )
  expect(asked[0]?.defaultPath).toBe(join(dir, 'disk-copy.img'))
  expect(asked[0]?.properties).toContain('showOverwriteConfirmation')
  await save.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(app.dialog('Saved')).toBeVisible()
  expect((await readFile(saved)).equals(await readFile(image))).toBe(true)
})
