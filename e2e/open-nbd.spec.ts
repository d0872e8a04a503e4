import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixtures'

test('a server’s exports are listed with their sizes, and the chosen one opens', async ({
  launch,
  peers,
  dir,
}) => {
  const served = join(dir, 'served')
  await mkdir(served)
  await writeFile(join(served, 'alpha'), new Uint8Array(1024 * 1024).fill(0xa1))
  await writeFile(join(served, 'beta'), new Uint8Array(2 * 1024 * 1024).fill(0xb2))
  const socket = await peers.nbdkit('file', `dir=${served}`)
  const app = await launch()

  const dialog = await app.listExports(`nbd+unix:///?socket=${socket}`)
  const exports = dialog.getByRole('radiogroup', { name: 'Exports' })
  await expect(exports.getByText('alpha')).toBeVisible()
  await expect(exports.getByText('2 MiB')).toBeVisible()
  await exports.getByText('beta').click()
  await dialog.getByRole('button', { name: 'Open export' }).click()
  await expect(dialog).toBeHidden()
  await app.idle()

  await expect(app.tab('beta')).toBeVisible()
  await app.expectLegend({ data: 2 * 1024 * 1024 })
  await expect(app.bytes()).toContainText(/B2/i)
})

test('what is staged on an NBD image is committed to the server', async ({
  launch,
  peers,
  dir,
}) => {
  const file = join(dir, 'remote.img')
  await writeFile(file, new Uint8Array(4 * 1024 * 1024).fill(0x11))
  const socket = await peers.nbdkit('file', file)
  const app = await launch()
  const dialog = await app.listExports(`nbd+unix:///?socket=${socket}`)
  await dialog.getByRole('button', { name: 'Open export' }).click()
  await expect(dialog).toBeHidden()
  await app.goTo('2M')
  await app.typeHex('c0de')
  await app.commit()
  peers.qemuIo(`nbd+unix:///?socket=${socket}`, 'read -P 0xc0 2M 1', 'read -P 0xde 2097153 1')
  peers.qemuIo(`nbd+unix:///?socket=${socket}`, 'read -P 0x11 2097154 65534')
})
