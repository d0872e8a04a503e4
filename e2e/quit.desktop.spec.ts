// The question before staged writes are lost. Native dialogs are answered by the test.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, test } from './fixtures'
import type { PlatterApp } from './platter-app'

/** From now on message boxes are answered with this button; resolves to what they asked so far. */
async function answerWith(
  { host }: PlatterApp,
  response: number,
): Promise<() => Promise<string[]>> {
  await host.app!.evaluate(({ dialog }, button) => {
    const asked: string[] = []
    Object.assign(globalThis, { asked })
    dialog.showMessageBox = async (...args: unknown[]) => {
      asked.push((args.at(-1) as { message: string }).message)
      return { response: button, checkboxChecked: false }
    }
  }, response)
  return () => host.app!.evaluate(() => (globalThis as unknown as { asked: string[] }).asked)
}

const quit = ({ host }: PlatterApp) => host.app!.evaluate(({ app }) => app.quit())

test('staged writes hold the application until the person has decided', async ({
  launch,
  peers,
}) => {
  const image = await peers.makeExt4Image('disk.img', 32)
  const original = await readFile(image)
  const app = await launch({ images: [image] })
  await app.goTo('1M')
  await app.typeHex('99')

  await test.step('keep working: everything is as it was', async () => {
    const asked = await answerWith(app, 0)
    await quit(app)
    await expect.poll(asked).toEqual(['64 KiB staged for one image would be lost'])
    await app.expectLegend({ written: 64 * 1024 })
  })

  await test.step('closing the window asks the same', async () => {
    const asked = await answerWith(app, 0)
    const window = await app.host.app!.browserWindow(app.page)
    await window.evaluate((each) => each.close())
    await expect.poll(asked).toHaveLength(1)
    expect(app.page.isClosed()).toBe(false)
  })

  await test.step('review: the commit dialog opens', async () => {
    const asked = await answerWith(app, 1)
    // While the question before this one is being put away, another quit is rightly not heard.
    await expect(async () => {
      await quit(app)
      expect(await asked()).not.toEqual([])
    }).toPass({ timeout: 10_000 })
    await expect(app.dialog('Commit')).toBeVisible()
    await app.press('Escape')
  })

  await test.step('discard: it ends, and the image is untouched', async () => {
    await answerWith(app, 2)
    const ended = once(app.host.app!.process(), 'exit')
    await quit(app)
    expect(await ended).toEqual([0, null])
    expect(original.equals(await readFile(image))).toBe(true)
  })
})

test('with nothing staged nobody is asked', async ({ launch }) => {
  const app = await launch({ images: ['sample:'] })
  const ended = once(app.host.app!.process(), 'exit')
  await quit(app)
  expect(await ended).toEqual([0, null])
})

test('what is served stops with the application', async ({ launch, peers }) => {
  const app = await launch({ images: ['sample:'] })
  const uri = await app.serve()
  const ended = once(app.host.app!.process(), 'exit')
  await quit(app)
  await ended
  expect(() => peers.run('nbdinfo', '--size', uri)).toThrow(/nbdinfo/)
})
