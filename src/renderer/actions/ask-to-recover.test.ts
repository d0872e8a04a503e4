import { expect, test } from 'vitest'
import type { RecoverInfo } from '../../bridge/undo-model'
import { openFakeImage } from '../testing/test-app'
import { askToRecover } from './ask-to-recover'

async function openFound(recover: RecoverInfo) {
  const made = await openFakeImage()
  const { store } = made.app
  askToRecover(made.app)
  const put = () => store.getState().putSession({ ...made.peer.sessionInfo(), recover })
  return { ...made, store, put }
}

test('a commit that was cut short is asked about once', async () => {
  const { store, put, session } = await openFound({ kind: 'committing', bytes: 4096 })
  put()
  expect(store.getState().dialog).toEqual({ kind: 'recover', session })
  store.getState().closeDialog()
  put()
  expect(store.getState().dialog).toBeUndefined()
})

test('the question waits for a dialog that is open', async () => {
  const { store, put, session } = await openFound({ kind: 'committing', bytes: 4096 })
  store.getState().openDialog({ kind: 'palette' })
  put()
  expect(store.getState().dialog).toEqual({ kind: 'palette' })
  store.getState().closeDialog()
  expect(store.getState().dialog).toEqual({ kind: 'recover', session })
})

test('an overlay that was only not closed is told, and asked nothing about', async () => {
  const { store, put, notices } = await openFound({ kind: 'dirty', bytes: 0 })
  put()
  put()
  expect(store.getState().dialog).toBeUndefined()
  expect(notices).toEqual(['debian-12.img was not closed last time'])
})
