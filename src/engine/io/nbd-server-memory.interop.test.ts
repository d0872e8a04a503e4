// The memory of a server that 64 clients want all of: measured by the kernel in a process of its own.

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as bs from '../nbd/byte-script.test-helper'
import { isListening, PeerProcess, runPeer, withTempDir } from '../testing/peer-process'
import { RawClient } from './raw-client.test-helper'

const MiB = 1 << 20
const LARGEST = 32 * MiB
/** What the product allows at the same time, one less: the last one asks for a little. */
const HOGS = 63
/**
 * All payloads together may be 256 MiB. About as much again waits for the collector when clients are cut
 * off in waves; the rest is the process. What they ask for together is 2 GiB.
 */
const MOST_MIB = 768

const ROOT = join(import.meta.dirname, '..', '..', '..')
const GREETING = 18
const HELLO = bs.script(bs.clientFlags(), bs.option(7, bs.sized(''), bs.u16(0)))
/** NBD_INFO_BLOCK_SIZE, NBD_INFO_EXPORT, NBD_REP_ACK. */
const WELCOME = GREETING + 34 + 32 + 20

async function withLoneServer(
  test: (path: string, peakMiB: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const bundle = join(ROOT, 'node_modules', `.lone-server-${process.pid}.mjs`)
  const rolldown = join(ROOT, 'node_modules', 'rolldown', 'bin', 'cli.mjs')
  const entry = join(import.meta.dirname, 'lone-server.test-helper.ts')
  const args = [rolldown, entry, '-o', bundle, '-f', 'esm', '-p', 'node', '--external', 'koffi']
  const built = await runPeer(process.execPath, args, { cwd: ROOT, timeoutMs: 50_000 })
  expect(`${built.status} ${built.status === 0 ? '' : built.stderr}`).toBe('0 ')
  try {
    await withTempDir(async (dir) => {
      const path = join(dir, 's')
      const peer = await PeerProcess.start(process.execPath, [bundle, path], () =>
        isListening(path),
      )
      const peakMiB = async () => {
        const status = await readFile(`/proc/${peer.pid}/status`, 'utf8')
        return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
      }
      try {
        await test(path, peakMiB)
      } finally {
        await peer.stop()
      }
    })
  } finally {
    await rm(bundle, { force: true })
  }
}

async function greeted(path: string): Promise<RawClient> {
  const client = await RawClient.open(path)
  client.send(HELLO)
  expect(await client.gets(WELCOME)).toBe(true)
  return client
}

/**
 * Once all hogs have had the memory, in turn, and were cut off for keeping it, somebody who came last
 * is served.
 */
async function holdTo(path: string, hog: (client: RawClient) => void): Promise<void> {
  const hogs = await Promise.all(Array.from({ length: HOGS }, () => greeted(path)))
  const probe = await greeted(path)
  for (const client of hogs) hog(client)
  probe.send(bs.request({ command: 0, cookie: 1, length: LARGEST }))
  expect(await probe.gets(WELCOME + 16 + LARGEST)).toBe(true)
  for (const client of hogs) client.socket.destroy()
  probe.socket.destroy()
}

describe.runIf(process.platform === 'linux')('the memory of a server', () => {
  it('stays bounded when nobody takes the largest of replies', () =>
    withLoneServer(async (path, peakMiB) => {
      const before = await peakMiB()
      const read = bs.script(
        bs.request({ command: 0, cookie: 1, length: LARGEST }),
        bs.request({ command: 0, cookie: 2, length: LARGEST }),
      )
      await holdTo(path, (client) => {
        client.socket.pause()
        client.send(read)
      })
      const peak = await peakMiB()
      expect(peak).toBeGreaterThan(before + 3 * 32)
      expect(peak).toBeLessThan(MOST_MIB)
    }))

  it('stays bounded when nobody sends the last byte of the largest of writes', () =>
    withLoneServer(async (path, peakMiB) => {
      const before = await peakMiB()
      const allButOne = new Uint8Array(LARGEST - 1)
      await holdTo(path, (client) => {
        client.send(bs.request({ command: 1, cookie: 1, length: LARGEST }))
        client.send(allButOne)
      })
      const peak = await peakMiB()
      expect(peak).toBeGreaterThan(before + 3 * 32)
      expect(peak).toBeLessThan(MOST_MIB)
    }))
})
