// Every kind of disk that is served, under four connections at once that write, zero, trim, flush and ask,
// against an array of bytes. In a round each connection changes a quarter of its own; what it did is then
// read over another one.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import type { Disk } from '../engine/disk/disk'
import { EXTENT_ZERO } from '../engine/disk/extents'
import { MemoryDisk } from '../engine/disk/memory-disk'
import { dialTransport } from '../engine/io/dial-transport'
import { openFileDisk } from '../engine/io/file-disk'
import { listenTransport } from '../engine/io/listen-transport'
import { systemClock } from '../engine/io/system-clock'
import { OverlayDisk } from '../engine/layers/overlay'
import { ExportRegistry } from '../engine/nbd/export-registry'
import { openNbdDisk } from '../engine/nbd/nbd-disk'
import { NbdServer } from '../engine/nbd/nbd-server'

const SIZE = 1 << 20
const QUARTER = SIZE / 4
const ROUNDS = 120

const start = (): Uint8Array => new Prng(1).fill(new Uint8Array(SIZE))

const DISKS: Record<string, (dir: string) => Promise<Disk>> = {
  memory: async () => MemoryDisk.from(start()),
  file: async (dir) => {
    await writeFile(join(dir, 'f'), start())
    return openFileDisk(join(dir, 'f'), { writable: true })
  },
  overlay: async () =>
    new OverlayDisk({
      base: MemoryDisk.from(start(), { readOnly: true }),
      store: new MemoryDisk(SIZE),
      blockSize: 4096,
    }),
}

async function withClients(disk: Disk, dir: string, test: (clients: Disk[]) => Promise<void>) {
  const exports = new ExportRegistry()
  exports.add({ name: '', disk, readOnly: false })
  const server = new NbdServer({ exports, clock: systemClock, sendHoles: true })
  const address = { kind: 'unix', path: join(dir, 's') } as const
  const listener = await listenTransport(address, (transport) => server.accept(transport))
  const dial = (signal: AbortSignal | undefined) =>
    dialTransport(address, { timeoutMs: 5000, signal })
  const styles = ['simple', 'structured', 'extended', 'extended'] as const
  const clients = await Promise.all(
    styles.map((replies) => openNbdDisk({ dial, exportName: '', clock: systemClock, replies })),
  )
  try {
    await test(clients)
  } finally {
    for (const client of clients) await client.close()
    await listener.close()
    await server.shutdown(2000)
    await disk.close()
  }
}

describe('a disk that is served', () => {
  it.each(Object.keys(DISKS))('is what four clients made of it: %s', async (kind) => {
    const dir = await mkdtemp(join(tmpdir(), 'platter-model-'))
    const disk = await (DISKS[kind] as (dir: string) => Promise<Disk>)(dir)
    const model = start()
    const prng = new Prng(20_261_121)
    await withClients(disk, dir, async (clients) => {
      for (let round = 0; round < ROUNDS; round++) {
        const ranges = clients.map((_, i) => {
          const offset = prng.below(QUARTER - 1)
          const length = 1 + prng.below(Math.min(40_000, QUARTER - offset))
          return { offset: i * QUARTER + offset, length }
        })
        const changes = clients.map((client, i) => {
          const { offset, length } = ranges[i] as { offset: number; length: number }
          if (prng.below(3) === 0) {
            model.fill(0, offset, offset + length)
            return client.zero(offset, length, { mayTrim: prng.below(2) === 0 })
          }
          const bytes = prng.fill(new Uint8Array(length))
          model.set(bytes, offset)
          return client.write(bytes, offset, { fua: prng.below(8) === 0 })
        })
        await Promise.all(changes)
        if (round % 10 === 0) await clients[round % 4]?.flush()
        await Promise.all(
          clients.map(async (_, i) => {
            const { offset, length } = ranges[i] as { offset: number; length: number }
            const read = new Uint8Array(length)
            await clients[(i + 1) % 4]?.read(read, offset)
            expect(Buffer.compare(read, model.subarray(offset, offset + length))).toBe(0)
          }),
        )
      }
      const whole = new Uint8Array(SIZE)
      await clients[0]?.read(whole, 0)
      expect(Buffer.compare(whole, model)).toBe(0)
      for (const { offset, length, flags } of await clients[3]!.extents(0, SIZE)) {
        if ((flags & EXTENT_ZERO) === 0) continue
        expect(model.subarray(offset, offset + length).every((byte) => byte === 0)).toBe(true)
      }
    })
    await rm(dir, { recursive: true, force: true })
  })
})
