import { expect, test } from 'vitest'
import { ACTIONS, isActionId } from '../../bridge/actions'
import { createAppStore } from '../state/app-state'
import { makeTestApp, openFakeImage } from '../testing/test-app'
import { ACTION_TABLE } from './action-table'
import { runAction } from './run-action'

test('every action has a behaviour, and every behaviour an action', () => {
  expect(Object.keys(ACTION_TABLE).sort()).toEqual(ACTIONS.map((each) => each.id).sort())
  expect(Object.keys(ACTION_TABLE).every(isActionId)).toBe(true)
})

test('without an image nothing that needs one is enabled', () => {
  const state = createAppStore().getState()
  const enabled = ACTIONS.filter((each) => ACTION_TABLE[each.id].enabled(state))
  expect(enabled.map((each) => each.category)).not.toContain('Go')
  expect(enabled.map((each) => each.category)).not.toContain('Session')
  expect(enabled.map((each) => each.id)).toContain('file.open-image')
})

test('commit and discard wait for something to be staged', async () => {
  const { app, peer } = await openFakeImage()
  const enabled = (id: 'session.commit' | 'session.discard-all') =>
    ACTION_TABLE[id].enabled(app.store.getState())
  expect(enabled('session.commit')).toBe(false)
  peer.act('write', { offset: 0, length: 4096 })
  expect([enabled('session.commit'), enabled('session.discard-all')]).toEqual([true, true])
})

test('an action that is not enabled does not run', async () => {
  const { app } = await openFakeImage()
  await runAction(app, 'session.discard-all')
  expect(app.store.getState().dialog).toBeUndefined()
})

test('a failing action becomes a notice with the sentence of the host', async () => {
  const { app, notices } = makeTestApp()
  await runAction(app, 'file.open-sample')
  expect(notices).toEqual(['The image was not opened: The host is not connected; nothing was done'])
})

test('undo stages what was there before, and redo what was typed', async () => {
  const { app, peer, session } = await openFakeImage()
  const before = peer.disk.read({ offset: 100, length: 2 })
  const after = Uint8Array.of(0xab, 0xcd)
  await app.request('stage.write', { session, offset: 100 }, { bytes: after })
  app.store.getState().recordEdit(session, { offset: 100, before, after })
  await runAction(app, 'edit.undo')
  expect(peer.disk.read({ offset: 100, length: 2 })).toEqual(before)
  await runAction(app, 'edit.redo')
  expect(peer.disk.read({ offset: 100, length: 2 })).toEqual(after)
})

test('two undos in a row on the same byte take back both', async () => {
  const { app, peer, session } = await openFakeImage({ latencyMs: 2 })
  const [base] = peer.disk.read({ offset: 7, length: 1 })
  const values = [base!, 0x50, 0x5a]
  for (let i = 1; i < values.length; i++) {
    const after = Uint8Array.of(values[i]!)
    await app.request('stage.write', { session, offset: 7 }, { bytes: after })
    app.store
      .getState()
      .recordEdit(session, { offset: 7, before: Uint8Array.of(values[i - 1]!), after })
  }
  await Promise.all([runAction(app, 'edit.undo'), runAction(app, 'edit.undo')])
  expect(peer.disk.read({ offset: 7, length: 1 })).toEqual(Uint8Array.of(base!))
})

test('undo leaves alone what somebody else has written since', async () => {
  const { app, peer, session, notices } = await openFakeImage()
  const edit = { offset: 4096, before: Uint8Array.of(1), after: Uint8Array.of(2) }
  app.store.getState().recordEdit(session, edit)
  peer.disk.write(4096, Uint8Array.of(9), 'client 1', 0)
  await runAction(app, 'edit.undo')
  expect(peer.disk.read({ offset: 4096, length: 1 })).toEqual(Uint8Array.of(9))
  expect(notices[0]).toContain('have changed since')
  expect(ACTION_TABLE['edit.undo'].enabled(app.store.getState())).toBe(false)
})

test('next extent moves the cursor, and Back returns', async () => {
  const { app, peer } = await openFakeImage()
  await runAction(app, 'go.next-extent')
  const { activeId, views } = app.store.getState()
  const second = peer.disk.extents[1]!.offset
  expect(views[activeId!]!.cursor.offset).toBe(second)
  await runAction(app, 'go.back')
  expect(app.store.getState().views[activeId!]!.cursor.offset).toBe(0)
})
