import { expect, test } from 'vitest'
import { ACTIONS } from '../../bridge/actions'
import { actionForKey, type KeyPress, keyCaps } from './key-match'

const press = (key: string, held = '', code = ''): KeyPress => ({
  key,
  code,
  ctrlKey: held.includes('c'),
  metaKey: held.includes('m'),
  altKey: held.includes('a'),
  shiftKey: held.includes('s'),
})

test('Mod is Ctrl, and Cmd on macOS', () => {
  expect(actionForKey(press('o', 'c'), 'other')).toBe('file.open-image')
  expect(actionForKey(press('o', 'm'), 'mac')).toBe('file.open-image')
  expect(actionForKey(press('o', 'c'), 'mac')).toBeUndefined()
  expect(actionForKey(press('o', 'm'), 'other')).toBeUndefined()
})

test('one modifier more is another key', () => {
  expect(actionForKey(press('O', 'cs'), 'other')).toBe('file.open-nbd')
  expect(actionForKey(press('o', 'ca'), 'other')).toBeUndefined()
  expect(actionForKey(press('F6'), 'other')).toBe('go.next-staged')
  expect(actionForKey(press('F6', 's'), 'other')).toBe('go.previous-staged')
})

test('a mark counts as it is typed, with Shift or without', () => {
  expect(actionForKey(press('?', 's'), 'other')).toBe('help.shortcuts')
  expect(actionForKey(press('?'), 'other')).toBe('help.shortcuts')
  expect(actionForKey(press(']', 'c'), 'other')).toBe('go.next-extent')
})

test('with Alt the place on the keyboard counts', () => {
  expect(actionForKey(press('µ', 'a', 'KeyM'), 'mac')).toBe('view.focus-map')
  expect(actionForKey(press('¡', 'a', 'Digit1'), 'mac')).toBe('view.inspector')
})

test('letters of the map do nothing elsewhere', () => {
  for (const key of ['w', 's', '0', '+', '-']) {
    expect(actionForKey(press(key), 'other')).toBeUndefined()
  }
})

test('every global key is found by the press that it names', () => {
  for (const action of ACTIONS.filter((each) => each.scope === 'global')) {
    for (const key of action.keys as readonly string[]) {
      const name = key.slice(key.lastIndexOf('+') + 1)
      const held = [...(key.match(/Mod|Alt|Shift/g) ?? [])]
        .map((each) => ({ Mod: 'c', Alt: 'a', Shift: 's' })[each])
        .join('')
      const code = /^\d$/.test(name) ? `Digit${name}` : `Key${name}`
      expect(actionForKey(press(name, held, code), 'other'), key).toBe(action.id)
    }
  }
})

test('keys are shown as the platform shows them', () => {
  expect(keyCaps('Mod+Shift+P', 'other')).toEqual(['Ctrl', 'Shift', 'P'])
  expect(keyCaps('Mod+Shift+P', 'mac')).toEqual(['⌘', '⇧', 'P'])
  expect(keyCaps('+', 'other')).toEqual(['+'])
  expect(keyCaps('Alt+ArrowLeft', 'other')).toEqual(['Alt', '←'])
})
