// A session served over TLS from the window, used by real clients, and what the window says of them.

import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixtures'

const KEY = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'

/** A file of keys, and the folder that qemu wants it in. */
async function makeKeys(dir: string) {
  const file = join(dir, 'clients.psk')
  await writeFile(file, `alice:${KEY}\n`)
  const folder = join(dir, 'qemu-keys')
  await mkdir(folder)
  await copyFile(file, join(folder, 'keys.psk'))
  return { file, folder }
}

test('serve over TLS with a key, watch the requests, and jump to one', async ({
  launch,
  peers,
  dir,
}) => {
  const keys = await makeKeys(dir)
  const app = await launch({ images: [await peers.makeExt4Image('disk.img')] })

  const uri = await test.step('the form asks for TLS with pre-shared keys', async () => {
    const dialog = await app.openServe()
    await dialog.getByRole('button', { name: 'TCP', exact: true }).click()
    await expect(dialog.getByLabel('Address')).toHaveValue('127.0.0.1')
    await dialog.getByLabel('Export name').fill('disk')
    await dialog.getByLabel('Description').fill('the web server')
    await dialog.getByRole('button', { name: 'Required' }).click()
    await dialog.getByRole('button', { name: 'Pre-shared keys' }).click()
    await dialog.getByLabel('Key file').fill(keys.file)
    await app.press('Enter')
    await expect(dialog).toBeHidden()
    await app.idle()
    return app.servedUri()
  })
  expect(uri).toMatch(/^nbds:\/\/127\.0\.0\.1:\d+\/disk$/)
  const port = /:(\d+)\//.exec(uri)?.[1]

  await test.step('nbdinfo gets in with the key, and not without it', async () => {
    const known = `${uri.replace('//', '//alice@')}?tls-psk-file=${keys.file}`
    const { TLS, exports } = JSON.parse(peers.run('nbdinfo', '--json', known))
    expect(TLS).toBe(true)
    expect(exports[0].description).toBe('the web server')
    expect(() => peers.run('nbdinfo', uri.replace('nbds', 'nbd'))).toThrow()
  })

  await test.step('qemu-io writes and reads through it, and one request fails', async () => {
    await app.showRequests()
    peers.qemuIoTls(
      { folder: keys.folder, user: 'alice', port: Number(port), name: 'disk' },
      'write -P 0xab 20M 192k',
      'read -P 0xab 20M 4k',
      'write -z 40M 1M',
      'discard 50M 64k',
      'flush',
    )
    const writes = { command: 'WRITE', offset: '0x1400000', length: '192 KiB' }
    await expect.poll(() => app.requestRows()).toContainEqual(expect.objectContaining(writes))
    const commands = (await app.requestRows()).map((row) => row.command)
    expect(commands).toEqual(expect.arrayContaining(['READ', 'WRITE_ZEROES', 'TRIM', 'FLUSH']))
    // The newest stands first.
    expect(commands.indexOf('TRIM')).toBeLessThan(commands.indexOf('WRITE'))
  })

  await test.step('a click on a request goes to its place on the map and in the bytes', async () => {
    await app.requestRow('WRITE', '0x1400000').click()
    await app.idle()
    expect(await app.cursorOffset()).toBe(20 * 1024 * 1024)
    await expect.poll(() => app.cellAtCursor()).toMatch(/staged/)
    await expect(app.page.getByText('Paused')).toBeVisible()
    await expect(app.page.getByRole('region', { name: 'The chosen request' })).toContainText(
      '196,608 bytes',
    )
  })

  await test.step('so do the keys, and Enter leads into the bytes', async () => {
    await app.press('Home')
    const rows = await app.requestRows()
    const zeroes = rows.findIndex((row) => row.command === 'WRITE_ZEROES')
    for (let i = 0; i < zeroes; i++) await app.press('ArrowDown')
    await app.idle()
    expect(await app.cursorOffset()).toBe(40 * 1024 * 1024)
    await app.press('Enter')
    await expect(app.bytes().locator(':focus')).toBeVisible()
  })

  await test.step('the list can be narrowed, and cleared', async () => {
    await app.page.getByRole('combobox', { name: 'Command' }).click()
    await app.page.getByRole('option', { name: 'WRITE', exact: true }).click()
    const commands = async () => new Set((await app.requestRows()).map((row) => row.command))
    await expect.poll(commands).toEqual(new Set(['WRITE']))
    await app.page.getByRole('checkbox', { name: 'Failures' }).click()
    await expect.poll(() => app.requestRows()).toEqual([])
    await app.page.getByRole('checkbox', { name: 'Failures' }).click()
    await app.page.getByRole('button', { name: 'Clear the log' }).click()
    await expect.poll(() => app.requestRows()).toEqual([])
  })
})

test('a client is shown with what it does, hung up on, and asked about', async ({
  launch,
  peers,
}) => {
  const app = await launch({ images: ['sample:'] })
  const uri = await app.serve()
  const client = await peers.stayConnected(uri, 'h.pwrite(b"x" * 65536, 0)', 'h.pread(512, 4096)')
  const card = app.page.getByRole('region', { name: 'client 1' })
  await expect(card).toContainText('64 KiB')
  await expect(card).toContainText('512 B')
  await expect(card).toContainText('plain')

  await app.page.getByRole('button', { name: 'Stop', exact: true }).click()
  const dialog = app.dialog('Stop serving sample-1.img?')
  await expect(dialog).toContainText('1 client is connected')
  await dialog.getByRole('button', { name: 'Keep serving' }).click()
  await expect(dialog).toBeHidden()
  expect(peers.qemuIo(uri, 'read -v 0 1')).toContain('78')

  await card.getByRole('button', { name: 'Disconnect client 1' }).click()
  await expect(card).toBeHidden()
  await client.ended()
  await app.stopServing()
})

test('each of two exports has a log of its own', async ({ launch, peers }) => {
  const app = await launch({ images: ['sample:'] })
  const first = await app.serve()
  await app.serve()
  peers.qemuIo(first, 'write -P 1 1M 4k')
  await app.page.getByRole('button', { name: 'What clients ask for' }).last().click()
  await app.idle()
  expect(await app.requestRows()).toEqual([])
  await app.press('Alt+4')
  await app.page.getByRole('button', { name: 'What clients ask for' }).first().click()
  await expect(app.requestRow('WRITE', '0x100000')).toBeVisible()
})

test('the form says what is wrong at the field, and warns of an open address', async ({
  launch,
  dir,
}) => {
  const app = await launch({ images: ['sample:'] })
  const dialog = await app.openServe()
  await dialog.getByRole('button', { name: 'TCP', exact: true }).click()
  const warning = dialog.getByText('Anyone who can reach this address')
  await expect(warning).toBeHidden()
  await dialog.getByLabel('Address').fill('192.0.2.1')
  await expect(warning).toHaveText(
    'Anyone who can reach this address can read and write the session.',
  )
  await dialog.getByLabel('Address').press('Enter')
  await expect(dialog.getByRole('alert')).toContainText('192.0.2.1')
  await expect(dialog.getByLabel('Address')).toBeFocused()

  await dialog.getByRole('button', { name: 'Required' }).click()
  await expect(warning).toBeHidden()
  await dialog.getByRole('checkbox', { name: /^Verify clients/ }).click()
  await expect(warning).toBeVisible()
  await dialog.getByLabel('Certificate folder').fill(dir)
  await app.press('Enter')
  await expect(dialog.getByRole('alert')).toContainText('server-cert.pem')
  await expect(dialog.getByLabel('Certificate folder')).toBeFocused()
})
