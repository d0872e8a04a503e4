import { expect, test } from 'vitest'
import { NEW_VIEW, type SessionView } from '../state/views-slice'
import { FakePeer } from '../testing/fake-peer'
import { mapViewOf, SMALLEST_CELL_BYTES, zoomStep } from './map-zoom'

const MiB = 1024 * 1024
const session = new FakePeer({ size: 512 * MiB }).sessionInfo()
const room = { fitCellBytes: MiB / 2, columns: 64, visibleRows: 20 }
const at = (offset: number, over: Partial<SessionView> = {}): SessionView => ({
  ...NEW_VIEW,
  room,
  cursor: { offset },
  ...over,
})
const rowOf = (offset: number, cellBytes: number) => Math.floor(offset / (cellBytes * room.columns))

test('without a choice the whole disk is shown, as the map has room for it', () => {
  expect(mapViewOf(session, at(0))).toEqual({ cellBytes: MiB / 2, top: 0 })
  expect(mapViewOf(session, NEW_VIEW)).toEqual({ cellBytes: 256 * 1024, top: 0 })
  const tooFar = at(0, { map: { cellBytes: 4 * MiB, top: 0 } })
  expect(mapViewOf(session, tooFar)).toEqual({ cellBytes: MiB / 2, top: 0 })
})

test('zooming keeps the cursor in its row as long as it is in sight', () => {
  const cursor = 200 * MiB
  let view = at(cursor)
  const screenRow = rowOf(cursor, MiB / 2)
  for (let i = 0; i < 5; i++) {
    const map = zoomStep(session, view, 'in')!
    expect(rowOf(cursor, map.cellBytes) - rowOf(map.top, map.cellBytes)).toBe(screenRow)
    view = at(cursor, { map })
  }
  for (let i = 0; i < 5; i++) view = at(cursor, { map: zoomStep(session, view, 'out') })
  expect(mapViewOf(session, view)).toEqual({ cellBytes: MiB / 2, top: 0 })
})

test('a cursor out of sight comes to the middle', () => {
  const map = zoomStep(session, at(500 * MiB, { map: { cellBytes: 65536, top: 0 } }), 'in')!
  expect(rowOf(500 * MiB, map.cellBytes) - rowOf(map.top, map.cellBytes)).toBe(10)
})

test('zoom ends at a sector and at the whole disk', () => {
  expect(zoomStep(session, at(0), 'out')).toBeUndefined()
  const smallest = at(0, { map: { cellBytes: SMALLEST_CELL_BYTES, top: 0 } })
  expect(zoomStep(session, smallest, 'in')).toBeUndefined()
})
