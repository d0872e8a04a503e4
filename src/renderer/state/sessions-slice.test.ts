import { expect, test } from 'vitest'
import type { ActivityTick, SessionInfo } from '../../bridge/model'
import { FakePeer } from '../testing/fake-peer'
import { createAppStore } from './app-state'
import { MAX_TICKS } from './sessions-slice'

const template = new FakePeer({ size: 1 << 20 }).sessionInfo()
const session = (id: string, epoch = 1): SessionInfo => ({ ...template, id, epoch })
const tick = (time: number): ActivityTick => ({
  time,
  read: 1,
  written: 0,
  zeroed: 0,
  trimmed: 0,
  requests: 1,
})

function storeWith(...ids: string[]) {
  const store = createAppStore()
  for (const id of ids) store.getState().putSession(session(id))
  return store
}

test('news of an older epoch does not undo what is known', () => {
  const store = storeWith('a')
  store.getState().putSession(session('a', 5))
  store.getState().putSession(session('a', 4))
  expect(store.getState().sessions.map((each) => each.epoch)).toEqual([5])
})

test('closing the session in front brings its neighbour to the front', () => {
  const store = storeWith('a', 'b', 'c')
  store.getState().activate('b')
  store.getState().dropSession('b')
  expect(store.getState().activeId).toBe('c')
  store.getState().dropSession('c')
  expect(store.getState().activeId).toBe('a')
  store.getState().dropSession('a')
  expect(store.getState().activeId).toBeUndefined()
})

test('closing another session leaves the one in front', () => {
  const store = storeWith('a', 'b')
  store.getState().activate('a')
  store.getState().dropSession('b')
  expect(store.getState().activeId).toBe('a')
})

test('with a session goes all that was its own, and a dialog about it', () => {
  const store = storeWith('a', 'b')
  store.getState().changeView('a', { cursor: { offset: 5 } })
  store.getState().putTicks('a', [tick(1)])
  store.getState().openDialog({ kind: 'commit', session: 'a' })
  store.getState().dropSession('a')
  const { views, activity, dialog } = store.getState()
  expect([views['a'], activity['a'], dialog]).toEqual([undefined, undefined, undefined])
  store.getState().openDialog({ kind: 'settings' })
  store.getState().dropSession('b')
  expect(store.getState().dialog).toEqual({ kind: 'settings' })
})

test('after a reconnect the session that was in front is in front', () => {
  const store = storeWith('a', 'b')
  store.getState().activate('a')
  const hello = {
    host: 'browser' as const,
    platform: 'linux',
    version: '1',
    nativeDialogs: false,
    sessions: [session('a', 9), session('b')],
    exports: [],
    jobs: [],
    recent: [],
    settings: store.getState().settings,
  }
  store.getState().takeHello(hello)
  expect(store.getState().activeId).toBe('a')
  store.getState().takeHello({ ...hello, sessions: [session('b')] })
  expect(store.getState().activeId).toBe('b')
})

test('history that comes after live ticks goes before them, and nothing counts twice', () => {
  const store = createAppStore()
  const times = () => store.getState().activity['a']?.map((each) => each.time)
  store.getState().putTicks('a', [tick(30)])
  store.getState().putTicks('a', [tick(10), tick(20), tick(30)])
  expect(times()).toEqual([10, 20, 30])
  store.getState().putTicks('a', [tick(40)])
  expect(times()).toEqual([10, 20, 30, 40])
})

test('no more ticks are kept than are shown', () => {
  const store = createAppStore()
  for (let i = 0; i < MAX_TICKS + 10; i++) store.getState().putTicks('a', [tick(i)])
  expect(store.getState().activity['a']).toHaveLength(MAX_TICKS)
  expect(store.getState().activity['a']?.at(-1)?.time).toBe(MAX_TICKS + 9)
})
