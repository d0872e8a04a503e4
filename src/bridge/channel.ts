// What a host and a page need of whatever lies between them: ordered messages, each a small plain
// object and at most one byte array. A MessagePort and a WebSocket are both wrapped into this.

import type { PlainError } from '../engine/base/errors'

export type WireMessage =
  | {
      readonly kind: 'request'
      readonly id: number
      readonly name: string
      readonly params: unknown
    }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'event'; readonly name: string; readonly data: unknown }
  | { readonly kind: 'open'; readonly id: number; readonly name: string; readonly params: unknown }
  | { readonly kind: 'credit'; readonly id: number; readonly frames: number }
  | { readonly kind: 'frame'; readonly id: number; readonly value: unknown }
  /** Of a stream, by either side; with an error when the host gave it up. */
  | { readonly kind: 'end'; readonly id: number; readonly error?: PlainError }

export interface Channel {
  /**
   * Sends; silently nothing once closed. `bytes` is an exact-size array that the sender gives away.
   * Throws when this one message cannot be sent (too large, or not plain data); the channel lives on.
   */
  post(message: WireMessage, bytes?: Uint8Array): void
  /** Set once by the user of the channel, before anything arrives. */
  onMessage: (message: WireMessage, bytes: Uint8Array | undefined) => void
  /** Called once, whichever side closed; `reason` when it was not an orderly end. Nothing arrives after it. */
  onClose: (reason: Error | undefined) => void
  /** onClose is called before this returns. */
  close(): void
}
