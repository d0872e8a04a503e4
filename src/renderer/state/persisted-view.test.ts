import { expect, test } from 'vitest'
import { createAppStore } from './app-state'
import { parseView, serializeView } from './persisted-view'

test('zoom, cursor, tab and session come back', () => {
  const store = createAppStore()
  const cursor = { offset: 77, selection: { offset: 64, length: 32 } }
  store.getState().changeView('s1', { map: { cellBytes: 65536, top: 1 << 20 }, cursor })
  store.getState().showTab('extents')
  store.getState().setRadix(10)
  store.getState().activate('s1')
  const kept = parseView(serializeView(store.getState()))
  expect(kept).toMatchObject({ activeId: 's1', sideTab: 'extents', radix: 10 })
  expect(kept.views['s1']).toMatchObject({ map: { cellBytes: 65536, top: 1 << 20 }, cursor })
})

test.each([
  ['nothing', null],
  ['half a text', '{"views":{"s1":'],
  ['something else', '[1,2]'],
  ['a zoom that is no power of two', '{"views":{"s1":{"map":{"cellBytes":1000,"top":0}}}}'],
  ['a cursor that is no offset', '{"views":{"s1":{"cursor":{"offset":-4}}},"radix":7}'],
])('%s does no harm', (_what, text) => {
  const kept = parseView(text)
  for (const view of Object.values(kept.views)) {
    expect(view.map).toBeUndefined()
    expect(view.cursor).toEqual({ offset: 0 })
  }
  expect(kept.radix).toBeUndefined()
})
