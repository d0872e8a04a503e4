// Reads an NBD disk from end to end with many requests in flight and throws the bytes away: what
// `nbdcopy URI null:` does, with our client. argv: URI, bytes a request, requests in flight, connections.

import { dialTransport } from '../src/engine/io/dial-transport'
import { systemClock } from '../src/engine/io/system-clock'
import { openNbdDisk } from '../src/engine/nbd/nbd-disk'
import { parseNbdUri } from '../src/engine/nbd/uri'

const [uri = '', ...numbers] = process.argv.slice(2)
const [requestBytes = 262144, inFlight = 64, connections = 1] = numbers.map(Number)
const { address, exportName } = parseNbdUri(uri)
const disk = await openNbdDisk({
  dial: () => dialTransport(address, { timeoutMs: 5000 }),
  exportName,
  clock: systemClock,
  connections,
})
let next = 0
await Promise.all(
  Array.from({ length: inFlight }, async () => {
    const buffer = new Uint8Array(requestBytes)
    while (next < disk.size) {
      const at = next
      next += requestBytes
      await disk.read(buffer.subarray(0, Math.min(requestBytes, disk.size - at)), at)
    }
  }),
)
await disk.close()
