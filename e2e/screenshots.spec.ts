// Pictures for people to look at, and what can be checked of a layout without looking: nothing sticks out.

import { expect, test } from './fixtures'

const SIZES = [
  [1360, 860],
  [1024, 700],
  [1920, 1080],
] as const

for (const theme of ['dark', 'light'] as const) {
  test(`the main screens fit their window, ${theme}`, async ({ launch, peers, host }) => {
    const app = await launch()
    await app.screenshot(`${host}-welcome`, theme)
    await app.openPath(await peers.makeMachineImage('machine.img'))
    await expect(app.tab('machine.img')).toBeVisible()
    await app.goTo('p2+8M')
    await app.typeHex('deadbeef')
    const uri = await app.serve()
    peers.qemuIo(
      uri,
      'write -P 0xab 96M 5M',
      'write -z 160M 6M',
      'write -P 0xcd 300M 1M',
      'read 60M 8M',
    )
    await app.idle()
    await app.screenshot(`${host}-serve`, theme)
    await app.showTab('Activity')
    await app.screenshot(`${host}-activity`, theme)
    await app.showTab('Staged')
    await app.goTo('96M')
    for (const [width, height] of SIZES) {
      await app.screenshot(`${host}-main`, theme, width, height)
      const over = await app.page.evaluate<number>(
        'document.documentElement.scrollWidth - window.innerWidth',
      )
      expect(over, `pixels that stick out at ${width} × ${height}`).toBeLessThanOrEqual(0)
    }
    await app.reviewCommit()
    await app.screenshot(`${host}-commit`, theme)
  })
}
