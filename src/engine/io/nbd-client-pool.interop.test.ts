// Several connections to one export of a real server, and a server that is killed under them.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OpenNbdOptions } from '../nbd/nbd-disk'
import { openNbdDisk } from '../nbd/nbd-disk'
import { DEFAULT_RECONNECT } from '../nbd/reconnect'
import { runDiskModel } from '../testing/disk-model'
import { expectCode } from '../testing/expect-disk'
import { isListening, PeerProcess, requirePeer, withTempDir } from '../testing/peer-process'
import { dialTransport } from './dial-transport'
import { systemClock } from './system-clock'

const MiB = 1 << 20

const startNbdkit = (path: string, ...args: readonly string[]) =>
  PeerProcess.start('nbdkit', ['-f', '-U', path, ...args], () => isListening(path))

async function withNbdkit(
  args: readonly string[],
  test: (path: string, server: PeerProcess) => Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const path = join(dir, 's')
    const server = await startNbdkit(path, ...args)
    try {
      await test(path, server)
    } finally {
      await server.stop()
    }
  })
}

/** A disk, and how many connections were made for it. */
async function open(path: string, options: Partial<OpenNbdOptions>) {
  const made = { count: 0 }
  const dial = (signal?: AbortSignal) => {
    made.count++
    return dialTransport({ kind: 'unix', path }, { timeoutMs: 5000, signal })
  }
  const disk = await openNbdDisk({ dial, exportName: '', clock: systemClock, ...options })
  return { disk, made }
}

describe.skipIf(!requirePeer('nbdkit'))('several connections to nbdkit', () => {
  it.each([1, 2])('hold what a byte model holds (seed %i)', (seed) =>
    withNbdkit(['memory', '1M'], async (path) => {
      const { disk, made } = await open(path, { connections: 4, reconnect: DEFAULT_RECONNECT })
      expect(made.count).toBe(4)
      await runDiskModel(disk, { seed, steps: 400, content: new Uint8Array(MiB) })
      await disk.close()
    }),
  )

  it('are one where the server cannot have several, unless a reader insists', () =>
    withNbdkit(
      ['--filter=multi-conn', 'pattern', '1M', 'multi-conn-mode=disable'],
      async (path) => {
        const one = await open(path, { connections: 4 })
        expect(one.made.count).toBe(1)
        await one.disk.close()
        const four = await open(path, { connections: 4, insist: true })
        expect(four.disk.capabilities.write).toBe(false)
        expect(four.made.count).toBe(4)
        await four.disk.close()
      },
    ))

  it('come back when the server is killed and started again, and reads are asked again', () =>
    withNbdkit(['--filter=delay', 'pattern', '1M', 'rdelay=200ms'], async (path, server) => {
      const { disk } = await open(path, { connections: 4, reconnect: DEFAULT_RECONNECT })
      const buffers = Array.from({ length: 64 }, () => Buffer.alloc(512))
      const reads = buffers.map((buffer, i) => disk.read(buffer, i * 4096))
      server.signal('SIGKILL')
      await server.stop()
      await rm(path, { force: true })
      const again = await startNbdkit(path, 'pattern', '1M')
      try {
        await Promise.all(reads)
        for (const [i, buffer] of buffers.entries()) {
          expect(Number(buffer.readBigUInt64BE())).toBe(i * 4096)
        }
        await disk.close()
      } finally {
        await again.stop()
      }
    }))

  it('fail a flush after writes that the killed server may have lost', () =>
    withNbdkit(['memory', '1M'], async (path, server) => {
      const { disk } = await open(path, { connections: 4, reconnect: DEFAULT_RECONNECT })
      await disk.write(new Uint8Array(512).fill(7), 0)
      server.signal('SIGKILL')
      await server.stop()
      await rm(path, { force: true })
      const again = await startNbdkit(path, 'memory', '1M')
      try {
        await expectCode(disk.flush(), 'DISCONNECTED')
        await disk.flush()
        await disk.close()
      } finally {
        await again.stop()
      }
    }))
})
