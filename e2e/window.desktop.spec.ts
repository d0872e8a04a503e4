// What Electron's main process does around the page: guards, menu, files from outside, one instance.

import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ElectronApplication } from '@playwright/test'
import { expect, test } from './fixtures'
import type { PlatterApp } from './platter-app'

const main = (app: PlatterApp): ElectronApplication => app.host.app!

test('the page has no Node, no Electron, and nothing inline may run', async ({ launch }) => {
  const app = await launch({ mayComplain: true })
  const seen = await app.page.evaluate<Record<string, string>>(`({
    require: typeof require,
    process: typeof process,
    ipcRenderer: typeof ipcRenderer,
    desktop: Object.keys(platterDesktop).sort().join(),
  })`)
  expect(seen).toEqual({
    require: 'undefined',
    process: 'undefined',
    ipcRenderer: 'undefined',
    desktop: 'pathForFile,platform',
  })
  const refused = await app.page.evaluate<string>(`new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', (e) => resolve(e.effectiveDirective))
    const script = document.createElement('script')
    script.append('1')
    document.head.append(script)
  })`)
  expect(refused).toMatch(/script|trusted/)
})

test('the page cannot leave, open windows, or be given the camera', async ({ launch }) => {
  const app = await launch()
  const before = app.page.url()
  await app.page.evaluate(`location.href = 'https://example.com/'`)
  await app.page.evaluate(`window.open('https://example.com/')`)
  await app.page.evaluate(`document.body.append(Object.assign(document.createElement('a'), {
    href: 'https://example.com/', target: '_blank', id: 'away', textContent: 'away' }))`)
  await app.page.locator('#away').click()
  await expect.poll(() => main(app).windows().length).toBe(1)
  await app.idle()
  expect(app.page.url()).toBe(before)
  const camera = await app.page.evaluate<string>(
    `navigator.permissions.query({ name: 'geolocation' }).then((answer) => answer.state)`,
  )
  expect(camera).toBe('denied')
})

test('a menu item runs its action in the page', async ({ launch }) => {
  const app = await launch({ images: ['sample:'] })
  await main(app).evaluate(({ Menu }) => {
    Menu.getApplicationMenu()?.getMenuItemById('go.offset')?.click()
  })
  await expect(app.dialog('Go to offset')).toBeVisible()
})

test('a file that is dropped on the window opens', async ({ launch, peers }) => {
  test.skip(process.env['PLATTER_ELECTRON'] === 'real', 'a made-up File has no path there')
  const image = await peers.makeExt4Image('dropped.img', 32)
  const app = await launch()
  await app.page.evaluate(
    `(path) => {
      const file = new File(['x'], 'dropped.img')
      dispatchEvent(new CustomEvent('standin-file-path', { detail: { name: file.name, path } }))
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(file)
      document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, dataTransfer }))
    }`
      .replace(/^/, '(')
      .concat(`)(${JSON.stringify(image)})`),
  )
  await expect(app.tab('dropped.img')).toBeVisible()
})

test('a second start hands its images to the first, and ends', async ({ launch, peers, dir }) => {
  const image = await peers.makeExt4Image('second.img', 32)
  const app = await launch()
  const second = main(app).process().spawnargs
  const done = peers.run(
    'env',
    `PLATTER_CONFIG_DIR=${join(dir, 'config-0')}`,
    second[0]!,
    '.',
    image,
  )
  expect(done).toBe('')
  await expect(app.tab('second.img')).toBeVisible()
  expect(main(app).windows()).toHaveLength(1)
})

test('an NBD address from outside is asked about before anybody connects', async ({
  launch,
  peers,
}) => {
  test.skip(process.env['PLATTER_ELECTRON'] === 'real', 'a native dialog cannot be answered there')
  const socket = await peers.nbdkit('memory', 'size=8M')
  const uri = `nbd+unix:///?socket=${socket}`
  const app = await launch({ images: [uri] })
  const shown = () =>
    main(app).evaluate(({ dialog }) => {
      const { standinShown } = dialog as unknown as {
        standinShown: { options: { message: string; detail: string } }[]
      }
      return standinShown.map(({ options }) => [options.message, options.detail.split('\n')[0]])
    })
  await expect.poll(shown).toEqual([['Connect to this NBD server?', uri]])
  await expect(app.page.getByRole('navigation', { name: 'Open images' })).toBeHidden()
  await main(app).evaluate(({ dialog }) => {
    const { standinShown } = dialog as unknown as {
      standinShown: { answer(value: unknown): void }[]
    }
    standinShown[0]!.answer({ response: 1, checkboxChecked: false })
  })
  await expect(app.page.getByRole('navigation', { name: 'Open images' })).toBeVisible()
})

test('a missing file on the command line is told, and the window stays', async ({
  launch,
  dir,
}) => {
  test.skip(process.env['PLATTER_ELECTRON'] === 'real', 'a native dialog cannot be answered there')
  const app = await launch({ images: [join(dir, 'gone.img')] })
  const shown = () =>
    main(app).evaluate(({ dialog }) => {
      const { standinShown } = dialog as unknown as {
        standinShown: { options: { message: string } }[]
      }
      return standinShown.map(({ options }) => options.message)
    })
  await expect.poll(shown).toEqual([`${join(dir, 'gone.img')} was not opened`])
  await expect(app.page.getByRole('heading', { name: 'Platter' })).toBeVisible()
})

test('serving keeps the machine awake, and what was opened is told to the system', async ({
  launch,
  dir,
}) => {
  test.skip(
    process.env['PLATTER_ELECTRON'] === 'real',
    'what the machine was told is not readable there',
  )
  const image = join(dir, 'disk.img')
  await writeFile(image, new Uint8Array(8 * 1024 * 1024))
  const app = await launch({ images: [image] })
  const blockers = () =>
    main(app).evaluate(({ powerSaveBlocker }) =>
      (powerSaveBlocker as unknown as { standinRunning(): string[] }).standinRunning(),
    )
  expect(await blockers()).toEqual([])
  await app.serve()
  await expect.poll(blockers).toEqual(['prevent-app-suspension'])
  await app.page.getByRole('button', { name: 'Stop' }).click()
  await expect.poll(blockers).toEqual([])
  const recent = await main(app).evaluate(
    ({ app: each }) =>
      (each as unknown as { standinRecentDocuments: string[] }).standinRecentDocuments,
  )
  expect(recent).toEqual([image])
})

test('a page that crashes takes nothing along: what is staged is served on', async ({
  launch,
  peers,
}) => {
  const app = await launch({ images: ['sample:'] })
  await app.goTo('1M')
  await app.typeHex('c4a5')
  const uri = await app.serve()
  await main(app).evaluate(({ dialog }) => {
    dialog.showMessageBox = async (...args: unknown[]) => {
      Object.assign(globalThis, { asked: (args.at(-1) as { message: string }).message })
      return { response: 0, checkboxChecked: false }
    }
  })
  const devtools = await app.page.context().newCDPSession(app.page)
  const crashed = app.page.waitForEvent('crash')
  devtools.send('Page.crash').catch(() => undefined)
  await crashed
  const asked = () => main(app).evaluate(() => (globalThis as { asked?: string }).asked)
  await expect.poll(asked).toBe('The page of this window has ended unexpectedly')
  expect(peers.qemuIo(uri, 'read -v 1M 2')).toContain('c4 a5')
})

test('SIGTERM ends it when nothing is staged', async ({ launch }) => {
  const app = await launch({ images: ['sample:'] })
  const child = main(app).process()
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
})
