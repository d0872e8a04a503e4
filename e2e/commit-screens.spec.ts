// The dialogs of commits, overlay files and checkpoints: pictures for people to look at, and what can be
// checked without looking: nothing sticks out, and axe knows no fault.

import AxeBuilder from '@axe-core/playwright'
import { expect, test } from './fixtures'
import type { PlatterApp } from './platter-app'

const SIZES = [
  [1280, 800],
  [900, 600],
] as const

for (const theme of ['light', 'dark'] as const) {
  test(`the dialogs of staged changes fit their window, ${theme}`, async ({
    launch,
    peers,
    host,
  }) => {
    test.slow()
    const app = await launch({ images: [await peers.makeMachineImage('machine.img')] })
    await app.goTo('p2+8M')
    await app.typeHex('deadbeef')
    const uri = await app.serve()
    peers.qemuIo(uri, 'write -P 0xab 96M 5M', 'write -z 160M 6M', 'write -P 0xcd 300M 1M')
    for (let at = 200; at < 230; at += 2) peers.qemuIo(uri, `write -P 1 ${at}M 64k`)
    await app.idle()
    await app.page.getByRole('button', { name: 'Stop', exact: true }).click()
    await app.idle()
    const look = async (name: string) => {
      for (const [width, height] of SIZES) {
        await app.screenshot(`${host}-${name}`, theme, width, height)
        await fits(app)
      }
      expect.soft(await violations(app), name).toEqual([])
    }

    await app.press('Control+Shift+S')
    await look('save-as')
    await app.press('Escape')
    await app.press('Control+Enter')
    await app.idle()
    const list = app.page.getByRole('grid', { name: 'Staged ranges' })
    await list.focus()
    await app.press('ArrowDown')
    await app.press('Space')
    await app.idle()
    await look('commit-choice')
    await app.press('Escape')

    await app.press('Control+S')
    await look('keep')
    await app.press('Enter')
    await expect(app.dialog('Kept')).toBeVisible()
    await look('kept')
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
    await look('checkpoints')
    await app.page.getByRole('button', { name: /^Go back/ }).click()
    await look('go-back')
    await app.press('Escape')
  })
}

async function fits({ page }: PlatterApp): Promise<void> {
  const over = await page.evaluate<number>(`
    Math.max(...[...document.querySelectorAll('.dialog, .dialog-foot, .dialog-body')]
      .map((each) => Math.max(each.scrollWidth - each.clientWidth,
        each.getBoundingClientRect().right - innerWidth,
        each.getBoundingClientRect().bottom - innerHeight)))`)
  expect(over, 'pixels that stick out').toBeLessThanOrEqual(2)
}

async function violations({ page }: PlatterApp): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(tags)
    .setLegacyMode()
    .analyze()
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  )
}
