// The one thing that the protocol asks of the world: an ordered stream of bytes both ways. engine/io
// makes these out of sockets; tests make them out of arrays. Bytes are pushed, not pulled, so that a
// client can parse straight out of the buffer that the kernel filled.

import type { Placement } from '../disk/placement'

export interface TransportEvents {
  /** `chunk` is valid only during the call: keep a copy of what is needed later. */
  onData(chunk: Uint8Array): void
  /** What was written has been handed on: writing may go on. */
  onDrain(): void
  /** Once: the other side is gone; `error` says why when it was not an orderly end. */
  onClose(error: Error | undefined): void
}

/** Bytes of a disk on their way out, which nobody holds in memory: each is taken when its turn comes. */
export interface PlacedBytes {
  /** Goes in front of them. */
  readonly header: Uint8Array
  readonly length: number
  /** Where those from `at` on (0…length) lie now, as PlacedReads.place() has it. */
  place(at: number): Placement | undefined
  /** Reads them where place() does not know. */
  read(target: Uint8Array, at: number): Promise<void>
  /** All of them have left. This or onLost() is called, once. */
  onSent(): void
  /**
   * They were lost with the connection. With an error they could not be had, after the header was sent,
   * and the connection is of no use any more.
   */
  onLost(error?: unknown): void
}

export interface Transport {
  /** For messages: `unix:/run/disk.sock`, `127.0.0.1:10809`. */
  readonly peer: string
  /** Called once, before anything is received. */
  start(events: TransportEvents): void
  /**
   * Takes all of `chunk`, unchanged by its owner until sent; false: wait for onDrain before more.
   * `onSent`: the chunk has left, or was lost with the connection; its bytes are its owner's again.
   */
  write(chunk: Uint8Array, onSent?: () => void): boolean
  /** The same for placed bytes; only where that is quicker than to read them first. */
  readonly sendPlaced?: ((bytes: PlacedBytes) => boolean) | undefined
  /**
   * Within onData, when all that it gave is used up: moves what else has arrived into `target`, instead
   * of giving it to onData, and says how many bytes; 0 when nothing is there. Only where that saves a copy.
   */
  readonly receiveInto?: ((target: Uint8Array) => number) | undefined
  /** Stops and restarts receiving: what a slow reader holds against a fast sender. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes; onClose follows. */
  end(): void
  /** Closes at once; onClose follows. */
  destroy(): void
}

/** Listens somewhere and hands out a Transport for each peer. */
export interface Listener {
  /** How to reach it: filled in after listening, so a port of 0 has become a real one. */
  readonly address: ListenAddress
  close(): Promise<void>
}

export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
