// Sends placed bytes over a socket of Node's, in one line with what is written there in the ordinary way:
// with sendfile, without a copy, unless the disk says that its pages are not to be handed out.
//
// The line is idle when nothing placed is under way: then writes go to Node's stream as always. From the
// first placed bytes on, everything waits here in its order. Only when Node has nothing left to write is
// the socket touched past it. When the send buffer is full, a small piece goes through Node, which waits
// for room with the event loop, and says when it has left.

import type { Socket } from 'node:net'
import type { Placement } from '../disk/placement'
import type { PlacedBytes } from '../nbd/transport'
import type { SocketCalls } from './socket-calls'
import { descriptorOf } from './socket-descriptor'

interface OrdinaryBytes {
  readonly bytes: Uint8Array
  readonly onSent: (() => void) | undefined
}

/** Bytes held in the line before a writer is asked to wait. */
const HIGH_WATER = 1024 * 1024
/** What goes through Node when the send buffer is full. */
const WAIT_PIECE = 4096
/** What is read at a time when bytes turn out not to be in memory. */
const READ_PIECE = 256 * 1024
/** Sent in one go before others have their turn. */
const TURN = 4 * 1024 * 1024
/** Fewer waits for room; a page that waits in the socket takes no memory of its own. */
const SEND_BUFFER = 1024 * 1024

export class PlacedSender {
  /** Called once when the line becomes idle. */
  onIdle: () => void = () => undefined
  readonly #socket: Socket
  readonly #fd: number
  readonly #calls: SocketCalls
  readonly #onDrain: () => void
  #line: (PlacedBytes | OrdinaryBytes)[] = []
  #heldBytes = 0
  #mustDrain = false
  #isBusy = false
  #hasBuffer = false
  /** What must not leave as pages passes through here. */
  #copied: Uint8Array | undefined
  /** Of the first in the line: bytes of its header and of itself that have left. */
  #headerSent = 0
  #sent = 0

  /** `undefined` where the system or the socket has no such way. */
  static of(socket: Socket, calls: SocketCalls | undefined, onDrain: () => void) {
    const fd = descriptorOf(socket)
    if (calls === undefined || fd === undefined) return undefined
    return new PlacedSender(socket, fd, calls, onDrain)
  }

  private constructor(socket: Socket, fd: number, calls: SocketCalls, onDrain: () => void) {
    this.#socket = socket
    this.#fd = fd
    this.#calls = calls
    this.#onDrain = onDrain
  }

  get isIdle(): boolean {
    return this.#line.length === 0
  }

  /** False: wait for the drain before more. */
  queue(item: PlacedBytes | OrdinaryBytes): boolean {
    if (!this.#hasBuffer) {
      this.#hasBuffer = true
      this.#calls.setSendBuffer(this.#fd, SEND_BUFFER)
    }
    this.#line.push(item)
    this.#heldBytes += heldBy(item)
    if (!this.#isBusy) this.#pump()
    if (this.#heldBytes <= HIGH_WATER) return true
    this.#mustDrain = true
    return false
  }

  /** The connection is gone, and so is all that waited for it. */
  drop(): void {
    const line = this.#line
    this.#line = []
    this.#heldBytes = 0
    for (const item of line) {
      if ('bytes' in item) item.onSent?.()
      else item.onLost()
    }
  }

  #pump(): void {
    try {
      let turn = TURN
      for (let item = this.#line[0]; item !== undefined; item = this.#line[0]) {
        if (turn <= 0) {
          this.#wait((resume) => setImmediate(resume))
          return
        }
        turn -= lengthOf(item)
        if ('bytes' in item) this.#passOn(item)
        else if (this.#send(item)) item.onSent()
        else return
      }
    } catch (error) {
      this.#socket.destroy(error as Error)
      return
    }
    this.#settle()
  }

  /** Runs `start` and goes on when it calls back; the line stands meanwhile. */
  #wait(start: (resume: () => void) => void): void {
    this.#isBusy = true
    start(() => {
      this.#isBusy = false
      if (!this.#socket.destroyed) this.#pump()
    })
  }

  #passOn(item: OrdinaryBytes): void {
    this.#socket.write(item.bytes, item.onSent)
    this.#next(item)
  }

  /** False: the line waits. */
  #send(item: PlacedBytes): boolean {
    if (!this.#sendHeader(item.header)) return false
    while (this.#sent < item.length) {
      const placement = item.place(this.#sent)
      const taken = placement === undefined ? -1 : this.#take(placement)
      if (taken <= 0) {
        // No room; or not in memory; or the file ends before the disk does, which reading finds out.
        this.#read(item, taken === 0 ? WAIT_PIECE : READ_PIECE)
        return false
      }
      this.#sent += taken
    }
    this.#next(item)
    return true
  }

  #sendHeader(header: Uint8Array): boolean {
    const mayBypass = this.#socket.writableLength === 0
    if (mayBypass && this.#headerSent < header.length) {
      this.#headerSent += this.#calls.send(this.#fd, header.subarray(this.#headerSent))
    }
    if (mayBypass && this.#headerSent === header.length) return true
    const rest = header.subarray(this.#headerSent)
    this.#headerSent = header.length
    this.#through(rest)
    return false
  }

  /** As SocketCalls.sendFile() has it. */
  #take({ file, offset, length, mustCopy }: Placement): number {
    if (file === undefined) {
      return this.#calls.send(this.#fd, ZEROES.subarray(0, Math.min(length, ZEROES.length)))
    }
    if (mustCopy !== true) return this.#calls.sendFile(this.#fd, file.fd, offset, length)
    this.#copied ??= new Uint8Array(READ_PIECE)
    const piece = this.#copied.subarray(0, Math.min(length, READ_PIECE))
    return file.readNow(piece, offset) ? this.#calls.send(this.#fd, piece) : -1
  }

  /** The next piece goes through memory and through Node. */
  #read(item: PlacedBytes, most = READ_PIECE): void {
    const piece = new Uint8Array(Math.min(most, item.length - this.#sent))
    if (isReadNow(item.place(this.#sent), piece)) {
      this.#sent += piece.length
      this.#through(piece)
      return
    }
    this.#isBusy = true
    item.read(piece, this.#sent).then(
      () => {
        if (this.#socket.destroyed) return
        this.#sent += piece.length
        this.#through(piece)
      },
      (error: unknown) => {
        if (this.#socket.destroyed) return
        this.#next(item)
        item.onLost(error)
      },
    )
  }

  #through(bytes: Uint8Array): void {
    this.#wait((resume) => this.#socket.write(bytes, () => resume()))
  }

  #next(item: PlacedBytes | OrdinaryBytes): void {
    this.#line.shift()
    this.#heldBytes -= heldBy(item)
    this.#headerSent = 0
    this.#sent = 0
  }

  #settle(): void {
    const { onIdle } = this
    this.onIdle = () => undefined
    onIdle()
    if (!this.#mustDrain || this.#socket.writableNeedDrain) return
    this.#mustDrain = false
    this.#onDrain()
  }
}

const ZEROES = new Uint8Array(64 * 1024)

function isReadNow(placement: Placement | undefined, target: Uint8Array): boolean {
  if (placement === undefined || placement.length < target.length) return false
  if (placement.file === undefined) return true
  return placement.file.readNow(target, placement.offset)
}

/** What it holds in memory while it waits. */
const heldBy = (item: PlacedBytes | OrdinaryBytes): number =>
  'bytes' in item ? item.bytes.length : item.header.length

const lengthOf = (item: PlacedBytes | OrdinaryBytes): number =>
  'bytes' in item ? item.bytes.length : item.length
