// A session on an NBD server that goes away and comes back, and what the command line says of servers,
// held against nbdinfo.

import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SessionInfo } from '../bridge/model'
import { dialTransport } from '../engine/io/dial-transport'
import { PeerProcess, requirePeer, runPeer, withTempDir } from '../engine/testing/peer-process'
import { mapImage, mapText } from './image-map'
import { reportExports, reportImage } from './image-report'
import { Workspace } from './workspace'

/** Waits until somebody accepts connections: a socket's file is there a moment before. */
const start = (command: string, args: readonly string[], socket: string) =>
  PeerProcess.start(command, args, async () => {
    if (!existsSync(socket)) return false
    const address = { kind: 'unix', path: socket } as const
    return dialTransport(address, { timeoutMs: 1000 }).then(
      (transport) => {
        transport.destroy()
        return true
      },
      () => false,
    )
  })

const startPattern = (socket: string, size: string) =>
  start('nbdkit', ['-f', '-U', socket, 'pattern', size], socket)

/** The next state of the session that passes. */
function nextState(workspace: Workspace, passes: (info: SessionInfo) => boolean) {
  return new Promise<SessionInfo>((resolve) => {
    const stop = workspace.hub.subscribe((name, data) => {
      if (name !== 'session.changed' || !passes(data as SessionInfo)) return
      stop()
      resolve(data as SessionInfo)
    })
  })
}

async function withSession(
  test: (
    workspace: Workspace,
    id: string,
    socket: string,
    end: () => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const socket = join(dir, 's')
    const server = await startPattern(socket, '1M')
    const workspace = await Workspace.create({ version: 'test', configDir: dir })
    try {
      const { id } = await workspace.open(`nbd+unix:///?socket=${socket}`)
      await test(workspace, id, socket, async () => {
        await server.stop()
        await rm(socket, { force: true })
      })
      await workspace.closeSession(id, true)
    } finally {
      await server.stop()
    }
  })
}

const readAt = async (workspace: Workspace, id: string, offset: number) => {
  const bytes = Buffer.alloc(8)
  await workspace.session(id).overlay.read(bytes, offset)
  return Number(bytes.readBigUInt64BE())
}

describe.skipIf(!requirePeer('nbdkit'))('a session whose server restarts', () => {
  it('is in trouble, then comes back by itself', () =>
    withSession(async (workspace, id, socket, end) => {
      expect(await readAt(workspace, id, 4096)).toBe(4096)
      const lost = nextState(workspace, (info) => info.trouble !== undefined)
      await end()
      expect((await lost).trouble?.code).toBe('DISCONNECTED')
      const reading = readAt(workspace, id, 8192)
      const back = nextState(workspace, (info) => info.trouble === undefined)
      const again = await startPattern(socket, '1M')
      try {
        expect(await reading).toBe(8192)
        await back
        expect(workspace.session(id).info().trouble).toBeUndefined()
      } finally {
        await again.stop()
      }
    }))

  it('does not take another disk for its own', () =>
    withSession(async (workspace, id, socket, end) => {
      await end()
      const changed = nextState(workspace, (info) => info.trouble?.code === 'SIZE_CHANGED')
      const again = await startPattern(socket, '2M')
      try {
        expect((await changed).trouble?.message).toMatch(/2097152.*1048576/)
        await expect(readAt(workspace, id, 0)).rejects.toMatchObject({ code: 'SIZE_CHANGED' })
      } finally {
        await again.stop()
      }
    }))
})

const isComplete = requirePeer('qemu-nbd') && requirePeer('qemu-img') && requirePeer('nbdinfo')

describe.skipIf(!isComplete)('what is said of a server of qemu', () => {
  const withBitmap = (test: (uri: string) => Promise<void>) =>
    withTempDir(async (dir) => {
      const [image, socket] = [join(dir, 'b.qcow2'), join(dir, 's')]
      const run = async (command: string, ...args: readonly string[]) => {
        const { status, stderr } = await runPeer(command, args)
        expect(status, stderr).toBe(0)
      }
      await run('qemu-img', 'create', '-q', '-f', 'qcow2', image, '4M')
      await run('qemu-img', 'bitmap', '--add', '-g', '65536', image, 'b0')
      await run('qemu-io', '-f', 'qcow2', '-c', 'write 1M 100k', image)
      const args = [
        '-t',
        '-e',
        '8',
        '-r',
        '-f',
        'qcow2',
        '-B',
        'b0',
        '-A',
        '-x',
        'disk',
        '-D',
        'text',
      ]
      const server = await start('qemu-nbd', [...args, '-k', socket, image], socket)
      try {
        await test(`nbd+unix:///disk?socket=${socket}`)
      } finally {
        await server.stop()
      }
    })

  it.each(['base:allocation', 'qemu:dirty-bitmap:b0', 'qemu:allocation-depth'])(
    'the map of %s is what nbdinfo prints, as text and as JSON',
    (context) =>
      withBitmap(async (uri) => {
        const extents = await mapImage(uri, { context })
        for (const json of [false, true]) {
          for (const totals of [false, true]) {
            const flags = [...(json ? ['--json'] : []), ...(totals ? ['--totals'] : [])]
            const { stdout } = await runPeer('nbdinfo', [...flags, `--map=${context}`, uri])
            expect(mapText(extents, { json, totals, context })).toBe(stdout)
          }
        }
      }),
  )

  it('names the contexts that there are when asked for another', () =>
    withBitmap(async (uri) => {
      const mapping = mapImage(uri, { context: 'qemu:dirty-bitmap:none' })
      await expect(mapping).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
      await expect(mapping).rejects.toThrow(/qemu:dirty-bitmap:b0/)
    }))

  it('has every key of nbdinfo with its value, for one export and for all', () =>
    withBitmap(async (uri) => {
      const told = async (...args: readonly string[]) => {
        const { stdout } = await runPeer('nbdinfo', ['--json', ...args, uri])
        return JSON.parse(stdout) as { exports: Record<string, unknown>[] }
      }
      const { exports: theirs, ...server } = await told()
      const report = await reportImage(uri)
      expect(report).toMatchObject(server)
      const { content: _, ...comparable } = theirs[0] as Record<string, unknown>
      expect(report.exports?.[0]).toMatchObject(comparable)
      const listed = await told('--list')
      expect(await reportExports(uri)).toMatchObject(listed)
    }))
})
