// Our server on real sockets under clients that take their time, take nothing, or say what fuzzers say.
// Whatever they do, somebody else is served meanwhile.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from '../nbd/byte-script.test-helper'
import { CLIENT_SCRIPTS, EVERY_COMMAND, EVERY_OPTION } from '../nbd/client-scripts.test-helper'
import { ExportRegistry } from '../nbd/export-registry'
import type { ServerLimits } from '../nbd/limits'
import { NbdServer } from '../nbd/nbd-server'
import { withTempDir } from '../testing/peer-process'
import { listenTransport } from './listen-transport'
import { RawClient } from './raw-client.test-helper'
import { systemClock } from './system-clock'

const MiB = 1 << 20
const SIZE = 8 * MiB
const HELLO = bs.script(bs.clientFlags(), bs.option(7, bs.sized('d'), bs.u16(0)))
/** The greeting, NBD_INFO_BLOCK_SIZE, NBD_INFO_EXPORT, NBD_REP_ACK. */
const WELCOME = 18 + 34 + 32 + 20

interface Served {
  readonly path: string
  readonly server: NbdServer
  readonly disk: MemoryDisk
  /** One request of another client, answered. */
  othersAreServed(): Promise<void>
}

async function withServer(
  test: (served: Served) => Promise<void>,
  limits: Partial<ServerLimits> = {},
): Promise<void> {
  await withTempDir(async (dir) => {
    const exports = new ExportRegistry()
    const disk = new MemoryDisk(SIZE)
    const contexts = [{ name: 'x-other:all', extents: disk.extents.bind(disk) }]
    exports.add({ name: 'd', disk, readOnly: false, contexts })
    const server = new NbdServer({ exports, clock: systemClock, limits })
    const path = join(dir, 's')
    const listener = await listenTransport({ kind: 'unix', path }, (each) => server.accept(each))
    const other = await RawClient.open(path)
    other.send(HELLO)
    expect(await other.gets(WELCOME)).toBe(true)
    const othersAreServed = async () => {
      const before = other.length
      other.send(bs.request({ command: 0, cookie: 5, offset: SIZE - 3, length: 3 }))
      expect(await other.gets(before + 19)).toBe(true)
      expect(other.received.subarray(before)).toEqual(
        Buffer.from(bs.simpleReply(5, 0, new Uint8Array(3))),
      )
    }
    try {
      await test({ path, server, disk, othersAreServed })
      await othersAreServed()
    } finally {
      other.socket.destroy()
      await listener.close()
      await server.shutdown(1000)
    }
  })
}

const SLOW = { handshakeTimeoutMs: 300 }

describe('our server under a client that is slow', () => {
  it('cuts one that stalls in the handshake, wherever it does', () =>
    withServer(async ({ path, othersAreServed }) => {
      const words = bs.script(
        bs.clientFlags(),
        bs.option(3),
        bs.option(7, bs.sized('d'), bs.u16(0)),
      )
      const stalls = [0, 1, 3, 4, 12, 20, 35, words.length - 1]
      const begun = performance.now()
      const clients = await Promise.all(stalls.map(() => RawClient.open(path)))
      for (const [i, client] of clients.entries()) client.send(words.subarray(0, stalls[i]))
      await othersAreServed()
      await Promise.all(clients.map((client) => client.closed))
      const took = performance.now() - begun
      expect(took).toBeGreaterThan(SLOW.handshakeTimeoutMs * 0.9)
      expect(took).toBeLessThan(10_000)
    }, SLOW))

  it('cuts one that is never done with it, byte by byte', () =>
    withServer(async ({ path, othersAreServed }) => {
      const client = await RawClient.open(path)
      const endless = bs.script(
        bs.clientFlags(),
        ...Array.from({ length: 2000 }, () => bs.option(3)),
      )
      let at = 0
      const drip = setInterval(() => client.send(endless.subarray(at, ++at)), 5)
      try {
        await othersAreServed()
        await client.closed
      } finally {
        clearInterval(drip)
        client.socket.destroy()
      }
      // It had got on: the time of the whole handshake was up, not that of a byte.
      expect(at).toBeGreaterThan(4)
      expect(at).toBeLessThan(endless.length)
      expect(client.length).toBeGreaterThanOrEqual(18)
    }, SLOW))

  it('serves one whose requests come byte by byte', () =>
    withServer(async ({ path }) => {
      const client = await RawClient.open(path)
      const words = bs.script(
        HELLO,
        bs.request({ command: 1, cookie: 1, offset: 7, data: bs.script('0b0c') }),
      )
      client.socket.setNoDelay(true)
      for (const byte of words) {
        client.send(Uint8Array.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      client.send(bs.request({ command: 0, cookie: 2, offset: 6, length: 4 }))
      expect(await client.gets(WELCOME + 16 + 20)).toBe(true)
      expect(client.received.subarray(-4).toString('hex')).toBe('000b0c00')
      client.socket.destroy()
    }, SLOW))
})

describe('our server under a client that reads no answers', () => {
  it('keeps them for it, stops listening to it, and goes on when it reads', () =>
    withServer(async ({ path, disk, othersAreServed }) => {
      await disk.write(new Uint8Array(SIZE).fill(0x5a), 0)
      await disk.write(new Uint8Array(3), SIZE - 3)
      const client = await RawClient.open(path)
      client.send(HELLO)
      expect(await client.gets(WELCOME)).toBe(true)
      client.socket.pause()
      const count = 100
      for (let i = 0; i < count; i++) {
        client.send(bs.request({ command: 0, cookie: i, offset: i, length: MiB }))
      }
      for (let i = 0; i < 20; i++) await othersAreServed()
      client.socket.resume()
      expect(await client.gets(WELCOME + count * (16 + MiB))).toBe(true)
      const { received } = client
      for (let i = 0, at = WELCOME; i < count; i++, at += 16 + MiB) {
        expect(received.readUInt32BE(at)).toBe(0x67446698)
        expect(received.subarray(at + 16, at + 16 + MiB).every((byte) => byte === 0x5a)).toBe(true)
      }
      client.socket.destroy()
    }))
})

describe('our server under what fuzzers begin with', () => {
  const scripts = {
    ...CLIENT_SCRIPTS,
    'every option and command': bs.script(bs.clientFlags(), EVERY_OPTION, EVERY_COMMAND),
  }
  /** How much there is to say to those whose answers are of one length. */
  const ANSWERS: Readonly<Record<string, number>> = {
    'client flags': 18,
    'a name': 18 + 10,
    'a name and a read': 18 + 10 + 16 + 512,
    'a name and four reads': 18 + 134 + 4 * (16 + 512),
    go: WELCOME,
    'go and a read': WELCOME + 16 + 512,
    'go and four reads': WELCOME + 20 + 4 * (28 + 512),
    'go and writes': WELCOME + 5 * 16,
  }

  it.each(Object.entries(scripts))('%s, whole, and half of the connection closed', (name, bytes) =>
    withServer(async ({ path, server }) => {
      const client = await RawClient.open(path)
      client.socket.end(bytes)
      await client.closed
      if (ANSWERS[name] !== undefined) expect(client.length).toBe(ANSWERS[name])
      expect(client.length).toBeGreaterThanOrEqual(18)
      expect(server.clients.length).toBe(1)
    }),
  )
})
