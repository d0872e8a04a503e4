// Keys of actions.ts against keyboard events. Digits and letters are compared by what they are on the
// keyboard (event.code) when Alt is held, because Alt changes what they type.

import { ACTIONS, type ActionData, type ActionId } from '../../bridge/actions'

/** The part of a KeyboardEvent that decides. */
export interface KeyPress {
  readonly key: string
  readonly code: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly shiftKey: boolean
}

export type KeyPlatform = 'mac' | 'other'

const GLOBAL: readonly ActionData[] = ACTIONS.filter(({ scope }) => scope === 'global')

/** The action of scope `global` that a key press means. */
export function actionForKey(press: KeyPress, platform: KeyPlatform): ActionId | undefined {
  return GLOBAL.find(({ keys }) => keys.some((key) => matchesKey(key, press, platform)))?.id
}

export function matchesKey(key: string, press: KeyPress, platform: KeyPlatform): boolean {
  const { mod, alt, shift, name } = splitKey(key)
  const [primary, other] =
    platform === 'mac' ? [press.metaKey, press.ctrlKey] : [press.ctrlKey, press.metaKey]
  if (primary !== mod || other || press.altKey !== alt) return false
  // A mark such as ? may need Shift to be typed: it is the mark that counts.
  const isMark = /^[^A-Za-z0-9]$/.test(name)
  if (!isMark && press.shiftKey !== shift) return false
  if (alt && /^[A-Z]$/.test(name)) return press.code === `Key${name}`
  if (alt && /^[0-9]$/.test(name)) return press.code === `Digit${name}`
  return press.key.length === 1 ? press.key.toUpperCase() === name : press.key === name
}

function splitKey(key: string) {
  const name = key.endsWith('++') || key === '+' ? '+' : key.slice(key.lastIndexOf('+') + 1)
  const has = (modifier: string) => key.startsWith(`${modifier}+`) || key.includes(`+${modifier}+`)
  return { mod: has('Mod'), alt: has('Alt'), shift: has('Shift'), name }
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  Enter: '↵',
}

/** `['Ctrl', 'Shift', 'P']`, or the marks of macOS. */
export function keyCaps(key: string, platform: KeyPlatform): string[] {
  const { mod, alt, shift, name } = splitKey(key)
  const mac = platform === 'mac'
  return [
    ...(mod ? [mac ? '⌘' : 'Ctrl'] : []),
    ...(alt ? [mac ? '⌥' : 'Alt'] : []),
    ...(shift ? [mac ? '⇧' : 'Shift'] : []),
    NAMES[name] ?? name,
  ]
}

/** As `aria-keyshortcuts` wants it: `Control+Shift+P`. */
export const ariaKey = (key: string, platform: KeyPlatform): string =>
  key.replace('Mod', platform === 'mac' ? 'Meta' : 'Control')
