// The cache against a host that answers late and out of order, a byte array that is the truth, and a
// log of which epochs are known. What is checked after every step: bytes given as fresh are the bytes
// of some moment not before the last change that the page was told of.

import { describe, expect, test } from 'vitest'
import type {
  EventName,
  Events,
  Params,
  RequestName,
  Result,
  WithBytes,
} from '../../bridge/contract'
import type { Peer, RequestOptions } from '../../bridge/peer'
import { PlatterError } from '../../engine/base/errors'
import { Prng } from '../../engine/base/prng'
import type { ByteRange } from '../../engine/base/ranges'
import { PAGE_BYTES, PageCache } from './page-cache'

const PAGES = 6
const SIZE = PAGES * PAGE_BYTES - 1000
const MARKS = 8

interface Waiting {
  readonly range: ByteRange
  /** 0 until the host starts on it. */
  epochAtStart: number
  /** Read when the host starts, or else when it answers. */
  bytes: Uint8Array | undefined
  readonly resolve: (answer: WithBytes<never>) => void
  readonly reject: (error: Error) => void
}

/** Every page holds its version in a few places, so a torn or stale page shows. */
class SlowHost implements Peer {
  readonly versions = new Uint32Array(PAGES)
  epoch = 1
  /** Epoch after the last change of each page that the cache was told of. */
  readonly toldEpoch = new Uint32Array(PAGES)
  readonly history: { epoch: number; versions: Uint32Array }[] = []
  waiting: Waiting[] = []
  untold: { epoch: number; page: number; pages: number }[] = []
  mostWaiting = 0
  #listener: (data: Events['session.touched']) => void = () => undefined

  constructor() {
    this.#record()
  }

  request<N extends RequestName>(
    _name: N,
    params: Params<N>,
    { signal }: RequestOptions = {},
  ): Promise<WithBytes<Result<N>>> {
    return new Promise((resolve, reject) => {
      const range = params as unknown as ByteRange
      const entry: Waiting = {
        range,
        epochAtStart: 0,
        bytes: undefined,
        resolve: resolve as (answer: WithBytes<never>) => void,
        reject,
      }
      this.waiting.push(entry)
      this.mostWaiting = Math.max(this.mostWaiting, this.waiting.length)
      signal?.addEventListener('abort', () => {
        this.waiting = this.waiting.filter((other) => other !== entry)
        reject(new PlatterError('ABORTED', 'called off'))
      })
    })
  }

  on<E extends EventName>(_name: E, listener: (data: Events[E]) => void): () => void {
    this.#listener = listener as never
    return () => {
      this.#listener = () => undefined
    }
  }

  openStream(): never {
    throw new Error('not used')
  }

  change(page: number, pages: number): void {
    for (let i = page; i < page + pages; i++) this.versions[i] = (this.versions[i] ?? 0) + 1
    this.epoch++
    this.#record()
    this.untold.push({ epoch: this.epoch, page, pages })
  }

  /** Some of the changes are joined into one event, as the host does within a frame. */
  tell(count: number): void {
    const told = this.untold.splice(0, count)
    if (told.length === 0) return
    const changed = told.map(({ page, pages }) => ({
      offset: page * PAGE_BYTES + 1,
      length: pages * PAGE_BYTES - 2,
    }))
    for (const { page, pages, epoch: at } of told) {
      for (let i = page; i < page + pages; i++) this.toldEpoch[i] = at
    }
    this.#listener({ session: 's', epoch: this.epoch, changed, touches: [] })
  }

  /** The host starts on a question: its epoch is fixed, and its bytes are when `readsNow` says so. */
  start(index: number, readsNow: boolean): void {
    const entry = this.waiting[index]
    if (entry?.epochAtStart !== 0) return
    entry.epochAtStart = this.epoch
    if (readsNow) entry.bytes = this.#bytesOf(entry.range)
  }

  finish(index: number, fails: boolean): void {
    const [entry] = this.waiting.splice(index, 1)
    if (entry === undefined) return
    if (fails) {
      entry.reject(new PlatterError('IO_ERROR', 'no'))
      return
    }
    const epoch = entry.epochAtStart === 0 ? this.epoch : entry.epochAtStart
    const bytes = entry.bytes ?? this.#bytesOf(entry.range)
    entry.resolve({ value: { epoch } as never, bytes })
  }

  /** Epochs at which the page had this version. */
  lastEpochOf(page: number, version: number): number {
    let last = 0
    this.history.forEach(({ versions }, i) => {
      if (versions[page] !== version) return
      const next = this.history[i + 1]
      last = next === undefined ? Number.POSITIVE_INFINITY : next.epoch - 1
    })
    return last
  }

  #bytesOf({ offset, length }: ByteRange): Uint8Array {
    const bytes = new Uint8Array(length)
    const version = this.versions[Math.floor(offset / PAGE_BYTES)] ?? 0
    const step = Math.floor(length / MARKS)
    for (let i = 0; i < MARKS; i++) new DataView(bytes.buffer).setUint32(i * step, version)
    return bytes
  }

  #record(): void {
    this.history.push({ epoch: this.epoch, versions: this.versions.slice() })
  }
}

const versionIn = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(bytes.byteOffset)
/** Lets answered promises run on. */
async function turn(): Promise<void> {
  for (let i = 0; i < 8; i++) await undefined
}

function checkFresh(host: SlowHost, cache: PageCache): number {
  let fresh = 0
  for (let page = 0; page < PAGES; page++) {
    const state = cache.pageAt(page * PAGE_BYTES)
    if (state.kind !== 'fresh') continue
    fresh++
    const shown = host.lastEpochOf(page, versionIn(state.bytes))
    const told = host.toldEpoch[page] ?? 0
    if (shown < told) expect.fail(`page ${page} is of epoch ${shown}, a change at ${told} was told`)
  }
  return fresh
}

async function run(seed: number): Promise<void> {
  const prng = new Prng(seed)
  const host = new SlowHost()
  const maxInFlight = 1 + prng.below(4)
  const cache = new PageCache({
    peer: host,
    session: 's',
    size: SIZE,
    maxPages: 1 + prng.below(6),
    maxInFlight,
    onChange: () => undefined,
  })
  const someRange = () => {
    const offset = prng.below(SIZE - 1)
    return { offset, length: 1 + prng.below(Math.min(SIZE - offset, 2 * PAGE_BYTES)) }
  }
  const steps: (() => void)[] = [
    () => cache.show(someRange()),
    () => {
      const page = prng.below(PAGES)
      host.change(page, 1 + prng.below(Math.min(4, PAGES - page)))
    },
    () => host.tell(1 + prng.below(3)),
    () => host.start(prng.below(4), prng.bool()),
    () => host.finish(prng.below(4), prng.bool(0.1)),
    () => host.finish(0, false),
    () => cache.retry(),
  ]
  let seen = 0
  for (let i = 0; i < 400; i++) {
    prng.pick(steps)()
    if (prng.bool(0.7)) await turn()
    seen += checkFresh(host, cache)
    expect(host.waiting.length).toBeLessThanOrEqual(maxInFlight)
  }
  expect(seen).toBeGreaterThan(0)

  const last = someRange()
  cache.show(last)
  host.tell(1000)
  for (let i = 0; i < 100 && host.waiting.length > 0; i++) {
    host.finish(0, false)
    await turn()
  }
  cache.retry()
  for (let i = 0; i < 100 && host.waiting.length > 0; i++) {
    host.finish(0, false)
    await turn()
  }
  for (let at = last.offset; at < last.offset + last.length; at += PAGE_BYTES) {
    const state = cache.pageAt(at)
    expect(state.kind).toBe('fresh')
    if (state.kind === 'fresh') {
      expect(versionIn(state.bytes)).toBe(host.versions[Math.floor(at / PAGE_BYTES)])
    }
  }
  cache.close()
  expect(host.waiting).toHaveLength(0)
}

describe('the page cache never gives a stale byte as fresh', () => {
  test.each(Array.from({ length: 60 }, (_, i) => i + 1))('seed %d', run)
})
