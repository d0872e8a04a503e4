import { expect, test } from 'vitest'
import type { CellColumns } from '../../bridge/frames'
import { decodeCells } from '../../bridge/frames'
import { stageDemoBlocks } from './demo-activity'
import { FakePeer } from './fake-peer'

const MiB = 1024 * 1024

test('cells of a fake disk add up to its totals', async () => {
  const peer = new FakePeer({ size: 512 * MiB })
  stageDemoBlocks(peer)
  const columns = await new Promise<CellColumns>((resolve) => {
    const params = { session: peer.session, cellBytes: MiB, firstCell: 0, cellCount: 512 }
    peer.openStream('map.cells', params, {
      onFrame: (frame, bytes) => resolve(decodeCells(bytes, frame.cellBytes)),
      onEnd: () => undefined,
    })
  })
  const { totals } = peer.sessionInfo()
  for (const name of ['data', 'zero', 'hole', 'written', 'zeroed'] as const) {
    expect(Array.from(columns[name]).reduce((a, b) => a + b, 0)).toBe(totals[name])
  }
  expect(totals.written).toBeGreaterThan(0)
  expect(totals.data + totals.zero + totals.hole).toBe(512 * MiB)
})

test('a staged byte is read back and its neighbours stay', async () => {
  const peer = new FakePeer({ size: 64 * MiB })
  const range = { session: peer.session, offset: 1000, length: 3 }
  const before = await peer.request('bytes.read', range)
  const at = { session: peer.session, offset: 1001 }
  await peer.request('stage.write', at, { bytes: Uint8Array.of(0x5a) })
  const after = await peer.request('bytes.read', range)
  expect(after.bytes).toEqual(Uint8Array.of(before.bytes?.[0] ?? 0, 0x5a, before.bytes?.[2] ?? 0))
})
