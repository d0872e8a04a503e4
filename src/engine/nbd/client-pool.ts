// Several connections to one export: each request goes to the one with the least to do.
//
// A flush covers what every connection has been told is done. With NBD_FLAG_CAN_MULTI_CONN one flush on
// any connection is enough; without it, each connection that changed something gets its own. A
// connection that was lost with changes unflushed makes the flush fail, whichever server it is.

import { assert } from '../base/assert'
import type { CallOptions } from '../disk/disk'
import type { ExtentList } from '../disk/extents'
import type { NbdLink } from './client-link'
import type { NbdRequests } from './client-requests'
import { NBD_CMD_FLUSH, NBD_FLAG_CAN_MULTI_CONN } from './constants'

export class NbdPool implements NbdRequests {
  readonly #links: readonly NbdLink[]
  /** Requests in progress on each. */
  readonly #busy: number[]
  readonly #flushCoversAll: boolean
  #next = 0

  constructor(links: readonly NbdLink[]) {
    const [first] = links
    assert(first !== undefined, 'a pool of no connections')
    this.#links = links
    this.#busy = links.map(() => 0)
    this.#flushCoversAll = (first.info.flags & NBD_FLAG_CAN_MULTI_CONN) !== 0
  }

  get peer(): string {
    return (this.#links[0] as NbdLink).peer
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#spread((link) => link.read(target, offset, options))
  }

  write(
    payload: Uint8Array,
    offset: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#spread((link) => link.write(payload, offset, flags, options))
  }

  act(
    command: number,
    offset: number,
    length: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<void> {
    if (command === NBD_CMD_FLUSH) return this.#flush(options)
    return this.#spread((link) => link.act(command, offset, length, flags, options))
  }

  statusOf(
    context: string,
    offset: number,
    length: number,
    flags: number,
    options: CallOptions = {},
  ): Promise<ExtentList> {
    return this.#spread((link) => link.statusOf(context, offset, length, flags, options))
  }

  async disconnect(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.disconnect()))
  }

  async #flush(options: CallOptions): Promise<void> {
    const flush = (link: NbdLink) => link.act(NBD_CMD_FLUSH, 0, 0, 0, options)
    const lost = this.#links.filter((link) => link.lost > 0)
    if (this.#flushCoversAll && lost.length === 0) {
      const covers = this.#links.map((link) => link.acknowledged)
      await this.#spread(flush)
      // What was lost while the flush was under way may be older than the server that answered it.
      const gone = this.#links.filter((link) => link.lost > 0)
      for (const link of gone) await flush(link)
      for (const [i, link] of this.#links.entries()) link.covered(covers[i] as number)
      return
    }
    const changed = this.#links.filter((link) => link.unflushed > 0)
    const outcomes = await Promise.allSettled(
      (changed.length > 0 ? changed : this.#links.slice(0, 1)).map(flush),
    )
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** On the connection with the fewest requests, among those that are up if any is; in turn otherwise. */
  async #spread<T>(call: (link: NbdLink) => Promise<T>): Promise<T> {
    const count = this.#links.length
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < count; i++) {
      const at = (this.#next + i) % count
      const load = (this.#busy[at] as number) + ((this.#links[at] as NbdLink).isUp ? 0 : 1e9)
      if (load < least) [best, least] = [at, load]
    }
    this.#next = (best + 1) % count
    this.#busy[best] = (this.#busy[best] as number) + 1
    try {
      return await call(this.#links[best] as NbdLink)
    } finally {
      this.#busy[best] = (this.#busy[best] as number) - 1
    }
  }
}
