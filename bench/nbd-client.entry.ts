// Reads an NBD disk from end to end with many requests in flight and throws the bytes away: what
// `nbdcopy URI null:` does, with our client. argv: URI, bytes a request, requests
// in flight, connections, and 'one' when all requests share one buffer, as they may when nobody looks at
// the bytes; each read is still received and held to cover its range.

import { dialTransport } from '../src/engine/io/dial-transport'
import { systemClock } from '../src/engine/io/system-clock'
import { openNbdDisk } from '../src/engine/nbd/nbd-disk'
import { parseNbdUri } from '../src/engine/nbd/uri'

const [uri = '', ...rest] = process.argv.slice(2)
const [requestBytes = 262144, inFlight = 64, connections = 1] = rest.slice(0, 3).map(Number)
const shared = rest[3] === 'one' ? new Uint8Array(requestBytes) : undefined
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
    const buffer = shared ?? new Uint8Array(requestBytes)
    while (next < disk.size) {
      const at = next
      next += requestBytes
      const length = Math.min(requestBytes, disk.size - at)
      await disk.read(length === requestBytes ? buffer : buffer.subarray(0, length), at)
    }
  }),
)
await disk.close()
