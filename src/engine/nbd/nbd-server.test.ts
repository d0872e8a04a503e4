import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { ExportRegistry } from './export-registry'
import { GatedDisk } from './gated-disk.test-helper'
import { errnoOf, settle, splitReplies } from './raw-peer.test-helper'
import { filled, makeServer, READ, SIZE, serve, WRITE } from './served-raw.test-helper'

describe('the limits of the server', () => {
  it('consume a write that is refused, and stay in step', async () => {
    const { peer, replies } = await serve()
    peer.send(
      bs.request({ command: WRITE, cookie: 1, offset: SIZE, length: 40 << 20 }),
      filled(40 << 20, 1),
      bs.request({ command: READ, cookie: 2, length: 1 }),
    )
    await settle(20)
    expect(replies().map((reply) => [reply.cookie, reply.code])).toEqual([
      [1, 0x8001],
      [2, 1],
    ])
  })

  it('hang up on a write that nobody could take', async () => {
    const { peer, gone } = await serve()
    peer.send(bs.request({ command: WRITE, cookie: 1, length: (64 << 20) + 1 }))
    await settle()
    expect(peer.isClosed).toBe(true)
    expect(gone[0]?.[1]).toMatch(/67108865 bytes/)
  })

  it('keep the number of requests in progress down, and lose none', async () => {
    const disk = new GatedDisk(SIZE)
    disk.isOpen = false
    const { peer, ours, replies } = await serve({ disk, server: { limits: { requests: 4 } } })
    const requests = Array.from({ length: 50 }, (_, i) =>
      bs.request({ command: READ, cookie: i + 1, offset: i, length: 1 }),
    )
    peer.send(bs.script(...requests.slice(0, 30)), ...requests.slice(30))
    await settle()
    expect(disk.inProgress).toBe(4)
    expect(ours.isPaused).toBe(true)
    while (replies().length < 50) {
      disk.release(1)
      await settle(2)
    }
    expect(disk.most).toBe(4)
    expect(new Set(replies().map((reply) => reply.cookie)).size).toBe(50)
    expect(ours.isPaused).toBe(false)
  })

  it('keep the bytes in progress down, but let any one request pass', async () => {
    const disk = new GatedDisk(SIZE)
    disk.isOpen = false
    const { peer, replies } = await serve({ disk, server: { limits: { bytes: 1200 } } })
    for (let i = 1; i <= 4; i++) peer.send(bs.request({ command: READ, cookie: i, length: 600 }))
    await settle()
    expect(disk.inProgress).toBe(2)
    disk.isOpen = true
    disk.release()
    await settle()
    expect(replies().length).toBe(4)
  })

  it('stop reading while replies pile up', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, ours } = await serve({ disk, highWater: 1000 })
    peer.transport.pause()
    for (let i = 1; i <= 100; i++) peer.send(bs.request({ command: READ, cookie: i, length: 600 }))
    await settle()
    expect(ours.isPaused).toBe(true)
    const sent = ours.written.length
    expect(disk.log.length).toBe(64)
    peer.transport.resume()
    await settle(50)
    expect(ours.written.length).toBeGreaterThan(sent)
    expect(splitReplies(peer.received).length).toBe(100)
  })

  it('end a handshake that takes too long', async () => {
    const { clock, connect, server } = makeServer({
      server: { limits: { handshakeTimeoutMs: 500 } },
    })
    const { peer } = connect()
    peer.send(bs.clientFlags())
    await settle()
    clock.advance(499)
    await settle()
    expect(peer.isClosed).toBe(false)
    clock.advance(1)
    await settle()
    expect(peer.isClosed).toBe(true)
    expect(server.clients).toEqual([])
  })

  it('do not end a client that is merely idle', async () => {
    const { clock, peer } = await serve()
    clock.advance(3_600_000)
    await settle()
    expect(peer.isClosed).toBe(false)
  })

  it('turn away one client too many, and take another when one has left', async () => {
    const { connect } = makeServer({ server: { limits: { connections: 2 } } })
    const first = connect().peer
    connect()
    const third = connect().peer
    await settle()
    expect(third.isClosed).toBe(true)
    first.send(bs.script(bs.clientFlags(), bs.option(2)))
    await settle()
    const fourth = connect().peer
    await settle()
    expect(fourth.isClosed).toBe(false)
  })
})

describe('a shutdown', () => {
  it('finishes what is in progress, refuses what comes, flushes, and closes', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, server, replies, connect } = await serve({ disk })
    disk.log.length = 0
    disk.isOpen = false
    peer.send(bs.request({ command: WRITE, cookie: 1, data: filled(2, 1) }))
    await settle()
    let isDown = false
    const down = server.shutdown().then(() => {
      isDown = true
    })
    peer.send(bs.request({ command: READ, cookie: 2, length: 2 }))
    await settle()
    expect(replies().map((reply) => [reply.cookie, errnoOf(reply)])).toEqual([[2, 108]])
    expect(isDown).toBe(false)
    disk.isOpen = true
    disk.release()
    await down
    await settle()
    expect(replies().map((reply) => reply.cookie)).toEqual([2, 1])
    expect(disk.log).toEqual(['write 0+2', 'flush'])
    expect(peer.isClosed).toBe(true)
    const late = connect().peer
    await settle()
    expect(late.isClosed).toBe(true)
  })

  it('closes idle clients and handshakes at once', async () => {
    const { peer, server, connect } = await serve()
    const { peer: shaking } = connect()
    await server.shutdown()
    await settle()
    expect(peer.isClosed).toBe(true)
    expect(shaking.isClosed).toBe(true)
  })

  it('cuts off who does not come to an end', async () => {
    const disk = new GatedDisk(SIZE)
    const { peer, server, clock } = await serve({ disk })
    disk.isOpen = false
    peer.send(bs.request({ command: READ, cookie: 1, length: 2 }))
    await settle()
    const down = server.shutdown(1000)
    clock.advance(999)
    await settle()
    expect(peer.isClosed).toBe(false)
    clock.advance(1)
    await settle()
    expect(peer.isClosed).toBe(true)
    disk.release()
    await down
  })

  it('is over when the last replies are out, or their time is', async () => {
    const { peer, server, clock } = await serve()
    peer.transport.pause()
    peer.send(bs.request({ command: READ, cookie: 1, length: 2 }))
    await settle()
    let isDown = false
    const down = server.shutdown(1000).then(() => {
      isDown = true
    })
    await settle()
    expect([server.clients.length, isDown]).toEqual([0, false])
    clock.advance(1000)
    await down
  })

  it('of one export leaves the clients of others alone', async () => {
    const exports = new ExportRegistry()
    exports.add({ name: 'a', disk: new MemoryDisk(512), readOnly: true })
    exports.add({ name: 'b', disk: new MemoryDisk(512), readOnly: true })
    const { server, connect } = makeServer({ server: { exports } })
    const go = (name: string) =>
      bs.script(bs.clientFlags(), bs.option(7, bs.sized(name), bs.u16(0)))
    const [a, b] = [connect().peer, connect().peer]
    a.send(go('a'))
    b.send(go('b'))
    await settle()
    await server.closeExport('a')
    await settle()
    expect(a.isClosed).toBe(true)
    expect(b.isClosed).toBe(false)
  })
})
