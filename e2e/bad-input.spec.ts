// What goes wrong outside Platter becomes one sentence at the place of the action, and nothing else happens.

import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from './fixtures'

const MIB = 1024 * 1024

test('a file that is not there', async ({ launch, dir }) => {
  const app = await launch()
  await app.openPath(join(dir, 'missing.img'))
  await expect(app.message(/missing\.img.*(no such file|not exist|not found)/i)).toBeVisible()
})

test('an empty file', async ({ launch, dir }) => {
  const path = join(dir, 'empty.img')
  await writeFile(path, '')
  const app = await launch()
  await app.openPath(path)
  await expect(app.message(/empty\.img.*(empty|0 bytes)/i)).toBeVisible()
})

test('a file whose size is no multiple of 512 opens, to its last byte', async ({ launch, dir }) => {
  const path = join(dir, 'odd.img')
  await writeFile(path, new Uint8Array(1000).fill(7))
  const app = await launch({ images: [path] })
  await app.expectLegend({ data: 1000 })
  await app.goTo('999')
  await app.typeHex('08')
  await app.expectLegend({ data: 1000, written: 1000 })
})

test('a server that is not there', async ({ launch, dir }) => {
  const app = await launch()
  const dialog = await app.listExports(`nbd+unix:///?socket=${join(dir, 'nobody.sock')}`)
  await expect(dialog.getByRole('alert')).toContainText('nobody.sock')
})

test('a server that hangs up at once', async ({ launch, dir }) => {
  const path = join(dir, 'rude.sock')
  const rude = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => rude.listen(path, resolve))
  const app = await launch()
  const dialog = await app.listExports(`nbd+unix:///?socket=${path}`)
  await expect(dialog.getByRole('alert')).toContainText(/closed|hung up|ended/i)
  rude.close()
})

test('a URI that cannot be one is said before anybody is asked', async ({ launch }) => {
  const app = await launch()
  await app.press('Control+Shift+O')
  const dialog = app.dialog('Open NBD')
  await dialog.getByLabel('URI').fill('http://localhost/')
  await expect(dialog.getByText(/begins with/)).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'List exports' })).toBeDisabled()
})

test('an export that the server does not have', async ({ launch, peers }) => {
  const socket = await peers.nbdkit('memory', 'size=1M', '-e', 'real')
  const app = await launch()
  await app.press('Control+Shift+O')
  const dialog = app.dialog('Open NBD')
  await dialog.getByLabel('URI').fill(`nbd+unix:///made-up?socket=${socket}`)
  await dialog.getByRole('button', { name: 'Open the URI as it is' }).click()
  // nbdkit's memory plugin takes every name; what counts is that the dialog says or opens something.
  await expect(app.tab('made-up').or(dialog.getByRole('alert'))).toBeVisible()
})

test('a server that goes away while its disk is open', async ({ launch, peers }) => {
  const socket = await peers.nbdkit('memory', 'size=64M')
  const app = await launch()
  const dialog = await app.listExports(`nbd+unix:///?socket=${socket}`)
  await dialog.getByRole('button', { name: 'Open export' }).click()
  await expect(dialog).toBeHidden()
  await app.goTo('1M')
  await app.typeHex('42')
  await peers.stopServer()
  await app.press('Control+G')
  await app.dialog('Go to offset').getByLabel('Offset').fill('60M')
  await app.press('Enter')
  await expect(app.message(/server|connection/i)).toBeVisible()
  // What is staged is still there.
  await app.expectLegend({ written: 64 * 1024 })
})

test('a port that is taken', async ({ launch }) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const app = await launch({ images: ['sample:'] })
  const dialog = await app.openServe()
  await dialog.getByRole('button', { name: 'TCP', exact: true }).click()
  await dialog.getByLabel('Port', { exact: true }).fill(String(port))
  await dialog.getByRole('button', { name: 'Start serving' }).click()
  await expect(dialog.getByRole('alert')).toContainText(String(port))
  other.close()
})

test('a socket path that is taken', async ({ launch, dir }) => {
  const path = join(dir, 'taken.sock')
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(path, resolve))
  const app = await launch({ images: ['sample:'] })
  const dialog = await app.openServe()
  await dialog.getByLabel('Socket path').fill(path)
  await dialog.getByRole('button', { name: 'Start serving' }).click()
  await expect(dialog.getByRole('alert')).toContainText('taken.sock')
  other.close()
})

test('a target that cannot be written is said in the review, and stays staged', async ({
  launch,
  peers,
  dir,
}) => {
  const file = join(dir, 'locked.img')
  await writeFile(file, new Uint8Array(MIB))
  const socket = await peers.nbdkit('-r', 'file', file)
  const app = await launch()
  const dialog = await app.listExports(`nbd+unix:///?socket=${socket}`)
  await dialog.getByRole('button', { name: 'Open export' }).click()
  await expect(dialog).toBeHidden()
  await app.goTo('0')
  await app.typeHex('01')
  const review = await app.reviewCommit()
  await expect(review.getByRole('alert')).toContainText(/read-only|cannot be written/i)
  await expect(review.getByRole('button', { name: /^Write/ })).toBeDisabled()
  await app.expectLegend({ written: 64 * 1024 })
})

test('an image that shrinks while it is open', async ({ launch, dir }) => {
  const path = join(dir, 'shrinking.img')
  await writeFile(path, new Uint8Array(8 * MIB).fill(1))
  const app = await launch({ images: [path] })
  await truncate(path, MIB)
  await app.press('Control+G')
  await app.dialog('Go to offset').getByLabel('Offset').fill('7M')
  await app.press('Enter')
  await expect(app.message(/shrank|smaller|shorter|ends/i)).toBeVisible()
})

test('a directory is no image', async ({ launch, dir, host }) => {
  const path = join(dir, 'folder')
  await mkdir(path)
  const app = await launch()
  await app.openPath(path)
  // The page's own dialog goes into it; a native one cannot choose it.
  if (host === 'browser') await expect(app.dialog('Open image').getByText('..')).toBeVisible()
  else await expect(app.message(/folder.*directory/i)).toBeVisible()
})
