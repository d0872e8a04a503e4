// Starts the server of somebody else on a Unix socket in a fresh directory and hands over what reaches it;
// afterwards closes what was opened and ends the server by its process id.

import { join } from 'node:path'
import { expect } from 'vitest'
import type { Disk } from '../disk/disk'
import { ExtentList } from '../disk/extents'
import type { NbdDisk, OpenNbdOptions } from '../nbd/nbd-disk'
import { openNbdDisk } from '../nbd/nbd-disk'
import type { Transport } from '../nbd/transport'
import { isListening, PeerProcess, withTempDir } from '../testing/peer-process'
import { dialTransport } from './dial-transport'
import { systemClock } from './system-clock'

export interface Reached {
  readonly dir: string
  readonly path: string
  readonly server: PeerProcess
  /** How many connections were made so far. */
  readonly dialled: () => number
  open(exportName?: string, options?: Partial<OpenNbdOptions>): Promise<NbdDisk>
}

export const dialer =
  (path: string) =>
  (signal?: AbortSignal): Promise<Transport> =>
    dialTransport({ kind: 'unix', path }, { timeoutMs: 5000, signal })

export async function withServer(
  command: string,
  args: (dir: string, socket: string) => Promise<readonly string[]> | readonly string[],
  test: (reached: Reached) => Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const path = join(dir, 's')
    const list = await args(dir, path)
    const server = await PeerProcess.start(command, list, () => isListening(path))
    try {
      await withReached({ dir, path, server }, test)
    } finally {
      await server.stop()
    }
  })
}

/** The same for a server that runs already. */
export async function withReached(
  place: Pick<Reached, 'dir' | 'path' | 'server'>,
  test: (reached: Reached) => Promise<void>,
): Promise<void> {
  const disks: Disk[] = []
  let count = 0
  const dial = (signal?: AbortSignal) => {
    count++
    return dialer(place.path)(signal)
  }
  const open: Reached['open'] = async (exportName = '', options = {}) => {
    const disk = await openNbdDisk({ dial, exportName, clock: systemClock, ...options })
    disks.push(disk)
    return disk
  }
  try {
    await test({ ...place, dialled: () => count, open })
  } finally {
    for (const disk of disks) await disk.close()
  }
}

export const withNbdkit = (
  args: readonly string[],
  test: (reached: Reached) => Promise<void>,
): Promise<void> => withServer('nbdkit', (_, socket) => ['-f', '-U', socket, ...args], test)

/** All extents of a disk, asked for as often as it takes. */
export async function allExtents(disk: Disk): Promise<ExtentList> {
  const all = new ExtentList(0)
  while (all.end < disk.size) {
    const before = all.end
    all.appendList(await disk.extents(all.end, disk.size - all.end))
    expect(all.end).toBeGreaterThan(before)
  }
  return all
}

/** Length and flags of each extent. */
export const lengthsAndFlags = (list: ExtentList): number[][] =>
  list.toArray().map(({ length, flags }) => [length, flags])
