// Commits that are chosen, undone, cut short and recovered from, down to the bytes in the file.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from './fixtures'
import { look } from './look'
import type { Peers } from './peers'
import type { PlatterApp } from './platter-app'

const MIB = 1024 * 1024
const ROOT = join(import.meta.dirname, '..')

test('one of two ranges is committed, and undone again', async ({ launch, peers }) => {
  const image = await peers.makeExt4Image('disk.img')
  const original = await readFile(image)
  const app = await launch({ images: [image] })
  await app.goTo('20M')
  await app.typeHex('deadbeef')
  await app.goTo('30M')
  await app.typeHex('cafe')
  const committed = Buffer.from(original)
  committed.set([0xca, 0xfe], 30 * MIB)

  await test.step('Space leaves the first range out, and the totals follow', async () => {
    const review = await app.reviewCommit()
    const list = review.getByRole('grid', { name: 'Staged ranges' })
    await expect(list.getByRole('checkbox', { checked: true })).toHaveCount(2)
    await list.focus()
    await app.press('Space')
    await expect(list.getByRole('checkbox', { name: '0x1400000' })).not.toBeChecked()
    await expect(review).toContainText('1 of 2 ranges chosen')
    await expect(review).toContainText('What is not chosen stays staged.')
    await review.getByRole('button', { name: 'Choose none' }).click()
    await expect(review.getByRole('button', { name: 'Write to disk.img' })).toBeDisabled()
    await review.getByRole('button', { name: 'Choose all' }).click()
    await list.getByRole('checkbox', { name: '0x1400000' }).click()
    await review.getByRole('button', { name: 'Write 1 range (64 KiB) to disk.img' }).click()
    const done = app.dialog('Committed')
    await expect(done.getByRole('status')).toContainText('1 range, 64 KiB: written')
    await done.getByRole('button', { name: 'Close' }).last().click()
  })

  await test.step('that range is in the file, and the other one is still staged', async () => {
    expect((await readFile(image)).equals(committed)).toBe(true)
    await app.expectStaged([{ offset: '0x1400000', length: '64 KiB' }])
  })

  await test.step('undoing says what it writes back, and the file is as it was', async () => {
    await app.press('Alt+Z')
    const question = app.dialog('Undo the last commit to disk.img?')
    await expect(question).toContainText(image)
    await question.getByRole('button', { name: 'Write back 64 KiB' }).click()
    await expect(app.dialog('Undone')).toBeVisible()
    await app.press('Escape')
    expect((await readFile(image)).equals(original)).toBe(true)
    await app.expectStaged([{ offset: '0x1400000', length: '64 KiB' }])
  })

  await test.step('undoing can itself be undone', async () => {
    await app.idle()
    await app.press('Alt+Z')
    const question = app.dialog('Bring the commit to disk.img back?')
    await question.getByRole('button', { name: /^Write back/ }).click()
    await expect(app.dialog('Undone')).toBeVisible()
    await app.press('Escape')
    expect((await readFile(image)).equals(committed)).toBe(true)
  })
})

test('a commit is not undone over what somebody else wrote since', async ({ launch, peers }) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const app = await launch({ images: [image] })
  await app.goTo('20M')
  await app.typeHex('deadbeef')
  await app.commit()
  peers.run('qemu-io', '-f', 'raw', '-c', 'write -P 0x33 25M 512', image)
  const now = await readFile(image)
  await app.press('Alt+Z')
  const question = app.dialog('Undo the last commit to disk.img?')
  await expect(question.getByRole('alert')).toContainText('disk.img')
  await expect(question.getByRole('button', { name: /^Write back/ })).toBeDisabled()
  await app.press('Escape')
  expect((await readFile(image)).equals(now)).toBe(true)
})

for (const way of ['Finish the commit', 'Undo the commit'] as const) {
  test(`a commit that was killed is found, and can be ended: ${way}`, async ({
    launch,
    peers,
    dir,
  }) => {
    const image = await peers.makeExt4Image('disk.img', 256)
    const original = await readFile(image)
    const expected = Buffer.from(original)
    expected.fill(0xab, 8 * MIB, 200 * MIB)
    const overlay = join(dir, 'disk.overlay')
    const app = await launch({ images: [image] })
    await stageInFile(app, peers, overlay)
    await killCommit(overlay, join(dir, 'commit.undo'))
    expect((await readFile(image)).equals(expected), 'it was killed in time').toBe(false)

    await app.openPath(overlay)
    const dialog = app.dialog('A commit to disk.img was cut short')
    await expect(dialog).toContainText('192 MiB')
    await expect(dialog.getByRole('button', { name: 'Look first' })).toBeFocused()
    await look(app, 'recover', way === 'Undo the commit' ? 'dark' : 'light')
    await app.press('Enter')
    await expect(dialog).toBeHidden()
    await expect(app.page.getByText('a commit was cut short')).toBeVisible()
    await app.expectLegend({ written: 192 * MIB })
    await app.press('Alt+R')
    await dialog.getByRole('button', { name: way }).click()

    const finished = way === 'Finish the commit'
    await expect(app.dialog(finished ? 'Committed' : 'Undone')).toBeVisible({ timeout: 30_000 })
    await app.press('Escape')
    expect((await readFile(image)).equals(finished ? expected : original)).toBe(true)
    await app.expectLegend({ written: finished ? 0 : 192 * MIB })
    await expect(app.page.getByText('a commit was cut short')).toBeHidden()
  })
}

/** Keeps an overlay in that file, with 192 MiB staged from 8 MiB on, and closes it. */
async function stageInFile(app: PlatterApp, peers: Peers, overlay: string): Promise<void> {
  await app.press('Control+S')
  await app
    .dialog('Keep what is staged for disk.img')
    .getByRole('button', { name: /^Keep/ })
    .click()
  await app.dialog('Kept').getByRole('button', { name: 'Close' }).last().click()
  const uri = await app.serve()
  peers.qemuIo(uri, 'write -P 0xab 8M 192M', 'flush')
  await app.stopServing()
  await app.page.getByRole('button', { name: `Close ${overlay.split('/').at(-1)}` }).click()
  await expect(app.tab('disk.overlay')).toBeHidden()
}

/** A commit by the command line, ended without a word as soon as the overlay says that it is under way. */
async function killCommit(overlay: string, undo: string): Promise<void> {
  const command = [join(ROOT, 'bin', 'platter.mjs'), 'overlay', 'commit', overlay, '--undo', undo]
  const child = spawn(process.execPath, command, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const header = openSync(overlay, 'r')
  const isCommitting = () => {
    const slots = [0, 16384].map((at) => {
      const bytes = Buffer.alloc(48)
      readSync(header, bytes, 0, bytes.length, at)
      return { sequence: bytes.readBigUInt64BE(16), state: bytes.readUInt32BE(40) }
    })
    slots.sort((a, b) => Number(b.sequence - a.sequence))
    return slots[0]?.state === 2
  }
  while (!isCommitting() && child.exitCode === null) await wait(1)
  child.kill('SIGKILL')
  expect((await ended)[1]).toBe('SIGKILL')
}
