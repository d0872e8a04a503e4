// Two transports joined back to back in memory, for tests: what one writes the other receives in a
// later turn, cut into pieces of `cut` bytes if asked, out of a buffer that is overwritten afterwards,
// as a socket's is. A paused end receives nothing and its peer's writes report that they wait.

import type { Transport, TransportEvents } from './transport'

export interface TransportPairOptions {
  readonly cut?: number
  /** Both ends have receiveInto(); it gives at most `cut` bytes at a time. */
  readonly pulls?: boolean
  /** Bytes under way before a write reports false. */
  readonly highWater?: number
}

interface Piece {
  readonly bytes: Uint8Array
  readonly onSent: () => void
}

export class PairedTransport implements Transport {
  readonly peer: string
  readonly receiveInto: ((target: Uint8Array) => number) | undefined
  readonly #cut: number
  readonly #highWater: number
  #other: PairedTransport | undefined
  #events: TransportEvents | undefined
  #incoming: Piece[] = []
  #incomingBytes = 0
  #paused = false
  #ending = false
  #closed = false
  #scheduled = false
  #mustDrain = false
  #closeError: Error | undefined
  /** All that was written, for tests that look. */
  readonly written: Uint8Array[] = []

  constructor(peer: string, options: TransportPairOptions = {}) {
    this.peer = peer
    this.#cut = options.cut ?? Number.POSITIVE_INFINITY
    this.#highWater = options.highWater ?? Number.POSITIVE_INFINITY
    this.receiveInto = options.pulls ? (target) => this.#pull(target) : undefined
  }

  static pair(options: TransportPairOptions = {}): [PairedTransport, PairedTransport] {
    const a = new PairedTransport('pair:a', options)
    const b = new PairedTransport('pair:b', options)
    a.#other = b
    b.#other = a
    return [a, b]
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get isPaused(): boolean {
    return this.#paused
  }

  start(events: TransportEvents): void {
    this.#events = events
    this.#schedule()
  }

  write(chunk: Uint8Array, onSent: () => void = () => undefined): boolean {
    const other = this.#other
    if (other === undefined || other.#closed || this.#closed || this.#ending) {
      queueMicrotask(onSent)
      return true
    }
    this.written.push(chunk.slice())
    other.#incoming.push({ bytes: chunk, onSent })
    other.#incomingBytes += chunk.length
    other.#schedule()
    const free = other.#incomingBytes <= this.#highWater
    if (!free) this.#mustDrain = true
    return free
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  end(): void {
    this.#ending = true
    this.#wakeOther()
    this.#schedule()
  }

  destroy(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#closeError = error
    this.#drop()
    queueMicrotask(() => this.#events?.onClose(this.#closeError))
    this.#wakeOther()
  }

  /** What was on the way to this end is lost. */
  #drop(): void {
    for (const { onSent } of this.#incoming.splice(0)) queueMicrotask(onSent)
  }

  #wakeOther(): void {
    const other = this.#other
    if (other !== undefined) other.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #pull(target: Uint8Array): number {
    const next = this.#paused || this.#closed ? undefined : this.#incoming.shift()
    if (next === undefined) return 0
    const count = Math.min(target.length, next.bytes.length, this.#cut)
    target.set(next.bytes.subarray(0, count))
    this.#taken(next, count)
    return count
  }

  /** The first `count` bytes of a piece have been received. */
  #taken({ bytes, onSent }: Piece, count: number): void {
    if (count === bytes.length) queueMicrotask(onSent)
    else this.#incoming.unshift({ bytes: bytes.subarray(count), onSent })
    this.#incomingBytes -= count
  }

  #deliver(): void {
    const events = this.#events
    if (events === undefined || this.#closed) return
    while (!this.#paused && !this.#closed) {
      const next = this.#incoming.shift()
      if (next === undefined) break
      const piece = next.bytes.slice(0, this.#cut)
      this.#taken(next, piece.length)
      events.onData(piece)
      piece.fill(0xee)
    }
    const other = this.#other
    if (other === undefined) return
    if (other.#mustDrain && this.#incomingBytes === 0) {
      other.#mustDrain = false
      queueMicrotask(() => other.#events?.onDrain())
    }
    // As with a socket that may not stay half open: the other side's end is ours as well.
    const theyAreGone = other.#ending || other.#closed
    if (theyAreGone && this.#incoming.length === 0) this.destroy()
  }
}
