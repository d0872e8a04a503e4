// The ledger of version 1: one bit a sector from byte 2560 on, and nothing else. A torn write leaves each
// bit old or new, which docs/overlay-format.md shows to be safe, so bits are written in place.

import { BlockStates } from '../../base/block-states'
import { isAllZero } from '../../base/bytes'
import { PlatterError } from '../../base/errors'
import type { BlockLedger, LedgerBatch } from '../../disk/block-ledger'
import type { Disk } from '../../disk/disk'
import { SECTOR, V1_BITMAP_OFFSET, v1FileSize } from './add-cow-v1'
import { dataRanges } from './data-ranges'
import { pastEndError } from './page-ledger'
import { decodeStates, encodeStates } from './state-bits'
import { writeAll } from './write-all'

const PIECE_BYTES = 4096
const PIECE_SECTORS = PIECE_BYTES * 8
const READ_BYTES = 1024 * 1024
const MAX_TAKEN_PIECES = 4096

export class BitLedger implements BlockLedger {
  readonly states: BlockStates
  readonly keepsZeroes = false
  readonly #disk: Disk

  private constructor(disk: Disk, size: number) {
    this.#disk = disk
    this.states = new BlockStates(size / SECTOR)
  }

  /** `size` is that of the image file, whole sectors. OVERLAY_SIZE when bits are missing, OVERLAY_BITS when there are too many. */
  static async open(disk: Disk, size: number): Promise<BitLedger> {
    const needed = v1FileSize(size)
    if (disk.size < needed) {
      throw new PlatterError(
        'OVERLAY_SIZE',
        `the overlay is damaged: it is ${disk.size} bytes long, and the bits of ${size} bytes end at ${needed}`,
      )
    }
    const ledger = new BitLedger(disk, size)
    await ledger.#load()
    return ledger
  }

  begin(): undefined {
    return undefined
  }

  take(changed: BlockStates, from: number): LedgerBatch {
    const pieces: { offset: number; bytes: Uint8Array }[] = []
    const { blockCount } = this.states
    let at = from
    while (pieces.length < MAX_TAKEN_PIECES) {
      const next = changed.nextStaged(at)
      if (next === undefined) {
        at = blockCount
        break
      }
      const piece = Math.floor(next / PIECE_SECTORS)
      const first = piece * PIECE_SECTORS
      const count = Math.min(PIECE_SECTORS, blockCount - first)
      const bytes = new Uint8Array(Math.ceil(count / 8))
      encodeStates(this.states, { first, count }, 1, bytes)
      pieces.push({ offset: V1_BITMAP_OFFSET + piece * PIECE_BYTES, bytes })
      at = first + count
      if (at === blockCount) break
    }
    const record = async () => {
      await writeAll(this.#disk, pieces)
      await this.#disk.flush()
    }
    return { end: at, record }
  }

  async end(): Promise<void> {
    // Version 1 does not say whether it is in use.
  }

  close(): Promise<void> {
    return this.#disk.close()
  }

  async #load(): Promise<void> {
    const { blockCount } = this.states
    const range = { offset: V1_BITMAP_OFFSET, length: this.#disk.size - V1_BITMAP_OFFSET }
    const buffer = new Uint8Array(READ_BYTES)
    for await (const { offset, length } of dataRanges(this.#disk, range, 1, READ_BYTES)) {
      const bytes = buffer.subarray(0, length)
      await this.#disk.read(bytes, offset)
      const first = (offset - V1_BITMAP_OFFSET) * 8
      if (first >= blockCount && isAllZero(bytes)) continue
      const { pastEnd } = decodeStates(bytes, { first, count: length * 8 }, 1, this.states)
      if (pastEnd !== undefined) throw pastEndError(pastEnd, blockCount)
    }
  }
}
