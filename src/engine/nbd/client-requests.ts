// What a disk asks of its connection, or connections: NbdClient is one, NbdLink one that comes back after
// a loss, NbdPool several.

import type { CallOptions } from '../disk/disk'
import type { ExtentList } from '../disk/extents'

export interface NbdRequests {
  /** Where the server is, for messages. */
  readonly peer: string
  read(target: Uint8Array, offset: number, options?: CallOptions): Promise<void>
  write(payload: Uint8Array, offset: number, flags: number, options?: CallOptions): Promise<void>
  /** NBD_CMD_TRIM, NBD_CMD_CACHE, NBD_CMD_WRITE_ZEROES or NBD_CMD_FLUSH. */
  act(
    command: number,
    offset: number,
    length: number,
    flags: number,
    options?: CallOptions,
  ): Promise<void>
  /** The extents of one context by its name, which was agreed on. */
  statusOf(
    context: string,
    offset: number,
    length: number,
    flags: number,
    options?: CallOptions,
  ): Promise<ExtentList>
  /** Waits for what is open (no longer than its deadlines), says goodbye, and closes. */
  disconnect(): Promise<void>
}
