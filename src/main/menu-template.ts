// The native menu as data: Platter's own actions from their one table, and the system's roles around
// them. The page handles the keys itself, since it knows where the focus is; the menu shows them.

import type { MenuItemConstructorOptions } from 'electron'
import { ACTIONS, type ActionCategory, type ActionData, type ActionId } from '../bridge/actions'
import type { RecentImage } from '../bridge/model'
import { toAccelerator } from './accelerator'

export interface MenuContext {
  readonly platform: string
  readonly appName: string
  readonly isPackaged: boolean
  readonly recent: readonly RecentImage[]
  readonly run: (action: ActionId) => void
  readonly openRecent: (locator: string) => void
}

type Items = MenuItemConstructorOptions[]

const RECENT_SHOWN = 12
/** They stand in the application's own menu on macOS. */
const IN_MAC_APP_MENU: ReadonlySet<ActionId> = new Set(['file.settings', 'help.about'])
const SEPARATOR: MenuItemConstructorOptions = { type: 'separator' }

export function menuTemplate(context: MenuContext): Items {
  const mac = context.platform === 'darwin'
  const menu = (category: ActionCategory, tail: Items = []): MenuItemConstructorOptions => ({
    label: mac ? category : `&${category}`,
    submenu: [...actionItems(context, category), ...tail],
  })
  return [
    ...(mac ? [macAppMenu(context)] : []),
    menu('File', fileTail(context)),
    menu('Edit', [SEPARATOR, { role: 'cut' }, { role: 'copy' }, { role: 'paste' }]),
    menu('View', viewTail(context)),
    menu('Go'),
    menu('Session'),
    ...(mac ? [{ role: 'windowMenu' as const }] : []),
    { ...menu('Help'), role: 'help' },
  ]
}

function actionItems(context: MenuContext, category: ActionCategory): Items {
  const mac = context.platform === 'darwin'
  const actions = ACTIONS.filter((each) => each.category === category)
  return actions
    .filter((each) => !(mac && IN_MAC_APP_MENU.has(each.id)))
    .flatMap((each, index) => {
      const item = actionItem(context, each)
      return each.separated === true && index > 0 ? [SEPARATOR, item] : [item]
    })
}

function actionItem(
  { platform, run }: MenuContext,
  action: ActionData,
): MenuItemConstructorOptions {
  const accelerator = action.scope === 'global' ? toAccelerator(action.keys[0]) : undefined
  return {
    id: action.id,
    label: platform === 'darwin' ? titleCase(action.title) : action.title,
    click: () => run(action.id),
    ...(accelerator === undefined ? {} : { accelerator, registerAccelerator: false }),
  }
}

function fileTail(context: MenuContext): Items {
  const recent: MenuItemConstructorOptions = {
    label: context.platform === 'darwin' ? 'Open Recent' : 'Open recent',
    enabled: context.recent.length > 0,
    submenu: context.recent.slice(0, RECENT_SHOWN).map(({ locator }) => ({
      label: locator,
      click: () => context.openRecent(locator),
    })),
  }
  if (context.platform === 'darwin') return [SEPARATOR, recent]
  const quit = { role: 'quit' as const, label: context.platform === 'win32' ? 'E&xit' : '&Quit' }
  return [SEPARATOR, recent, SEPARATOR, quit]
}

function viewTail({ isPackaged }: MenuContext): Items {
  const developing: Items = isPackaged ? [] : [{ role: 'reload' }, { role: 'toggleDevTools' }]
  return [SEPARATOR, { role: 'togglefullscreen' }, ...developing]
}

function macAppMenu(context: MenuContext): MenuItemConstructorOptions {
  const own = (id: ActionId) =>
    actionItem(context, ACTIONS.find((each) => each.id === id) as ActionData)
  return {
    label: context.appName,
    submenu: [
      own('help.about'),
      SEPARATOR,
      own('file.settings'),
      SEPARATOR,
      { role: 'services' },
      SEPARATOR,
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      SEPARATOR,
      { role: 'quit' },
    ],
  }
}

const SMALL_WORDS: ReadonlySet<string> = new Set(['a', 'at', 'in', 'is', 'of', 'or', 'the', 'to'])

/** macOS writes menu items as titles. */
function titleCase(title: string): string {
  return title
    .split(' ')
    .map((word, index) =>
      index > 0 && SMALL_WORDS.has(word) ? word : word.charAt(0).toUpperCase() + word.slice(1),
    )
    .join(' ')
}
