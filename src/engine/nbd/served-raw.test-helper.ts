// A server in memory with one export, and raw clients that a test drives byte by byte.

import { ManualClock } from '../base/clock'
import type { Disk } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import type { NbdExport } from './export-registry'
import { ExportRegistry } from './export-registry'
import type { NbdServerOptions } from './nbd-server'
import { NbdServer } from './nbd-server'
import { RawPeer, settle, splitReplies } from './raw-peer.test-helper'
import { PairedTransport } from './transport-pair.test-helper'

export const SIZE = 1 << 20
export const READ = 0
export const WRITE = 1
export const DISC = 2
export const FLUSH = 3
export const TRIM = 4
export const CACHE = 5
export const ZEROES = 6
export const STATUS = 7

export interface Setup {
  readonly disk?: Disk
  readonly entry?: Partial<NbdExport>
  readonly server?: Partial<NbdServerOptions>
  readonly highWater?: number
}

export function makeServer(setup: Setup = {}) {
  const clock = new ManualClock()
  const disk = setup.disk ?? new MemoryDisk(SIZE)
  const exports = new ExportRegistry()
  exports.add({ name: 'd', disk, readOnly: false, ...setup.entry })
  const gone: [number, string | undefined][] = []
  const server = new NbdServer({
    exports,
    clock,
    onClientGone: (client, error) => gone.push([client.id, error?.message]),
    ...setup.server,
  })
  const connect = () => {
    const options = setup.highWater === undefined ? {} : { highWater: setup.highWater }
    const [ours, theirs] = PairedTransport.pair(options)
    server.accept(ours)
    return { peer: new RawPeer(theirs), ours }
  }
  return { clock, disk, server, connect, gone }
}

export const HANDSHAKE = bs.script(
  bs.clientFlags(),
  bs.option(8),
  bs.option(10, bs.sized('d'), bs.u32(1), bs.sized('base:allocation')),
  bs.option(7, bs.sized('d'), bs.u16(1), bs.u16(3)),
)
export const SIMPLE_HANDSHAKE = bs.script(bs.clientFlags(), bs.option(1, bs.text('d')))

/** A client in the transmission phase, and what the server says from there on. */
export async function serve(setup: Setup = {}, handshake = HANDSHAKE) {
  const made = makeServer(setup)
  const { peer, ours } = made.connect()
  peer.send(handshake)
  await settle()
  peer.clear()
  const replies = () => splitReplies(peer.received)
  return { ...made, peer, ours, replies }
}

export const filled = (length: number, value: number): Uint8Array =>
  new Uint8Array(length).fill(value)
