import { expect, test } from './fixtures'

test('a page that reloads finds everything as it was', async ({ launch, peers }) => {
  const image = await peers.makeExt4Image('disk.img')
  const app = await launch({ images: [image] })
  await app.goTo('0x1230000')
  await app.typeHex('cafe')
  const uri = await app.serve()
  await app.expectLegend({ written: 64 * 1024 })
  const [legend, rows] = [await app.legend(), await app.stagedRows()]

  await app.page.reload()
  await app.idle()

  await app.expectLegend(legend)
  await app.expectStaged(rows)
  expect(await app.cursorOffset()).toBe(0x1230001 + 1)
  await app.showTab('Serve')
  await expect(app.page.getByText(uri)).toBeVisible()
  expect(peers.qemuIo(uri, 'read -v 0x1230000 2')).toContain('ca fe')
})

test('two images stay open side by side, each with its own changes', async ({ launch, peers }) => {
  const one = await peers.makeExt4Image('one.img', 32)
  const two = await peers.makeExt4Image('two.img', 32)
  const app = await launch({ images: [one, two] })
  await app.tab('one.img').click()
  await app.goTo('1M')
  await app.typeHex('11')
  await app.tab('two.img').click()
  await app.idle()
  await app.expectLegend({ written: 0 })
  await app.tab('one.img').click()
  await app.idle()
  await app.expectLegend({ written: 64 * 1024 })
})
