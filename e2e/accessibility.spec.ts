import AxeBuilder from '@axe-core/playwright'
import { expect, test } from './fixtures'
import type { PlatterApp } from './platter-app'

const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']

/** What axe finds against WCAG 2.1 AA, one line each: empty when nothing is. */
async function violations({ page }: PlatterApp): Promise<string[]> {
  // The usual mode collects results in a page of its own, which a window cannot open.
  const { violations } = await new AxeBuilder({ page }).withTags(STANDARD).setLegacyMode().analyze()
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  )
}

for (const theme of ['light', 'dark'] as const) {
  test(`the screens have no accessibility faults that axe knows, ${theme}`, async ({ launch }) => {
    // Eleven screens, each looked at whole.
    test.slow()
    const app = await launch()
    await app.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await test.step('welcome', async () => expect.soft(await violations(app)).toEqual([]))

    await app.page.getByRole('button', { name: /^Open the sample/ }).click()
    await app.idle()
    await app.goTo('5M')
    await app.typeHex('beef')
    for (const tab of ['Inspector', 'Staged', 'Extents', 'Serve', 'Activity'] as const) {
      await test.step(tab, async () => {
        await app.showTab(tab)
        expect.soft(await violations(app)).toEqual([])
      })
    }
    const dialogs = [
      ['Control+Shift+O', 'Open NBD'],
      ['Control+G', 'Go to offset'],
      ['Control+Enter', 'Commit'],
      ['Control+,', 'Settings'],
      ['F1', undefined],
    ] as const
    for (const [keys, title] of dialogs) {
      await test.step(`dialog on ${keys}`, async () => {
        await app.press(keys)
        const dialog = title === undefined ? app.page.getByRole('dialog') : app.dialog(title)
        await expect(dialog).toBeVisible()
        await app.idle()
        expect.soft(await violations(app)).toEqual([])
        await app.press('Escape')
        await expect(dialog).toBeHidden()
      })
    }
  })
}

for (const theme of ['light', 'dark'] as const) {
  test(`what is served has no accessibility faults that axe knows, ${theme}`, async ({
    launch,
    peers,
  }) => {
    const app = await launch({ images: ['sample:'] })
    await app.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await test.step('the form with all its fields', async () => {
      const dialog = await app.openServe()
      await dialog.getByRole('button', { name: 'TCP', exact: true }).click()
      await dialog.getByLabel('Address').fill('0.0.0.0')
      await dialog.getByRole('button', { name: 'Optional' }).click()
      await dialog.getByRole('button', { name: 'Start serving' }).click()
      await expect(dialog.getByRole('alert')).toBeVisible()
      expect.soft(await violations(app)).toEqual([])
      await app.press('Escape')
    })
    const uri = await app.serve()
    await peers.stayConnected(uri, 'h.pwrite(b"x" * 512, 4096)')
    await test.step('a client', async () => {
      await expect(app.page.getByRole('region', { name: 'client 1' })).toContainText('512 B')
      expect.soft(await violations(app)).toEqual([])
    })
    await test.step('its requests', async () => {
      await app.showRequests()
      await app.requestRow('WRITE', '0x1000').click()
      expect.soft(await violations(app)).toEqual([])
    })
    await test.step('the question before it is cut off', async () => {
      await app.press('Alt+4')
      await app.page.getByRole('button', { name: 'Stop', exact: true }).click()
      await expect(app.dialog('Stop serving sample-1.img?')).toBeVisible()
      expect.soft(await violations(app)).toEqual([])
    })
  })
}
