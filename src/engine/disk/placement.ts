// Where bytes of a disk lie at this moment, for whoever can take them from there without the disk's help:
// a server that hands pages of a file to a socket copies nothing. A placement holds only until its caller
// gives control back to the event loop; afterwards the disk may have changed, and has to be asked again.

/** A file of this process, of which what the system keeps in memory can be had at once. */
export interface PlacedFile {
  readonly fd: number
  /** Fills all of `target` from `offset` on; false, and nothing is known, when not all is in memory. */
  readNow(target: Uint8Array, offset: number): boolean
  /** All of the range was in memory a moment ago: to send it would not wait for a device. */
  isInMemory(offset: number, length: number): boolean
  /** Bytes from `offset` on, up to `length`, that are a hole for certain; 0 also when nobody knows. */
  holeAt(offset: number, length: number): number
}

export interface Placement {
  /** Bytes from the place that was asked for on; at least 1, at most what was asked for. */
  readonly length: number
  /** Where they lie; `undefined`: nowhere, they are zeroes. */
  readonly file: PlacedFile | undefined
  /** Of the first of them in the file. */
  readonly offset: number
  /**
   * Copy them, and hand out no pages: the disk may give their space back while somebody still holds the
   * pages, and a hole that is punched into the middle of what the system keeps in one piece clears them.
   */
  readonly mustCopy?: boolean
}

/** Implemented by disks that can say where their bytes lie. */
export interface PlacedReads {
  /**
   * The first piece of the range, which is inside the disk and not empty; `undefined` when it cannot be
   * said at once: read() has the bytes.
   */
  place(offset: number, length: number): Placement | undefined
  /** Somebody read the range by placements: counted as a read where reads are counted. */
  noteRead?(offset: number, length: number): void
}
