// The whole map of what a server says, however little it says at a time.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ExtentList } from '../engine/disk/extents'
import { MemoryDisk } from '../engine/disk/memory-disk'
import { listenTransport } from '../engine/io/listen-transport'
import { systemClock } from '../engine/io/system-clock'
import { ExportRegistry } from '../engine/nbd/export-registry'
import { NbdServer } from '../engine/nbd/nbd-server'
import { withTempDir } from '../engine/testing/peer-process'
import { mapImage } from './image-map'

/** Serves a disk that says `step` bytes of its map a call, data and hole in turn; counts the calls. */
async function withFineMap(
  size: number,
  step: number,
  test: (uri: string, calls: () => number) => Promise<void>,
): Promise<void> {
  const disk = new MemoryDisk(size)
  let calls = 0
  disk.extents = async (offset, length) => {
    calls++
    return ExtentList.of(offset, Math.min(step, length), Math.floor(offset / step) % 2)
  }
  const exports = new ExportRegistry()
  exports.add({ name: '', disk, readOnly: true })
  const server = new NbdServer({ exports, clock: systemClock })
  await withTempDir(async (dir) => {
    const path = join(dir, 's')
    const accept = (transport: Parameters<NbdServer['accept']>[0]) => server.accept(transport)
    const listener = await listenTransport({ kind: 'unix', path }, accept)
    try {
      await test(`nbd+unix:///?socket=${path}`, () => calls)
    } finally {
      await listener.close()
      await server.shutdown(1000)
    }
  })
}

describe('the map of a server that says a little at a time', () => {
  it('is whole when the answers are single bytes of a small disk', () =>
    withFineMap(1000, 1, async (uri, calls) => {
      const rows = await mapImage(uri, {})
      expect(calls()).toBe(1000)
      expect(rows.length).toBe(1000)
      expect(rows.at(-1)).toEqual({ offset: 999, length: 1, flags: 1 })
    }))

  it('is whole when each answer is a sector, however many they are', () =>
    withFineMap(4 << 20, 512, async (uri, calls) => {
      expect((await mapImage(uri, {})).length).toBe(8192)
      expect(calls()).toBe(8192)
    }))

  it('is given up when it would go on a byte at a time for ever', () =>
    withFineMap(2 ** 50, 1, async (uri, calls) => {
      const mapping = mapImage(uri, {})
      await expect(mapping).rejects.toMatchObject({ code: 'LIMIT' })
      await expect(mapping).rejects.toThrow(
        /too fine: \d+ extents in 410\d answers up to offset 410\d of 1125899906842624/,
      )
      expect(calls()).toBeLessThan(4200)
    }))
})
