import { expect, test } from './fixtures'

test.describe('the legend equals what nbdinfo counts on the same disk', () => {
  test('of an ext4 image', async ({ launch, peers }) => {
    const image = await peers.makeExt4Image('disk.img')
    const app = await launch({ images: [image] })
    await app.expectLegend({
      ...peers.totals(image),
      unknown: 0,
      written: 0,
      zeroed: 0,
    })
    await expect(app.map()).toBeVisible()
    await expect.poll(() => app.cellAtCursor()).toMatch(/^offset 0x0, .*data/)
  })

  test('of a sparse disk behind NBD', async ({ launch, peers }) => {
    const socket = await peers.nbdkit('sparse-random', 'size=1G', 'seed=7')
    const uri = `nbd+unix:///?socket=${socket}`
    const app = await launch()
    const dialog = await app.listExports(uri)
    await dialog.getByRole('button', { name: 'Open export' }).click()
    await expect(dialog).toBeHidden()
    await app.idle()
    await app.expectLegend({ ...peers.totals(uri), unknown: 0 })
  })

  test('of a qcow2 image behind qemu-nbd', async ({ launch, peers }) => {
    const raw = await peers.makeExt4Image('disk.img', 32)
    const socket = await peers.qemuNbd(raw)
    const uri = `nbd+unix:///?socket=${socket}`
    const app = await launch()
    const dialog = await app.listExports(uri)
    await dialog.getByRole('button', { name: 'Open export' }).click()
    await expect(dialog).toBeHidden()
    await app.idle()
    await app.expectLegend({ ...peers.totals(uri), unknown: 0 })
  })
})

test('the file system is named where it is', async ({ launch, peers }) => {
  const app = await launch({ images: [await peers.makeExt4Image('disk.img')] })
  await expect(app.page.getByText('ext4').first()).toBeVisible()
  expect(await app.page.title()).toBe('disk.img – Platter')
})

test('a cell that is clicked shows its offset, its split and its bytes', async ({
  launch,
  peers,
}) => {
  const app = await launch({ images: [await peers.makeExt4Image('disk.img')] })
  await app.map().click({ position: { x: 300, y: 60 } })
  await app.idle()
  const offset = await app.cursorOffset()
  expect(offset).toBeGreaterThan(0)
  const split = app.page.getByRole('list', { name: 'Exact split' }).locator('li')
  const bytes = await split.evaluateAll((rows) =>
    rows.map((row) => Number(row.getAttribute('data-bytes'))),
  )
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0)
  await expect(app.bytes()).toContainText(offset.toString(16).toUpperCase())
})
