// The dialogs of commits, overlay files and checkpoints, looked at one after the other.

import { join } from 'node:path'
import { expect, test } from './fixtures'
import { look } from './look'

for (const theme of ['light', 'dark'] as const) {
  test(`the dialogs of staged changes fit their window, ${theme}`, async ({
    launch,
    peers,
    dir,
  }) => {
    test.slow()
    const image = await peers.makeMachineImage('machine.img')
    const app = await launch({ images: [image] })
    await app.goTo('p2+8M')
    await app.typeHex('deadbeef')
    const uri = await app.serve()
    peers.qemuIo(uri, 'write -P 0xab 96M 5M', 'write -z 160M 6M', 'write -P 0xcd 300M 1M')
    for (let at = 200; at < 230; at += 2) peers.qemuIo(uri, `write -P 1 ${at}M 64k`)
    await app.idle()
    await app.stopServing()
    await app.press('Control+Shift+S')
    await look(app, 'save-as', theme)
    await app.press('Escape')
    await app.press('Control+Shift+D')
    await app.page.getByLabel('Path or NBD URI').fill(join(dir, 'machine.img'))
    await app.press('Enter')
    await expect(app.dialog('Compared')).toBeVisible()
    await app.idle()
    await look(app, 'compared', theme)
    await app.press('Escape')
    await app.press('Control+Enter')
    await app.idle()
    const list = app.page.getByRole('grid', { name: 'Staged ranges' })
    await list.focus()
    await app.press('ArrowDown')
    await app.press('Space')
    await app.idle()
    await look(app, 'commit-choice', theme)
    await app.page.getByRole('button', { name: /^Write 18 ranges/ }).click()
    await expect(app.dialog('Committed')).toBeVisible()
    await look(app, 'committed', theme)
    await app.press('Escape')
    await app.idle()
    await app.press('Alt+Z')
    await app.idle()
    await look(app, 'undo-commit', theme)
    await app.press('Escape')

    await app.press('Control+S')
    await look(app, 'keep', theme)
    await app.press('Enter')
    await expect(app.dialog('Kept')).toBeVisible()
    await look(app, 'kept', theme)
    await app.press('Escape')
    await app.idle()
    await app.press('Alt+K')
    await app
      .dialog('Checkpoints of machine.overlay')
      .getByLabel('Freeze')
      .fill('before the update')
    await app.press('Enter')
    await expect(app.page.getByText('1 checkpoint between')).toBeVisible()
    await app.press('Escape')
    await app.goTo('p2+9M')
    await app.typeHex('55')
    await app.press('Alt+K')
    await look(app, 'checkpoints', theme)
    await app.page.getByRole('button', { name: /^Go back/ }).click()
    await look(app, 'go-back', theme)
    await app.press('Escape')
  })
}
