// The page's side of one stream: hands frames over one after another, and says when each has been dealt
// with. It never holds more than the credit that was granted.

export interface FrameQueueEvents {
  onFrame(frame: unknown, bytes: Uint8Array): void | Promise<void>
  /** A frame has been dealt with: another may come. */
  onDone(): void
  /** Once, unless close() came first: the host ended the stream, or onFrame failed. */
  onEnd(error: Error | undefined): void
}

interface Frame {
  readonly value: unknown
  readonly bytes: Uint8Array
}

export class FrameQueue {
  readonly #events: FrameQueueEvents
  #frames: Frame[] = []
  #busy = false
  #closed = false
  #end: { readonly error: Error | undefined } | undefined

  constructor(events: FrameQueueEvents) {
    this.#events = events
  }

  push(value: unknown, bytes: Uint8Array): void {
    if (this.#closed || this.#end !== undefined) return
    this.#frames.push({ value, bytes })
    if (!this.#busy) void this.#pump()
  }

  /** An orderly end waits for the frames before it; one with an error does not. */
  end(error: Error | undefined): void {
    if (this.#closed || this.#end !== undefined) return
    this.#end = { error }
    if (error !== undefined) this.#frames = []
    if (!this.#busy || error !== undefined) this.#finish(error)
  }

  /** No more calls. */
  close(): void {
    this.#closed = true
    this.#frames = []
  }

  async #pump(): Promise<void> {
    this.#busy = true
    try {
      for (let frame = this.#frames.shift(); frame; frame = this.#frames.shift()) {
        await this.#events.onFrame(frame.value, frame.bytes)
        if (this.#closed) return
        if (this.#end === undefined) this.#events.onDone()
      }
    } catch (error) {
      return this.#finish(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#busy = false
    }
    if (this.#end !== undefined) this.#finish(this.#end.error)
  }

  #finish(error: Error | undefined): void {
    if (this.#closed) return
    this.close()
    this.#events.onEnd(error)
  }
}
