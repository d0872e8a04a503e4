// What opening an image takes, and what it gives, whatever the source.

import type { ImageInfo } from '../bridge/model'
import type { Clock } from '../engine/base/clock'
import type { PlatterError } from '../engine/base/errors'
import type { Disk } from '../engine/disk/disk'
import type { FileServices } from '../engine/io/file-disk'

/** How long a server has to answer the connection, and then each request. */
export interface Patience {
  readonly connectMs: number
  readonly requestMs: number
}

export interface OpenOptions {
  /** `raw` takes the bytes as they are, whatever they look like; absent: probe. */
  readonly format?: string | undefined
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  readonly patience?: Patience | undefined
  /** NBD: contexts to ask for beside base:allocation. */
  readonly contexts?: readonly string[] | undefined
  /** NBD: a connection that is lost is made anew; for images that stay open. */
  readonly reconnect?: boolean | undefined
  /** NBD: connections to spread requests over, where the server can have several; 1 unless told. */
  readonly connections?: number | undefined
  /** NBD: find out which contexts there are. */
  readonly listContexts?: boolean | undefined
  /** Shared by everything that one program has open. */
  readonly files?: FileServices | undefined
}

/** The bytes of an image, and the way to write to them when a person asks for it. */
export interface OpenedImage {
  readonly info: ImageInfo
  readonly disk: Disk
  /** Opens the same bytes for writing, refusing when they are not the ones that were opened. */
  openTarget(): Promise<CommitTarget>
  /** What changed about the file since it was opened or last committed to, as a sentence. */
  changedSince(): Promise<string | undefined>
  /** The file was changed by who had the right to: what it looks like now is what later checks compare with. */
  accept(): Promise<void>
  /** Tells when what it comes from is lost, and, without an error, when it is there again. */
  onTrouble?(listener: (error: PlatterError | undefined) => void): void
  close(): Promise<void>
}

export interface CommitTarget {
  readonly disk: Disk
  /** Closes it; what the file looks like now is what later checks compare with. */
  release(): Promise<void>
}
