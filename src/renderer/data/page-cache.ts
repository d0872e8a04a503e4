// Bytes of a session by page: what the hex view shows. Requests in flight are bounded, pages that
// scrolled away are called off, and the least recently shown are forgotten first.
//
// No stale byte is ever given as fresh. The host tells what changed (session.touched, with the epoch
// after the change) and each answer says of which epoch it is at least; a page counts as fresh only
// while no change of its range with a later epoch has been heard of, no matter in which order answers
// and events arrive. This leans on one promise of the host: an epoch is counted up after the bytes have
// changed, and an answer carries the epoch from before it was read. Until a page has been read again,
// its old bytes can still be had, marked as stale.

import type { SessionId } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import { assert } from '../../engine/base/assert'
import { hasCode } from '../../engine/base/errors'
import type { ByteRange } from '../../engine/base/ranges'

/** A multiple of every row length, and small enough to cross quickly. */
export const PAGE_BYTES = 16 * 1024
const MAX_PAGES = 256
const MAX_IN_FLIGHT = 4

export type PageState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'fresh'; readonly bytes: Uint8Array; readonly epoch: number }
  | { readonly kind: 'stale'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string }

const ABSENT: PageState = { kind: 'absent' }

export interface PageCacheOptions {
  readonly peer: Peer
  readonly session: SessionId
  readonly size: number
  readonly onChange: () => void
  readonly maxPages?: number
  readonly maxInFlight?: number
}

interface Reading {
  readonly abort: AbortController
  /** The latest change of the page that was heard of since it was asked for. */
  changedAt: number
}

export class PageCache {
  readonly pageBytes = PAGE_BYTES
  readonly #options: PageCacheOptions
  readonly #maxPages: number
  readonly #maxInFlight: number
  readonly #pages = new Map<number, PageState>()
  readonly #reading = new Map<number, Reading>()
  #stopListening: (() => void) | undefined
  /** First and last page shown, and one more on either side in `#wanted`. */
  #shown: readonly [number, number] = [0, -1]

  constructor(options: PageCacheOptions) {
    this.#options = options
    this.#maxPages = options.maxPages ?? MAX_PAGES
    this.#maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT
    this.open()
  }

  /** Listens to the host, from the start; again after a close. */
  open(): void {
    const { peer, session } = this.#options
    this.#stopListening ??= peer.on('session.touched', (event) => {
      if (event.session === session) this.#forget(event.epoch, event.changed)
    })
  }

  /** What is known of the page that holds `offset`. */
  pageAt(offset: number): PageState {
    return this.#pages.get(Math.floor(offset / PAGE_BYTES)) ?? ABSENT
  }

  /** True while an answer is on its way for the page that holds `offset`. */
  isReading(offset: number): boolean {
    return this.#reading.has(Math.floor(offset / PAGE_BYTES))
  }

  /** The first failure among the pages shown. */
  get problem(): string | undefined {
    for (let page = this.#shown[0]; page <= this.#shown[1]; page++) {
      const state = this.#pages.get(page)
      if (state?.kind === 'failed') return state.message
    }
    return undefined
  }

  /** Bytes that are in view now: they are read, what else was being read is called off. */
  show({ offset, length }: ByteRange): void {
    assert(length > 0 && offset + length <= this.#options.size, 'shown bytes past the end')
    const first = Math.floor(offset / PAGE_BYTES)
    const last = Math.floor((offset + length - 1) / PAGE_BYTES)
    const [firstBefore, lastBefore] = this.#shown
    this.#shown = [first, last]
    for (let page = first; page <= last; page++) {
      const state = this.#pages.get(page)
      if (state === undefined) continue
      this.#pages.delete(page)
      const isBack = page < firstBefore || page > lastBefore
      if (state.kind !== 'failed' || !isBack) this.#pages.set(page, state)
    }
    for (const [page, reading] of this.#reading) {
      if (!this.#wanted().includes(page)) this.#callOff(page, reading)
    }
    this.#readMore()
  }

  /** Reads again what could not be read. */
  retry(): void {
    for (const [page, state] of this.#pages) if (state.kind === 'failed') this.#pages.delete(page)
    this.#readMore()
    this.#options.onChange()
  }

  close(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
    for (const [page, reading] of this.#reading) this.#callOff(page, reading)
    this.#pages.clear()
  }

  /** Pages in view first, then their neighbours. */
  #wanted(): number[] {
    const [first, last] = this.#shown
    const pages: number[] = []
    for (let page = first; page <= last; page++) pages.push(page)
    const end = Math.ceil(this.#options.size / PAGE_BYTES)
    if (last + 1 < end) pages.push(last + 1)
    if (first > 0) pages.push(first - 1)
    return pages
  }

  #readMore(): void {
    if (this.#stopListening === undefined) return
    for (const page of this.#wanted()) {
      if (this.#reading.size >= this.#maxInFlight) return
      const state = this.#pages.get(page)
      const isNeeded = state === undefined || state.kind === 'stale'
      if (isNeeded && !this.#reading.has(page)) void this.#read(page)
    }
  }

  async #read(page: number): Promise<void> {
    const reading: Reading = { abort: new AbortController(), changedAt: 0 }
    this.#reading.set(page, reading)
    const { peer, session, size } = this.#options
    const offset = page * PAGE_BYTES
    const length = Math.min(PAGE_BYTES, size - offset)
    const isCurrent = () => this.#reading.get(page) === reading
    try {
      const { signal } = reading.abort
      const answer = await peer.request('bytes.read', { session, offset, length }, { signal })
      if (!isCurrent()) return
      const { bytes, value } = answer
      assert(bytes?.length === length, `answer of ${bytes?.length} for ${length} bytes`)
      const isFresh = value.epoch >= reading.changedAt
      this.#keep(
        page,
        isFresh ? { kind: 'fresh', bytes, epoch: value.epoch } : { kind: 'stale', bytes },
      )
    } catch (error) {
      if (!isCurrent()) return
      if (!hasCode(error, 'ABORTED')) this.#keep(page, failureOf(error))
    }
    this.#reading.delete(page)
    this.#readMore()
    this.#options.onChange()
  }

  #keep(page: number, state: PageState): void {
    this.#pages.delete(page)
    this.#pages.set(page, state)
    const [first, last] = this.#shown
    for (const old of this.#pages.keys()) {
      if (this.#pages.size <= this.#maxPages) return
      if (old < first || old > last) this.#pages.delete(old)
    }
  }

  #callOff(page: number, reading: Reading): void {
    this.#reading.delete(page)
    reading.abort.abort()
  }

  #forget(epoch: number, changed: readonly ByteRange[]): void {
    let isAnyShown = false
    const touches = (page: number) =>
      changed.some(
        ({ offset, length }) =>
          offset < (page + 1) * PAGE_BYTES && offset + length > page * PAGE_BYTES,
      )
    for (const [page, reading] of this.#reading) {
      if (touches(page)) reading.changedAt = Math.max(reading.changedAt, epoch)
    }
    for (const [page, state] of this.#pages) {
      const isNewer = state.kind === 'fresh' && state.epoch >= epoch
      if (isNewer || state.kind === 'stale' || !touches(page)) continue
      if (state.kind === 'fresh') this.#pages.set(page, { kind: 'stale', bytes: state.bytes })
      else this.#pages.delete(page)
      isAnyShown ||= page >= this.#shown[0] && page <= this.#shown[1]
    }
    this.#readMore()
    if (isAnyShown) this.#options.onChange()
  }
}

const failureOf = (error: unknown): PageState => ({
  kind: 'failed',
  message: error instanceof Error ? error.message : String(error),
})
