// A server as a process of its own, for tests that measure it: `lone-server SOCKET`, with one export in
// memory under the empty name. Bundled and started by bundleLoneServer's caller; ends when told so.

import { MemoryDisk } from '../disk/memory-disk'
import { ExportRegistry } from '../nbd/export-registry'
import { NbdServer } from '../nbd/nbd-server'
import { listenTransport } from './listen-transport'
import { systemClock } from './system-clock'

const [path = ''] = process.argv.slice(2)
const exports = new ExportRegistry()
exports.add({ name: '', disk: new MemoryDisk(64 << 20), readOnly: false })
// All limits are the product's; only who holds memory up is cut off sooner, so that a test ends.
const server = new NbdServer({ exports, clock: systemClock, limits: { stallTimeoutMs: 500 } })
const listener = await listenTransport({ kind: 'unix', path }, (each) => server.accept(each))
process.once('SIGTERM', async () => {
  await listener.close()
  await server.shutdown(0)
})
