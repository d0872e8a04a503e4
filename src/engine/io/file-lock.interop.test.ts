import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasCode, PlatterError } from '../base/errors'
import { failureOf } from '../testing/fail-nth'
import {
  isLockedByQemuNbd,
  PeerProcess,
  requirePeer,
  runPeer,
  withTempDir,
} from '../testing/peer-process'
import { openFileDisk } from './file-disk'
import { hasHoleCalls } from './hole-libc'

const MIB = 1024 * 1024

async function image(dir: string): Promise<string> {
  const path = join(dir, 'disk.img')
  await writeFile(path, 'x')
  await truncate(path, MIB)
  return path
}

const writable = { writable: true, lock: 'exclusive-write' } as const

async function withNbdServer(
  dir: string,
  path: string,
  flags: string[],
  use: (pid: number) => Promise<void>,
): Promise<void> {
  const socket = join(dir, 'socket')
  const args = ['-t', '-f', 'raw', ...flags, '-k', socket, path]
  const server = await PeerProcess.start('qemu-nbd', args, () => isLockedByQemuNbd(path))
  try {
    await use(server.pid as number)
  } finally {
    await server.stop()
  }
}

const describeLocks = hasHoleCalls() ? describe : describe.skip

describeLocks('file locks and QEMU', () => {
  const hasQemuIo = requirePeer('qemu-io')
  const hasQemuNbd = requirePeer('qemu-nbd')
  const hasQemuImg = requirePeer('qemu-img')

  it.skipIf(!hasQemuIo)('qemu-io does not write to an image that Platter writes', async () => {
    await withTempDir(async (dir) => {
      const path = await image(dir)
      const disk = await openFileDisk(path, writable)
      const write = ['-f', 'raw', '-c', 'write -P 0x5a 0 4096', path]
      const refused = await runPeer('qemu-io', write)
      expect(refused.stderr + refused.stdout).toMatch(/Failed to get .*lock/)
      const first = new Uint8Array(1)
      await disk.read(first, 0)
      expect(first[0]).toBe('x'.charCodeAt(0))
      await disk.close()
      const allowed = await runPeer('qemu-io', write)
      expect(allowed.stdout).toContain('wrote 4096/4096')
    })
  })

  it.skipIf(!hasQemuImg)('qemu-img does not trust an image that Platter writes', async () => {
    await withTempDir(async (dir) => {
      const path = await image(dir)
      const disk = await openFileDisk(path, writable)
      const copy = ['-f', 'raw', '-O', 'qcow2', path, join(dir, 'copy.qcow2')]
      const refused = await runPeer('qemu-img', ['convert', ...copy])
      const forced = await runPeer('qemu-img', ['convert', '-U', ...copy])
      await disk.close()
      expect(refused.status).toBe(1)
      expect(refused.stderr).toContain('Failed to get shared "write" lock')
      expect(forced.status).toBe(0)
    })
  })

  it.skipIf(!hasQemuIo)('qemu-io writes to an image that Platter only reads', async () => {
    await withTempDir(async (dir) => {
      const path = await image(dir)
      const disk = await openFileDisk(path, { lock: 'shared-read' })
      expect(disk.lockNote).toBeUndefined()
      const { stdout } = await runPeer('qemu-io', ['-f', 'raw', '-c', 'write 0 4096', path])
      expect(stdout).toContain('wrote 4096/4096')
      await disk.close()
    })
  })

  it.skipIf(!hasQemuNbd)('an image that qemu-nbd writes is not written, and says who', async () => {
    await withTempDir(async (dir) => {
      const path = await image(dir)
      await withNbdServer(dir, path, [], async (pid) => {
        const refusal = (await failureOf(openFileDisk(path, writable))) as PlatterError
        expect(refusal).toBeInstanceOf(PlatterError)
        expect(refusal.code).toBe('IN_USE')
        expect(refusal.message).toBe(
          `${path}: cannot be written: qemu-nbd (process ${pid}) has it open for writing; nothing was changed`,
        )
        expect(refusal.data).toMatchObject({ pid, program: 'qemu-nbd' })
        const reader = await openFileDisk(path, { lock: 'shared-read' })
        expect(reader.lockNote).toContain(`qemu-nbd (process ${pid}) has it open for writing`)
        await reader.close()
      })
      const disk = await openFileDisk(path, writable)
      await disk.close()
    })
  })

  it.skipIf(!hasQemuNbd)(
    'an image that qemu-nbd only reads can be read without a word',
    async () => {
      await withTempDir(async (dir) => {
        const path = await image(dir)
        await withNbdServer(dir, path, ['-r'], async (pid) => {
          const reader = await openFileDisk(path, { lock: 'shared-read' })
          expect(reader.lockNote).toBeUndefined()
          await reader.close()
          const refusal = (await failureOf(openFileDisk(path, writable))) as PlatterError
          expect(refusal.code).toBe('IN_USE')
          expect(refusal.message).toContain(
            `qemu-nbd (process ${pid}) uses it and lets nobody else write`,
          )
        })
      })
    },
  )

  it.skipIf(!hasQemuNbd)('a killed qemu-nbd leaves no lock', async () => {
    await withTempDir(async (dir) => {
      const path = await image(dir)
      const socket = join(dir, 'socket')
      const args = ['-t', '-f', 'raw', '-k', socket, path]
      const server = await PeerProcess.start('qemu-nbd', args, () => isLockedByQemuNbd(path))
      expect(hasCode(await failureOf(openFileDisk(path, writable)), 'IN_USE')).toBe(true)
      server.signal('SIGKILL')
      await server.stop()
      await (await openFileDisk(path, writable)).close()
    })
  })
})
