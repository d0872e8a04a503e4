// Connections that are lost and come back. The server is played by the test, which sees each dial as a
// new peer; time moves when the test moves it.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '../base/clock'
import { PlatterError } from '../base/errors'
import { expectCode } from '../testing/expect-disk'
import * as bs from './byte-script.test-helper'
import type { OpenNbdOptions } from './nbd-disk'
import { openNbdDisk } from './nbd-disk'
import { RawPeer, settle } from './raw-peer.test-helper'
import { DEFAULT_RECONNECT } from './reconnect'
import { PairedTransport } from './transport-pair.test-helper'

const SIZE = 1 << 20
const [HAS_FLAGS, FLUSH_FUA, MULTI] = [1, 4 | 8, 256]
const FLAGS = HAS_FLAGS | FLUSH_FUA

const handshake = (size: number, flags: number) =>
  bs.script(bs.greeting(), bs.structuredOnly, bs.ack(10), bs.infoExport(7, size, flags), bs.ack(7))
const done = (cookie: number) => bs.chunk(cookie, 0, true)
const data = (cookie: number, offset: number, byte: string) =>
  bs.chunk(cookie, 1, true, bs.u64(offset), byte)

interface Played {
  readonly size?: number
  readonly flags?: number
  /** Takes the connection and says nothing. */
  readonly silent?: boolean
}

class Stage {
  readonly clock = new ManualClock()
  readonly peers: RawPeer[] = []
  readonly trouble: (string | undefined)[] = []
  /** What the next servers say in the handshake; `undefined`: nothing listens. */
  plays: Played | undefined = {}
  dials = 0

  async open(options: Partial<OpenNbdOptions> = {}) {
    const disk = await openNbdDisk({
      dial: async () => this.#dial(),
      exportName: 'd',
      clock: this.clock,
      reconnect: DEFAULT_RECONNECT,
      onTrouble: (error) => this.trouble.push(error?.code),
      ...options,
    })
    for (const peer of this.peers) peer.clear()
    return disk
  }

  #dial(): PairedTransport {
    this.dials++
    if (this.plays === undefined) throw new PlatterError('NO_SERVER', 'nothing listens there')
    const [ours, theirs] = PairedTransport.pair()
    const peer = new RawPeer(theirs)
    if (this.plays.silent !== true)
      peer.send(handshake(this.plays.size ?? SIZE, this.plays.flags ?? FLAGS))
    this.peers.push(peer)
    return ours
  }

  peer(at: number): RawPeer {
    const peer = this.peers.at(at)
    if (peer === undefined) throw new RangeError(`there is no connection ${at}`)
    return peer
  }

  /** The last requests that a peer got, by command; what the handshake says is passed over. */
  commandsOf(at: number): number[] {
    const bytes = Buffer.from(this.peer(at).received)
    const commands: number[] = []
    for (let i = Math.max(0, bytes.indexOf('25609513', 'hex')); i + 28 <= bytes.length; ) {
      if (bytes.readUInt32BE(i) !== 0x25609513) break
      const command = bytes.readUInt16BE(i + 6)
      commands.push(command)
      i += 28 + (command === 1 ? bytes.readUInt32BE(i + 24) : 0)
    }
    return commands
  }
}

const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => error as PlatterError,
  )

describe('a connection that is lost', () => {
  it('comes back, and a read is asked again', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const bytes = new Uint8Array(1)
    const reading = disk.read(bytes, 7)
    await settle()
    stage.peer(0).transport.destroy()
    await settle(8)
    expect(stage.trouble).toEqual(['DISCONNECTED', undefined])
    expect(stage.commandsOf(1)).toEqual([0])
    stage.peer(1).send(data(1, 7, 'ab'))
    await reading
    expect(bytes[0]).toBe(0xab)
    await disk.close()
  })

  it('fails a write that was sent: the server may still carry it out', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const writing = disk.write(Uint8Array.of(1), 0)
    const zeroing = expectCode(disk.write(Uint8Array.of(2), 9, { fua: true }), 'DISCONNECTED')
    await settle()
    stage.peer(0).transport.destroy()
    await expectCode(writing, 'DISCONNECTED')
    await expect(writing).rejects.toThrow(/whether it was carried out is not known/)
    await zeroing
    await settle(8)
    expect(stage.commandsOf(1)).toEqual([])
    await disk.close()
  })

  it('sends a write that had not left', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    stage.plays = undefined
    stage.peer(0).transport.destroy()
    await settle(8)
    const writing = outcomeOf(disk.write(Uint8Array.of(1), 0))
    stage.plays = {}
    stage.clock.advance(DEFAULT_RECONNECT.firstDelayMs)
    await settle(8)
    expect(stage.commandsOf(1)).toEqual([1])
    stage.peer(1).send(done(1))
    expect(await writing).toBe('done')
    await disk.close()
  })

  it('repeats what a server that shuts down has refused', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const writing = outcomeOf(disk.write(Uint8Array.of(1), 0))
    await settle()
    stage.peer(0).send(bs.errorChunk(1, 108))
    await settle(8)
    expect(stage.commandsOf(1)).toEqual([1])
    stage.peer(1).send(done(1))
    expect(await writing).toBe('done')
    await disk.close()
  })

  it('fails the next flush, once, when acknowledged changes were not flushed', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const writing = disk.write(Uint8Array.of(1), 0)
    await settle()
    stage.peer(0).send(done(1))
    await writing
    stage.peer(0).transport.destroy()
    await settle(8)
    const flushing = disk.flush()
    await expectCode(flushing, 'DISCONNECTED')
    await expect(flushing).rejects.toMatchObject({ data: { lost: 1 } })
    expect(stage.commandsOf(1)).toEqual([])
    const again = disk.flush()
    await settle()
    stage.peer(1).send(done(1))
    await again
    await disk.close()
  })

  it('fails a flush that was under way over acknowledged changes', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const writing = disk.write(Uint8Array.of(1), 0)
    await settle()
    stage.peer(0).send(done(1))
    await writing
    const flushing = outcomeOf(disk.flush())
    await settle()
    stage.peer(0).transport.destroy()
    await settle(8)
    expect(await flushing).toMatchObject({ code: 'DISCONNECTED', data: { lost: 1 } })
    await disk.close()
  })

  it('repeats a flush that had nothing to lose', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const stable = disk.write(Uint8Array.of(1), 0, { fua: true })
    const writing = disk.write(Uint8Array.of(2), 1)
    await settle()
    stage.peer(0).send(done(1), done(2))
    await Promise.all([stable, writing])
    const first = disk.flush()
    await settle()
    stage.peer(0).send(done(3))
    await first
    const flushing = outcomeOf(disk.flush())
    await settle()
    stage.peer(0).transport.destroy()
    await settle(8)
    expect(stage.commandsOf(1)).toEqual([3])
    stage.peer(1).send(done(1))
    expect(await flushing).toBe('done')
    await disk.close()
  })

  it.each<[string, Played, string]>([
    ['another size', { size: SIZE + 512 }, 'SIZE_CHANGED'],
    ['other flags', { flags: FLAGS | 2 }, 'TARGET_CHANGED'],
  ])('is not taken back with %s', async (_, play, code) => {
    const stage = new Stage()
    const disk = await stage.open()
    const closed: (string | undefined)[] = []
    disk.onClosed = (error) => closed.push(error?.code)
    const reading = outcomeOf(disk.read(new Uint8Array(1), 0))
    await settle()
    stage.plays = play
    stage.peer(0).transport.destroy()
    await settle(8)
    await expectCode(disk.read(new Uint8Array(1), 0), code as never)
    expect(await reading).toMatchObject({ code: expect.stringMatching(/CHANGED/) })
    expect(closed).toEqual([code])
    expect(stage.dials).toBe(2)
    await disk.close()
  })

  it('is not looked for again after the server broke the protocol', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const reading = disk.read(new Uint8Array(1), 0)
    await settle()
    stage.peer(0).send(bs.script(bs.text('what is this, then')))
    await expectCode(reading, 'PROTOCOL')
    await settle()
    await expectCode(disk.read(new Uint8Array(1), 0), 'PROTOCOL')
    expect(stage.dials).toBe(1)
    await disk.close()
  })

  it('is given up when the time for it is over, and tried again once when asked', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const reading = outcomeOf(disk.read(new Uint8Array(1), 0))
    await settle()
    stage.plays = undefined
    stage.peer(0).transport.destroy()
    for (let i = 0; i < 300; i++) {
      await settle()
      stage.clock.advance(100)
    }
    const error = (await reading) as PlatterError
    expect(error.code).toBe('DISCONNECTED')
    expect(error.message).toMatch(/within 30000 ms \(11 attempts\): nothing listens/)
    expect(error.data).toMatchObject({ waitedMs: 30_000, attempts: 11 })
    expect(stage.dials).toBe(12)
    expect(stage.trouble.at(-1)).toBe('DISCONNECTED')

    await expectCode(disk.read(new Uint8Array(1), 0), 'DISCONNECTED')
    expect(stage.dials).toBe(12)
    stage.clock.advance(DEFAULT_RECONNECT.longestDelayMs)
    await expectCode(disk.read(new Uint8Array(1), 0), 'DISCONNECTED')
    expect(stage.dials).toBe(13)

    stage.plays = {}
    stage.clock.advance(DEFAULT_RECONNECT.longestDelayMs)
    const late = outcomeOf(disk.read(new Uint8Array(1), 3))
    await settle(8)
    stage.peer(1).send(data(1, 3, '03'))
    expect(await late).toBe('done')
    expect(stage.trouble.at(-1)).toBeUndefined()
    await disk.close()
  })

  it('comes back by itself while nobody asks for anything', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    stage.plays = undefined
    stage.peer(0).transport.destroy()
    await settle(8)
    expect(stage.trouble).toEqual(['DISCONNECTED'])
    stage.plays = {}
    stage.clock.advance(DEFAULT_RECONNECT.firstDelayMs)
    await settle(8)
    expect(stage.trouble).toEqual(['DISCONNECTED', undefined])
    expect(stage.dials).toBe(3)
    await disk.close()
  })

  it('tells that it is lost, idle too, when a server takes connections and says nothing', async () => {
    const stage = new Stage()
    const told: PlatterError[] = []
    const disk = await stage.open({
      reconnect: { ...DEFAULT_RECONNECT, limitMs: 12_000 },
      onTrouble: (error) => error !== undefined && told.push(error),
    })
    stage.plays = { silent: true }
    stage.peer(0).transport.destroy()
    for (let i = 0; i < 119; i++) {
      await settle()
      stage.clock.advance(100)
    }
    await settle()
    expect(told).toHaveLength(1)
    stage.clock.advance(100)
    await settle(8)
    expect(told).toHaveLength(2)
    expect(told[1]?.message).toMatch(/within 12000 ms \(2 attempts\)/)
    expect(stage.peers.every((peer) => peer.isClosed)).toBe(true)
    const { dials } = stage
    stage.clock.advance(100_000)
    await settle()
    expect(stage.dials).toBe(dials)
    await disk.close()
  })

  it('is one outage, with an end, when the server hangs up after each handshake', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    for (let i = 0; i < 400; i++) {
      stage.peer(-1).transport.destroy()
      await settle(8)
      stage.clock.advance(100)
      await settle(8)
    }
    expect(stage.dials).toBeLessThan(14)
    expect(stage.trouble.at(-1)).toBe('DISCONNECTED')
    await disk.close()
  })

  it('does not drag a request along that brings the server down each time', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    const reading = outcomeOf(disk.read(new Uint8Array(1), 0))
    for (let i = 0; i < 4; i++) {
      await settle(8)
      stage.peer(-1).transport.destroy()
      await settle(8)
      stage.clock.advance(DEFAULT_RECONNECT.longestDelayMs)
    }
    await settle(8)
    expect(await reading).toMatchObject({ code: 'DISCONNECTED' })
    await disk.close()
  })

  it('lets go of a caller who cancels, and of all when it is closed', async () => {
    const stage = new Stage()
    const disk = await stage.open()
    stage.plays = undefined
    stage.peer(0).transport.destroy()
    await settle(8)
    const stop = new AbortController()
    const cancelled = disk.read(new Uint8Array(1), 0, { signal: stop.signal })
    await settle()
    stop.abort()
    await expectCode(cancelled, 'ABORTED')
    await disk.close()
    const { dials } = stage
    stage.clock.advance(100_000)
    await settle()
    expect(stage.dials).toBe(dials)
  })

  it('stays lost where nobody asked for it back', async () => {
    const stage = new Stage()
    const disk = await stage.open({ reconnect: undefined })
    stage.peer(0).transport.destroy()
    await settle()
    await expectCode(disk.read(new Uint8Array(1), 0), 'DISCONNECTED')
    expect(stage.dials).toBe(1)
    await disk.close()
  })
})

describe('several connections', () => {
  const several = { connections: 4, reconnect: undefined }

  it('share the requests among them', async () => {
    const stage = new Stage()
    stage.plays = { flags: FLAGS | MULTI }
    const disk = await stage.open(several)
    expect(stage.dials).toBe(4)
    const calls = Array.from({ length: 8 }, (_, i) => disk.read(new Uint8Array(1), i))
    await settle()
    expect([0, 1, 2, 3].map((at) => stage.commandsOf(at))).toEqual(Array(4).fill([0, 0]))
    for (let at = 0; at < 4; at++) {
      stage.peer(at).send(data(1, at, '00'), data(2, at + 4, '00'))
    }
    await Promise.all(calls)
    const closing = disk.close()
    await settle()
    for (const peer of stage.peers) expect(peer.isClosed).toBe(true)
    await closing
  })

  it('are one where the server does not say that it can have several', async () => {
    const stage = new Stage()
    await stage.open(several)
    await stage.open({ ...several, insist: true })
    expect(stage.dials).toBe(2)
    await stage.open({ ...several, insist: true, readOnly: true })
    expect(stage.dials).toBe(6)
    stage.plays = { flags: FLAGS | 2 }
    const disk = await stage.open({ ...several, insist: true })
    expect(stage.dials).toBe(10)
    expect(disk.capabilities.write).toBe(false)
  })

  it('are flushed by one flush, since the server says that it covers all', async () => {
    const stage = new Stage()
    stage.plays = { flags: FLAGS | MULTI }
    const disk = await stage.open(several)
    const writes = [0, 1, 2, 3].map((i) => disk.write(Uint8Array.of(i), i))
    await settle()
    for (let at = 0; at < 4; at++) stage.peer(at).send(done(1))
    await Promise.all(writes)
    for (const peer of stage.peers) peer.clear()
    const flushing = disk.flush()
    await settle()
    const flushed = [0, 1, 2, 3].filter((at) => stage.commandsOf(at).length > 0)
    expect(flushed.length).toBe(1)
    stage.peer(flushed[0] as number).send(done(2))
    await flushing
  })

  it('fail a flush when one of them was lost with changes on it', async () => {
    const stage = new Stage()
    stage.plays = { flags: FLAGS | MULTI }
    const disk = await stage.open({ connections: 2 })
    const writes = [0, 1].map((i) => disk.write(Uint8Array.of(i), i))
    await settle()
    for (let at = 0; at < 2; at++) stage.peer(at).send(done(1))
    await Promise.all(writes)
    stage.peer(1).transport.destroy()
    await settle(8)
    const flushing = outcomeOf(disk.flush())
    await settle()
    stage.peer(0).send(done(2))
    expect(await flushing).toMatchObject({ code: 'DISCONNECTED', data: { lost: 1 } })
  })

  it('are refused when they do not find the same export', async () => {
    const stage = new Stage()
    stage.plays = { flags: FLAGS | MULTI }
    const sizes = [SIZE, SIZE * 2]
    const dial = async () => {
      const [ours, theirs] = PairedTransport.pair()
      new RawPeer(theirs).send(handshake(sizes.shift() ?? SIZE, FLAGS | MULTI))
      return ours
    }
    await expectCode(stage.open({ connections: 2, dial }), 'TARGET_CHANGED')
    await expectCode(stage.open({ connections: 17 }), 'LIMIT')
    await expectCode(stage.open({ connections: 0 }), 'LIMIT')
  })

  it('keep hundreds of requests in flight', async () => {
    const stage = new Stage()
    stage.plays = { flags: FLAGS | MULTI }
    const disk = await stage.open({ connections: 16, reconnect: undefined })
    const calls = Array.from({ length: 1600 }, (_, i) => disk.read(new Uint8Array(1), i))
    await settle()
    const sent = stage.peers.map((_, at) => stage.commandsOf(at).length)
    expect(sent).toEqual(Array(16).fill(100))
    for (let at = 0; at < 16; at++) {
      for (let cookie = 1; cookie <= 100; cookie++) {
        stage.peer(at).send(data(cookie, at + 16 * (cookie - 1), 'aa'))
      }
    }
    await Promise.all(calls)
  })
})
