// THE contract. Every source, layer and format is a Disk: an array of bytes that can be read, and
// perhaps written, zeroed, trimmed, flushed and asked what it holds. The NBD server, the copier and the
// survey take any Disk. `describeDiskContract` (engine/testing) runs against every implementation.
//
// Promises of every implementation:
// - A call outside 0…size, against blockSize.minimum, or that the capabilities exclude rejects with a
//   PlatterError before anything is touched (check-request.ts has the one check that all use).
// - Calls may overlap in time and may complete in any order. A read that starts after a write has
//   resolved sees that write. What two overlapping writes leave is one or the other, byte by byte.
// - A write is stable once a flush that began after it resolved has resolved, or at once with `fua`.
// - The caller leaves a buffer that it handed in alone until the call settles.
// - A length of 0 resolves and does nothing.

import type { ExtentList } from './extents'
import type { PlacedReads } from './placement'

export interface BlockSize {
  /** Offset and length of every call are multiples of this (the end of the disk excepted); 1 is any. */
  readonly minimum: number
  /** Calls aligned to this avoid read-modify-write; a power of two, at least `minimum`. */
  readonly preferred: number
  /** The longest read or write; zero, trim and extents are not bound by it. */
  readonly maximum: number
}

export interface Capabilities {
  readonly write: boolean
  readonly flush: boolean
  readonly trim: boolean
  readonly zero: boolean
  /** `zero` with `fast` is understood: it is quick, or refuses with NOT_SUPPORTED before any change. */
  readonly fastZero: boolean
  readonly fua: boolean
  /** `extents` tells data, holes and zeroes apart; without it all is one data extent. */
  readonly extents: boolean
  readonly cache: boolean
  /** What one user of the disk wrote and flushed is seen and kept for all of them. */
  readonly multiConn: boolean
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface WriteOptions extends CallOptions {
  /** The write is stable when the call resolves. */
  readonly fua?: boolean
}

export interface ZeroOptions extends WriteOptions {
  /** The range may become a hole. */
  readonly mayTrim?: boolean
  /** Refuse with NOT_SUPPORTED, nothing changed, rather than be as slow as a write. */
  readonly fast?: boolean
}

export interface ExtentOptions extends CallOptions {
  /** A hint: the caller wants only the first extent, and it need not reach beyond the range. */
  readonly first?: boolean
}

export interface Disk {
  /** Bytes; a safe integer, fixed while the disk is open. */
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  /** A way around read() for bytes that lie in files of this process; few disks have it. */
  readonly placed?: PlacedReads | undefined

  /** Fills all of `target` from `offset` on, or rejects. */
  read(target: Uint8Array, offset: number, options?: CallOptions): Promise<void>
  /** Writes all of `source` at `offset`, or rejects; how much was written is then not known. */
  write(source: Uint8Array, offset: number, options?: WriteOptions): Promise<void>
  /** The range reads as zeroes afterwards. */
  zero(offset: number, length: number, options?: ZeroOptions): Promise<void>
  /** The contents of the range are not needed any more; what it reads as is up to the disk. */
  trim(offset: number, length: number, options?: WriteOptions): Promise<void>
  /** Every write, zero and trim that has resolved is stable when this resolves. */
  flush(options?: CallOptions): Promise<void>
  /** Advice: the range will be read soon. */
  cache(offset: number, length: number, options?: CallOptions): Promise<void>
  /**
   * What the range holds: extents in order, contiguous from `offset`, inside the range. Like NBD's
   * block status the list may end before the range does, but it is never empty for a length above 0.
   */
  extents(offset: number, length: number, options?: ExtentOptions): Promise<ExtentList>
  /** Waits for calls in progress and lets go of everything; a second close does nothing. */
  close(): Promise<void>
}

/** The longest single read or write that Platter makes: NBD's largest payload that every peer takes. */
export const MAX_PAYLOAD = 32 * 1024 * 1024

export const ANY_BLOCK_SIZE: BlockSize = { minimum: 1, preferred: 4096, maximum: MAX_PAYLOAD }

export const NO_CAPABILITIES: Capabilities = {
  write: false,
  flush: false,
  trim: false,
  zero: false,
  fastZero: false,
  fua: false,
  extents: false,
  cache: false,
  multiConn: false,
}
