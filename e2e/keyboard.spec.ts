import { expect, test } from './fixtures'

test('without a pointer: walk the map, zoom, look at bytes, stage, discard', async ({
  launch,
  peers,
}) => {
  const app = await launch({ images: [await peers.makeExt4Image('disk.img')] })

  await app.focusMap()
  await app.press('ArrowRight')
  await app.press('ArrowDown')
  const walked = await app.cursorOffset()
  expect(walked).toBeGreaterThan(0)

  const cellsBefore = await app.map().getAttribute('aria-label')
  await app.press('+')
  await app.idle()
  expect(await app.map().getAttribute('aria-label')).not.toBe(cellsBefore)
  expect(await app.cursorOffset()).toBe(walked)
  await app.press('0')
  await app.idle()
  expect(await app.map().getAttribute('aria-label')).toBe(cellsBefore)

  await app.press('Enter')
  await expect(app.bytes().locator(':focus')).toBeVisible()
  await app.typeHex('77')
  await app.press('Alt+2')
  await app.idle()
  await app.expectStaged([{ by: 'you' }])

  const list = app.page.getByRole('grid', { name: 'Staged changes' })
  await list.focus()
  await app.press('ArrowDown')
  await app.press('Delete')
  await app.idle()
  await expect(app.page.getByText('Nothing is staged.')).toBeVisible()
})

test('the palette finds an action by its name and runs it', async ({ launch }) => {
  const app = await launch({ images: ['sample:'] })
  await app.press('Control+Shift+P')
  await app.page.keyboard.type('keyboard short')
  await app.press('Enter')
  await expect(app.dialog('Keyboard shortcuts')).toBeVisible()
  await app.press('Escape')
  await expect(app.dialog('Keyboard shortcuts')).toBeHidden()
})

test('F6 goes to what is staged next', async ({ launch, peers }) => {
  const app = await launch({ images: [await peers.makeExt4Image('disk.img')] })
  await app.goTo('30M')
  await app.typeHex('01')
  await app.goTo('0')
  await app.press('F6')
  await app.idle()
  expect(await app.cursorOffset()).toBe(30 * 1024 * 1024)
})
