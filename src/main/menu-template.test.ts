import type { MenuItemConstructorOptions } from 'electron'
import { describe, expect, test } from 'vitest'
import { ACTIONS } from '../bridge/actions'
import { toAccelerator } from './accelerator'
import { menuTemplate } from './menu-template'

const PLATFORMS = ['linux', 'win32', 'darwin'] as const

function build(platform: string, recent: readonly string[] = []) {
  const ran: string[] = []
  const opened: string[] = []
  const template = menuTemplate({
    platform,
    appName: 'Platter',
    isPackaged: true,
    recent: recent.map((locator) => ({ locator, name: locator, time: 0 })),
    run: (action) => ran.push(action),
    openRecent: (locator) => opened.push(locator),
  })
  return { template, items: flatten(template), ran, opened }
}

function flatten(items: MenuItemConstructorOptions[]): MenuItemConstructorOptions[] {
  return items.flatMap((item) => [
    item,
    ...(Array.isArray(item.submenu) ? flatten(item.submenu) : []),
  ])
}

function click(item: MenuItemConstructorOptions | undefined): void {
  const run = item?.click as (() => void) | undefined
  run?.()
}

describe.each(PLATFORMS)('on %s', (platform) => {
  test('every action stands in the menu once, and runs itself', () => {
    const { items, ran } = build(platform)
    const own = items.filter((item) => item.id !== undefined)
    expect(own.map((item) => item.id).sort()).toEqual(ACTIONS.map((each) => each.id).sort())
    own.forEach(click)
    expect(ran).toEqual(own.map((item) => item.id))
  })

  test('no menu begins or ends with a line, or has two in a row', () => {
    for (const { submenu } of build(platform).items) {
      if (!Array.isArray(submenu)) continue
      const lines = submenu.map((item) => item.type === 'separator')
      expect(lines.at(0) === true || lines.at(-1) === true).toBe(false)
      expect(lines.some((line, index) => line && lines[index + 1] === true)).toBe(false)
    }
  })

  test('no accelerator is there twice', () => {
    const keys = build(platform).items.flatMap((item) => item.accelerator ?? [])
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('a recent image is opened by its locator', () => {
    const { items, opened } = build(platform, ['/data/a.img'])
    click(items.find((item) => item.label === '/data/a.img'))
    expect(opened).toEqual(['/data/a.img'])
  })
})

test('quitting is called what the system calls it', () => {
  const quit = (platform: string) => build(platform).items.find((item) => item.role === 'quit')
  expect(quit('win32')?.label).toBe('E&xit')
  expect(quit('linux')?.label).toBe('&Quit')
  expect(quit('darwin')?.label).toBeUndefined()
})

test('macOS has titles for labels, and settings in the menu of the application', () => {
  const { template } = build('darwin')
  const [first, file] = template
  expect(first?.label).toBe('Platter')
  expect(flatten([first!]).some((item) => item.label === 'Settings…')).toBe(true)
  expect(flatten([file!]).some((item) => item.label === 'Open Image…')).toBe(true)
})

test.each([
  ['Mod+Shift+O', 'CmdOrCtrl+Shift+O'],
  ['Alt+ArrowLeft', 'Alt+Left'],
  ['Shift+F6', 'Shift+F6'],
  ['F1', 'F1'],
  ['?', undefined],
  [undefined, undefined],
])('the key %s is the accelerator %s', (key, accelerator) => {
  expect(toAccelerator(key)).toBe(accelerator)
})
