// Which of the two header slots counts, and the writing of the next one. A slot that was not written to
// the end spoils nothing: the sequence number of the other is the newest until the flush has succeeded.

import { ensure } from '../../base/assert'
import { PlatterError } from '../../base/errors'
import type { Disk } from '../../disk/disk'
import {
  type AddCowHeader,
  decodeHeader,
  encodeHeader,
  SLOT_BYTES,
  sequenceOf,
} from './add-cow-header'

export class HeaderSlots {
  readonly #disk: Disk
  #header: AddCowHeader
  #sequence: number
  /** Of the newest header; the next one goes to the other. */
  #slot: number
  #last: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, header: AddCowHeader, sequence: number, slot: number) {
    this.#disk = disk
    this.#header = header
    this.#sequence = sequence
    this.#slot = slot
  }

  /** The first header of a new file, written and not yet flushed. */
  static async create(disk: Disk, header: AddCowHeader): Promise<HeaderSlots> {
    await disk.write(encodeHeader(header, 1), 0)
    return new HeaderSlots(disk, header, 1, 0)
  }

  /** OVERLAY_CHECKSUM when neither slot is whole; else what the newest one is refused for. */
  static async open(disk: Disk): Promise<HeaderSlots> {
    const bytes = new Uint8Array(Math.min(2 * SLOT_BYTES, disk.size))
    await disk.read(bytes, 0)
    const slots = [bytes.subarray(0, SLOT_BYTES), bytes.subarray(SLOT_BYTES)]
    const sequences = slots.map(sequenceOf)
    const newest = Math.max(...sequences.map((sequence) => sequence ?? 0))
    if (newest === 0) {
      throw new PlatterError(
        'OVERLAY_CHECKSUM',
        'the overlay is damaged: neither copy of its header has the checksum that it had when written',
      )
    }
    const index = sequences.indexOf(newest)
    return new HeaderSlots(disk, decodeHeader(ensure(slots[index], 'slot')), newest, index)
  }

  get header(): AddCowHeader {
    return this.#header
  }

  /** Stable when it resolves; one change after the other. */
  update(change: (header: AddCowHeader) => AddCowHeader): Promise<void> {
    const next = this.#last.then(() => this.#write(change(this.#header)))
    this.#last = next.catch(() => undefined)
    return next
  }

  async #write(header: AddCowHeader): Promise<void> {
    const sequence = this.#sequence + 1
    const slot = 1 - this.#slot
    await this.#disk.write(encodeHeader(header, sequence), slot * SLOT_BYTES)
    await this.#disk.flush()
    this.#slot = slot
    this.#sequence = sequence
    this.#header = header
  }
}
