import { expect, test } from 'vitest'
import { ACTION_CATEGORIES, ACTIONS, type ActionData, isActionId } from './actions'

const actions: readonly ActionData[] = ACTIONS

test('no two actions share an id, or a title', () => {
  expect(new Set(actions.map((a) => a.id)).size).toBe(actions.length)
  expect(new Set(actions.map((a) => a.title)).size).toBe(actions.length)
})

test('a key means one action in its scope', () => {
  for (const scope of ['global', 'map'] as const) {
    const keys = actions.filter((a) => a.scope === scope).flatMap((a) => a.keys)
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  }
})

test('a plain letter is never a key outside the map', () => {
  const global = actions.filter((a) => a.scope === 'global').flatMap((a) => a.keys)
  expect(global.filter((key) => /^[A-Z0-9]$/.test(key))).toEqual([])
})

test('keys are modifiers in a fixed order and one key', () => {
  for (const key of actions.flatMap((a) => a.keys)) {
    expect(key).toMatch(/^(Mod\+)?(Alt\+)?(Shift\+)?([A-Z0-9]|[^A-Za-z0-9\s]|[A-Z][A-Za-z0-9]+)$/)
  }
})

test('every category of the menu has actions, and each action a category of the menu', () => {
  expect([...new Set(actions.map((a) => a.category))]).toEqual([...ACTION_CATEGORIES])
})

test('an id of somebody else is not an action', () => {
  expect(isActionId('file.open-image')).toBe(true)
  expect(isActionId('constructor')).toBe(false)
})
