// What every channel does alike: holds what arrives until its user listens, calls onClose once, and is
// silent after that. A kind of channel adds how a message is sent and how the line is closed.

import type { Channel, WireMessage } from './channel'

type MessageListener = Channel['onMessage']
type CloseListener = Channel['onClose']

export abstract class BaseChannel implements Channel {
  #onMessage: MessageListener | undefined
  #onClose: CloseListener | undefined
  #waiting: { message: WireMessage; bytes: Uint8Array | undefined }[] = []
  #closed = false
  #reason: Error | undefined

  get closed(): boolean {
    return this.#closed
  }

  get onMessage(): MessageListener {
    return this.#onMessage ?? (() => {})
  }

  set onMessage(listener: MessageListener) {
    this.#onMessage = listener
    const waiting = this.#waiting
    this.#waiting = []
    for (const { message, bytes } of waiting) this.receive(message, bytes)
  }

  get onClose(): CloseListener {
    return this.#onClose ?? (() => {})
  }

  set onClose(listener: CloseListener) {
    this.#onClose = listener
    // Later, so that a user whose channel was closed before can finish setting itself up.
    if (this.#closed) queueMicrotask(() => listener(this.#reason))
  }

  post(message: WireMessage, bytes?: Uint8Array): void {
    if (!this.#closed) this.send(message, bytes)
  }

  close(): void {
    this.end(undefined)
  }

  /** Throws when this message cannot be sent. */
  protected abstract send(message: WireMessage, bytes: Uint8Array | undefined): void
  /** Lets go of what lies below; told why when it was not an orderly end. Called once. */
  protected abstract disconnect(reason: Error | undefined): void

  /** For what came from the other side. */
  protected receive(message: WireMessage, bytes: Uint8Array | undefined): void {
    if (this.#closed) return
    if (this.#onMessage === undefined) this.#waiting.push({ message, bytes })
    else this.#onMessage(message, bytes)
  }

  /** For the other side's end, its mistakes, and close(). */
  protected end(reason: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#reason = reason
    this.#waiting = []
    this.disconnect(reason)
    this.#onClose?.(reason)
  }
}
