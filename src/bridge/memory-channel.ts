// Two ends of a channel inside one program, for tests and made-up hosts. Every message goes through the
// wire codec and arrives in a later microtask, so nothing is shared between the ends and what could not
// cross a real wire does not cross this one.

import { assert } from '../engine/base/assert'
import { BaseChannel } from './base-channel'
import type { WireMessage } from './channel'
import { decodeWire, encodeWire } from './wire-codec'
import { MAX_BYTES_TO_PAGE } from './wire-message'

export class MemoryChannel extends BaseChannel {
  #other: MemoryChannel | undefined

  static pair(): [MemoryChannel, MemoryChannel] {
    const one = new MemoryChannel()
    const two = new MemoryChannel()
    one.#other = two
    two.#other = one
    return [one, two]
  }

  protected override send(message: WireMessage, bytes: Uint8Array | undefined): void {
    const other = this.#other
    assert(other !== undefined, 'an end of a channel alone')
    const encoded = encodeWire(message, bytes)
    queueMicrotask(() => {
      const decoded = decodeWire(encoded, MAX_BYTES_TO_PAGE)
      other.receive(decoded.message, decoded.bytes)
    })
  }

  protected override disconnect(): void {
    const other = this.#other
    queueMicrotask(() => other?.end(undefined))
  }
}
