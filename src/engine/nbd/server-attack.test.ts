// Clients that want the server's memory, or its process, by what they announce and what they do not read.

import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import type { CallOptions } from '../disk/disk'
import { ExtentList } from '../disk/extents'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { ExportRegistry } from './export-registry'
import { GatedDisk } from './gated-disk.test-helper'
import { settle } from './raw-peer.test-helper'
import type { RequestHeader } from './request-parser'
import { RequestParser } from './request-parser'
import {
  DISC,
  filled,
  makeServer,
  READ,
  SIZE,
  STATUS,
  serve,
  WRITE,
} from './served-raw.test-helper'
import type { ServerTls } from './session-greeting'
import { PairedTransport } from './transport-pair.test-helper'

const MiB = 1 << 20
const PAYLOAD_LEN = 32
const EXTENDED = bs.script(
  bs.clientFlags(),
  bs.option(11),
  bs.option(10, bs.sized('d'), bs.u32(1), bs.sized('base:allocation')),
  bs.option(7, bs.sized('d'), bs.u16(0)),
)

describe('a payload that nobody could keep', () => {
  it.each<[string, number, number | bigint]>([
    ['behind a goodbye', DISC, 2 ** 50],
    ['behind a goodbye, as long as there is', DISC, 2n ** 64n - 1n],
    ['of a write', WRITE, 2 ** 50],
    ['of a status', STATUS, 2 ** 40],
    ['of a command that is not known', 99, 2 ** 33],
  ])('is never given memory: %s', async (_, command, length) => {
    const { connect, gone } = makeServer()
    const [peer, other] = [connect().peer, connect().peer]
    for (const each of [peer, other]) each.send(EXTENDED)
    await settle()
    peer.send(bs.extendedRequest({ command, flags: PAYLOAD_LEN, length }))
    await settle()
    expect([peer.isClosed, other.isClosed]).toEqual([true, false])
    expect(gone.map(([id]) => id)).toEqual([1])
  })

  it('is not allocated even for an owner who would take anything', () => {
    const asked: number[] = []
    const parser = new RequestParser(
      {
        judge: () => undefined,
        mayTake: () => true,
        admit: () => true,
        allocate: (length) => {
          asked.push(length)
          return new Uint8Array(0)
        },
        onRequest: (_: RequestHeader) => undefined,
      },
      true,
    )
    const write = bs.extendedRequest({ command: WRITE, flags: PAYLOAD_LEN, length: 2 ** 40 })
    expect(() => parser.receive(write)).toThrow(PlatterError)
    expect(asked).toEqual([])
  })
})

describe('answers that are not read', () => {
  it('in the handshake end it before they fill the memory', async () => {
    const exports = new ExportRegistry()
    const disk = new MemoryDisk(512)
    for (let i = 0; i < 100; i++) {
      exports.add({ name: `${i}`.padEnd(4000, 'x'), disk, readOnly: true })
    }
    const { connect, server } = makeServer({ server: { exports } })
    const { peer, ours } = connect()
    peer.transport.pause()
    const lists = Array.from({ length: 3000 }, () => bs.option(3))
    peer.send(bs.script(bs.clientFlags(), ...lists))
    await settle()
    expect(ours.isClosed).toBe(true)
    expect(ours.written.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(2 * MiB)
    await server.shutdown()
  })

  it('in the handshake may be long for who reads them', async () => {
    const exports = new ExportRegistry()
    const disk = new MemoryDisk(512)
    for (let i = 0; i < 300; i++) {
      exports.add({ name: `${i}`.padEnd(4000, 'x'), disk, readOnly: true })
    }
    const { connect } = makeServer({ server: { exports } })
    const { peer } = connect()
    peer.send(bs.clientFlags())
    for (let i = 0; i < 3; i++) {
      peer.clear()
      peer.send(bs.option(3))
      await settle()
      expect(peer.hex.endsWith(Buffer.from(bs.ack(3)).toString('hex'))).toBe(true)
      expect(peer.received.length).toBeGreaterThan(1.1 * MiB)
    }
  })

  it('about a disk in fragments count as memory, however short the questions', async () => {
    const pieces = 1 << 16
    const disk = new MemoryDisk(512 * pieces)
    let asked = 0
    Object.assign(disk, {
      extents: async (offset: number, length: number) => {
        asked++
        const list = new ExtentList(offset)
        for (let at = 0; at < length; at += 512) list.append(512, (at / 512) % 2)
        return list
      },
    })
    const { peer, replies } = await serve({ disk, server: { limits: { bytes: 4 * MiB } } })
    peer.transport.pause()
    for (let i = 1; i <= 32; i++) {
      peer.send(bs.request({ command: STATUS, cookie: i, length: disk.size }))
    }
    await settle(20)
    expect(asked).toBe(4)
    peer.transport.resume()
    await settle(200)
    expect(asked).toBe(32)
    expect(replies().length).toBe(32)
  })
})

describe('clients that leave while a disk works for them', () => {
  /** A disk that does not hear that nobody waits any more. */
  class DeafDisk extends GatedDisk {
    override read(target: Uint8Array, offset: number, _: CallOptions = {}): Promise<void> {
      return super.read(target, offset)
    }
  }

  it('do not leave their memory to the next ones before the disk is done', async () => {
    const disk = new DeafDisk(SIZE)
    disk.isOpen = false
    const { connect } = makeServer({ disk, server: { limits: { totalBytes: 1000 } } })
    const hello = bs.script(bs.clientFlags(), bs.option(7, bs.sized('d'), bs.u16(0)))
    for (let i = 0; i < 5; i++) {
      const { peer } = connect()
      peer.send(hello, bs.request({ command: READ, length: 400 }))
      await settle()
      peer.transport.destroy()
      await settle()
    }
    expect(disk.inProgress).toBe(2)
    const { peer } = connect()
    peer.send(hello)
    await settle()
    peer.clear()
    peer.send(bs.request({ command: READ, length: 400 }))
    await settle()
    expect(peer.received.length).toBe(0)
    disk.isOpen = true
    disk.release()
    await settle(8)
    expect(peer.received.length).toBe(416)
    expect(disk.most).toBe(2)
  })

  it('are not called stalled when they are gone', async () => {
    const disk = new DeafDisk(SIZE)
    disk.isOpen = false
    const { connect, clock, gone } = makeServer({ disk, server: { limits: { totalBytes: 100 } } })
    const hello = bs.script(bs.clientFlags(), bs.option(7, bs.sized('d'), bs.u16(0)))
    const [first, second] = [connect().peer, connect().peer]
    for (const peer of [first, second]) {
      peer.send(hello, bs.request({ command: READ, length: 100 }))
      await settle()
    }
    first.transport.destroy()
    await settle()
    clock.advance(60_000)
    disk.isOpen = true
    disk.release()
    await settle()
    expect(gone).toEqual([[1, undefined]])
    expect(second.isClosed).toBe(false)
  })
})

describe('a shutdown in the middle of STARTTLS', () => {
  const starting = () => {
    const held: { resolve: (t: PairedTransport) => void; signal: AbortSignal }[] = []
    const tls: ServerTls = {
      mode: 'required',
      secure: (_, signal) =>
        new Promise((resolve, reject) => {
          held.push({ resolve, signal })
          signal.addEventListener('abort', () => {
            if (obeys) reject(new PlatterError('ABORTED', 'gone'))
          })
        }),
    }
    let obeys = true
    const made = makeServer({ server: { tls } })
    const { peer } = made.connect()
    peer.send(bs.script(bs.clientFlags(), bs.option(5)))
    return {
      ...made,
      peer,
      held,
      disobey: () => {
        obeys = false
      },
    }
  }

  it('does not wait for it', async () => {
    const { server, held, peer } = starting()
    // What it is told stays unread, so nothing but the shutdown itself can end it.
    peer.transport.pause()
    await settle()
    const down = server.shutdown()
    await settle()
    expect(held[0]?.signal.aborted).toBe(true)
    await down
  })

  it('closes a connection that comes out of it late, once, and serves nothing on it', async () => {
    const { server, held, disobey, gone } = starting()
    disobey()
    await settle()
    let isDown = false
    const down = server.shutdown().then(() => {
      isDown = true
    })
    await settle()
    const [ours, theirs] = PairedTransport.pair()
    theirs.write(bs.script(bs.option(7, bs.sized('d'), bs.u16(0))))
    held[0]?.resolve(ours)
    await settle()
    await down
    expect(isDown).toBe(true)
    expect(ours.isClosed).toBe(true)
    expect(ours.written).toEqual([])
    expect(gone).toEqual([])
    expect(server.clients).toEqual([])
  })
})

describe('a write', () => {
  it('of which the last byte never comes is not carried out, and told to nobody', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, server } = await serve({ disk })
    disk.log.length = 0
    const write = bs.request({ command: WRITE, cookie: 1, data: filled(100, 1) })
    peer.send(write.slice(0, -1))
    await settle()
    await server.shutdown()
    expect(disk.log).toEqual([])
    expect(peer.received.length).toBe(0)
  })
})
