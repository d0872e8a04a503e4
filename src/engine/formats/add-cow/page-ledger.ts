// The ledger of version 2: pages of two bits a cluster, each in one of two slots (bitmap-page.ts).
//
// `#sequences` has the newest whole slot of each page that has one; a page without is all clean. A page
// is written to the other slot, and becomes the newest only when the flush after it has succeeded, so
// what was recorded last is never written over. Pages that were found torn, or with states past the end,
// are written anew before the file is clean again.

import { assert } from '../../base/assert'
import { BLOCK_ZEROED } from '../../base/block-leaf'
import { BlockStates } from '../../base/block-states'
import { PlatterError } from '../../base/errors'
import type { BlockLedger, LedgerBatch } from '../../disk/block-ledger'
import type { Disk } from '../../disk/disk'
import { BITMAP_OFFSET } from './add-cow-header'
import {
  decodePageSlot,
  encodePage,
  PAGE_BYTES,
  PAGE_SLOT_BYTES,
  pageCountOf,
  pageOf,
  pageSlotOffset,
  windowOf,
} from './bitmap-page'
import { dataRanges } from './data-ranges'
import type { HeaderSlots } from './header-slots'
import { decodeStates } from './state-bits'
import { writeAll } from './write-all'

const READ_BYTES = 128 * PAGE_BYTES
/** 16 MiB of pages noted at a time. */
const MAX_TAKEN_PAGES = 4096

export class PageLedger implements BlockLedger {
  readonly states: BlockStates
  readonly keepsZeroes = true
  readonly #disk: Disk
  readonly #slots: HeaderSlots
  readonly #sequences = new Map<number, number>()
  readonly #suspects = new Set<number>()
  #beginning: Promise<void> | undefined

  private constructor(disk: Disk, slots: HeaderSlots, blockCount: number) {
    this.#disk = disk
    this.#slots = slots
    this.states = new BlockStates(blockCount)
  }

  /** OVERLAY_CHECKSUM or OVERLAY_BITS for what only a crash may leave, when there was none. */
  static async open(disk: Disk, slots: HeaderSlots): Promise<PageLedger> {
    const { size, clusterSize } = slots.header
    const ledger = new PageLedger(disk, slots, Math.ceil(size / clusterSize))
    await ledger.#load()
    return ledger
  }

  /** Writes these states into a new file. */
  static async copy(disk: Disk, slots: HeaderSlots, states: BlockStates): Promise<void> {
    const ledger = new PageLedger(disk, slots, states.blockCount)
    for (const { first, count, state } of states.stagedRuns()) {
      ledger.states.set(first, count, state)
    }
    for (let from = 0; from < states.blockCount; ) {
      const batch = ledger.take(states, from)
      await batch.record()
      from = batch.end
    }
  }

  /** The pages of a disk that is to have `size` bytes, with these blocks zeroed; the header is not changed. */
  static async extend(
    disk: Disk,
    slots: HeaderSlots,
    size: number,
    zeroed: { readonly first: number; readonly count: number },
  ): Promise<void> {
    const ledger = new PageLedger(disk, slots, Math.ceil(size / slots.header.clusterSize))
    await ledger.#load()
    ledger.states.set(zeroed.first, zeroed.count, BLOCK_ZEROED)
    const changed = new BlockStates(ledger.states.blockCount)
    changed.set(zeroed.first, zeroed.count, BLOCK_ZEROED)
    for (let from = 0; from < changed.blockCount; ) {
      const batch = ledger.take(changed, from)
      await batch.record()
      from = batch.end
    }
  }

  begin(): Promise<void> | undefined {
    if (this.#slots.header.state !== 'clean' && this.#beginning === undefined) return undefined
    this.#beginning ??= this.#slots
      .update((header) => (header.state === 'clean' ? { ...header, state: 'dirty' } : header))
      .finally(() => {
        this.#beginning = undefined
      })
    return this.#beginning
  }

  take(changed: BlockStates, from: number): LedgerBatch {
    const pages: number[] = []
    let at = from
    while (pages.length < MAX_TAKEN_PAGES) {
      const next = changed.nextStaged(at)
      if (next === undefined) {
        at = changed.blockCount
        break
      }
      const page = pageOf(next)
      pages.push(page)
      at = Math.min(changed.blockCount, windowOf(page + 1).first)
      if (at === changed.blockCount) break
    }
    return this.#batch(pages, at)
  }

  async end(): Promise<void> {
    if (this.#slots.header.state !== 'dirty') return
    // Once into either slot: it is not known which of them was being written.
    for (let slot = 0; slot < 2 && this.#suspects.size > 0; slot++) {
      await this.#batch([...this.#suspects], 0).record()
    }
    this.#suspects.clear()
    await this.#slots.update((header) => ({ ...header, state: 'clean' }))
  }

  close(): Promise<void> {
    return this.#disk.close()
  }

  #batch(pages: readonly number[], end: number): LedgerBatch {
    const writes = pages.map((page) => {
      const sequence = (this.#sequences.get(page) ?? 0) + 1
      return { page, sequence, bytes: encodePage(this.states, page, sequence) }
    })
    const record = async () => {
      await writeAll(
        this.#disk,
        writes.map(({ page, sequence, bytes }) => ({
          offset: pageSlotOffset(page, sequence),
          bytes,
        })),
      )
      await this.#disk.flush()
      for (const { page, sequence } of writes) this.#sequences.set(page, sequence)
    }
    return { end, record }
  }

  async #load(): Promise<void> {
    const pageCount = pageCountOf(this.states.blockCount)
    const range = { offset: BITMAP_OFFSET, length: pageCount * PAGE_BYTES }
    const buffer = new Uint8Array(READ_BYTES)
    for await (const { offset, length } of dataRanges(this.#disk, range, PAGE_BYTES, READ_BYTES)) {
      assert((offset - BITMAP_OFFSET) % PAGE_BYTES === 0, 'pages are read whole')
      const bytes = buffer.subarray(0, length)
      await this.#disk.read(bytes, offset)
      const first = (offset - BITMAP_OFFSET) / PAGE_BYTES
      for (let i = 0; i * PAGE_BYTES < length; i++) {
        this.#decode(first + i, bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
      }
    }
  }

  #decode(page: number, bytes: Uint8Array): void {
    const slots = [0, 1].map((index) =>
      decodePageSlot(
        bytes.subarray(index * PAGE_SLOT_BYTES, (index + 1) * PAGE_SLOT_BYTES),
        page,
        index,
      ),
    )
    const wasClosed = this.#slots.header.state === 'clean'
    if (slots.some(({ kind }) => kind === 'torn')) {
      if (wasClosed) {
        throw new PlatterError(
          'OVERLAY_CHECKSUM',
          `the overlay is damaged: page ${page} of its bitmap does not have the checksum that it had when the file was closed`,
        )
      }
      this.#suspects.add(page)
    }
    const whole = slots
      .flatMap((slot) => (slot.kind === 'whole' ? [slot] : []))
      .sort((a, b) => b.sequence - a.sequence)[0]
    if (whole === undefined) return
    this.#sequences.set(page, whole.sequence)
    const { badState, pastEnd } = decodeStates(whole.bits, windowOf(page), 2, this.states)
    if (badState !== undefined) {
      throw new PlatterError(
        'OVERLAY_BITS',
        `the overlay is damaged: block ${badState} is in a state that does not exist`,
      )
    }
    if (pastEnd === undefined) return
    if (wasClosed) throw pastEndError(pastEnd, this.states.blockCount)
    this.#suspects.add(page)
  }
}

export const pastEndError = (block: number, blockCount: number): PlatterError =>
  new PlatterError(
    'OVERLAY_BITS',
    `the overlay is damaged: block ${block} is marked, and the disk has ${blockCount} blocks`,
    { data: { block, blockCount } },
  )
