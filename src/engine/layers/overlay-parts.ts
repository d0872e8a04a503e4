// What an overlay is made of, and whether the parts fit.

import { PlatterError } from '../base/errors'
import { alignUp, isAligned, isPowerOfTwo } from '../base/ranges'
import type { BlockLedger } from '../disk/block-ledger'
import type { Disk } from '../disk/disk'

export const MIN_OVERLAY_BLOCK = 4 * 1024
export const MAX_OVERLAY_BLOCK = 2 * 1024 * 1024

export interface OverlayOptions {
  readonly base: Disk
  /** Writable, at least `size` rounded up to whole blocks, and the overlay's alone. */
  readonly store: Disk
  /** A power of two from 4 KiB to 2 MiB. */
  readonly blockSize: number
  /** Bytes; the base's size unless told. */
  readonly size?: number
  /** Where the states of blocks are kept, and what they are; the overlay closes it with itself. */
  readonly ledger?: BlockLedger | undefined
  /** Read only, and nothing is ever staged: a layer under another overlay. */
  readonly frozen?: boolean
  /** What is read from the base is kept in the store from then on. */
  readonly copyOnRead?: boolean
  /** A cache request copies into the store instead of asking the base to. */
  readonly copyOnCache?: boolean
}

const SMALLEST_KEPT_BLOCK = 512

/** BAD_SIZE for a block size, size or store that cannot be an overlay's, READ_ONLY for a store that takes nothing. */
export function checkParts(options: OverlayOptions, size: number): void {
  const { store, blockSize, ledger, frozen } = options
  // Sectors are for overlay files that know nothing larger.
  const smallest = ledger === undefined ? MIN_OVERLAY_BLOCK : SMALLEST_KEPT_BLOCK
  const inBounds = blockSize >= smallest && blockSize <= MAX_OVERLAY_BLOCK
  if (!isPowerOfTwo(blockSize) || !inBounds) {
    throw new PlatterError(
      'BAD_SIZE',
      `overlay: a block size of ${blockSize} bytes is not a power of two from ${smallest} to ${MAX_OVERLAY_BLOCK}`,
    )
  }
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new PlatterError('BAD_SIZE', `overlay: ${size} is not a size in bytes`)
  }
  if (!store.capabilities.write && frozen !== true) {
    throw new PlatterError('READ_ONLY', 'overlay: the store that takes staged blocks is read-only')
  }
  const needed = alignUp(size, blockSize)
  if (store.size < needed) {
    throw new PlatterError(
      'BAD_SIZE',
      `overlay: the store has ${store.size} bytes, and whole blocks of ${size} bytes take ${needed}`,
    )
  }
  if (!isAligned(blockSize, store.blockSize.minimum)) {
    throw new PlatterError(
      'BAD_SIZE',
      `overlay: blocks of ${blockSize} bytes are not multiples of the store's ${store.blockSize.minimum}`,
    )
  }
}
