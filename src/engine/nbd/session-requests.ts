// The requests of one client, from the moment when one is whole to the moment when its answer has left:
// who carries it out, what is counted and logged, and what of the client's share is free again.

import * as nbd from './constants'
import type { PayloadShare } from './payload-share'
import { encodeFailure } from './reply-encoder'
import { changesDisk, costOf } from './request-cost'
import type { RequestHeader } from './request-parser'
import type { PartsOutcome } from './serve-placed'
import { placeRead, sendParts } from './serve-placed'
import type { ServedConnection } from './serve-request'
import { failureOf, serveRequest } from './serve-request'
import type { ServerClient } from './server-client'
import type { SessionOptions } from './session-options'
import type { Transport } from './transport'
import type { WireError } from './wire-errors'

export interface RequestsOwner {
  readonly options: Pick<SessionOptions, 'buffers' | 'clock' | 'log'>
  readonly client: ServerClient
  readonly connection: ServedConnection
  readonly share: PayloadShare
  readonly transport: Transport
  /** A request has ended, in one way or another: there may be room, or nothing left in progress. */
  onEnded(): void
  /** An answer that had begun cannot be finished. */
  onBroken(error: unknown): void
}

export class SessionRequests {
  readonly #owner: RequestsOwner
  #inProgress = 0
  #hasChanged = false
  #isBlocked = false
  #isGone = false

  constructor(owner: RequestsOwner) {
    this.#owner = owner
  }

  get inProgress(): number {
    return this.#inProgress
  }

  /** This client changed the disk, or tried to. */
  get hasChanged(): boolean {
    return this.#hasChanged
  }

  /** Answers wait for the client to take some. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  onDrain(): void {
    this.#isBlocked = false
  }

  /** The connection is gone: answers are lost from now on. */
  onGone(): void {
    this.#isGone = true
    this.#leaveShare()
  }

  refuse(header: RequestHeader, refusal: WireError): void {
    this.#fail(header, refusal, this.#owner.options.clock.now())
    this.#send(encodeFailure(header, refusal, this.#owner.connection.headers))
  }

  start(header: RequestHeader, payload: Uint8Array): void {
    if (header.command === nbd.NBD_CMD_READ && this.#readPlaced(header)) return
    void this.#perform(header, payload)
  }

  /** False: it is not known where the bytes lie. */
  #readPlaced(header: RequestHeader): boolean {
    const { connection, transport, options } = this.#owner
    const startedMs = options.clock.now()
    const parts = placeRead(header, connection, transport.sendPlaced !== undefined)
    if (parts === undefined) return false
    const [only, second] = parts
    if (only !== undefined && 'message' in only && second === undefined) {
      this.#succeedPlaced(header, startedMs)
      this.#answer([only.message], costOf(header))
      return true
    }
    this.#inProgress++
    const isFree = sendParts(parts, connection, transport, (outcome) =>
      this.#endPlaced(header, startedMs, outcome),
    )
    if (!isFree) this.#isBlocked = true
    return true
  }

  #endPlaced(header: RequestHeader, startedMs: number, { isLost, error }: PartsOutcome): void {
    this.#inProgress--
    this.#leaveShare()
    if (!isLost) this.#succeedPlaced(header, startedMs)
    if (error !== undefined) this.#owner.onBroken(error)
    this.#release(costOf(header))
  }

  #succeedPlaced(header: RequestHeader, startedMs: number): void {
    this.#succeed(header, startedMs)
    this.#owner.connection.disk.placed?.noteRead?.(header.offset, header.length)
  }

  async #perform(header: RequestHeader, payload: Uint8Array): Promise<void> {
    const { connection, options } = this.#owner
    this.#inProgress++
    if (changesDisk(header)) this.#hasChanged = true
    const startedMs = options.clock.now()
    let messages: Uint8Array[]
    try {
      messages = await serveRequest(header, payload, connection)
      this.#succeed(header, startedMs)
      // After a failure something may still be under way in it.
      if (payload.length > 0) options.buffers.give(payload)
    } catch (error) {
      const failure = failureOf(header, error)
      this.#fail(header, failure, startedMs)
      messages = [encodeFailure(header, failure, connection.headers)]
    }
    this.#inProgress--
    this.#leaveShare()
    this.#answer(messages, costOf(header))
    this.#owner.onEnded()
  }

  #succeed(header: RequestHeader, startedMs: number): void {
    this.#owner.client.count(header)
    this.#note(header, nbd.NBD_SUCCESS, startedMs)
  }

  #fail(header: RequestHeader, failure: WireError, startedMs: number): void {
    this.#owner.client.countFailure()
    this.#note(header, failure.errno, startedMs)
  }

  #note(header: RequestHeader, errno: number, startedMs: number): void {
    const { log, clock } = this.#owner.options
    log?.add(this.#owner.client.id, header, errno, startedMs, clock.now())
  }

  #answer(messages: readonly Uint8Array[], cost: number): void {
    const [only, second] = messages
    if (only !== undefined && second === undefined) {
      this.#send(only, cost > 0 ? () => this.#release(cost, only) : undefined)
      return
    }
    const last = messages.at(-1)
    for (const message of messages) {
      this.#send(message, message === last && cost > 0 ? () => this.#release(cost) : undefined)
    }
  }

  #send(bytes: Uint8Array, onSent?: () => void): void {
    if (this.#isGone) return
    if (!this.#owner.transport.write(bytes, onSent)) this.#isBlocked = true
  }

  /** What a request took is free; with the message of a read, its buffer too. */
  #release(cost: number, message?: Uint8Array): void {
    if (!this.#isGone) {
      // A connection that was cut may have kept the system from taking all of a message.
      if (message !== undefined) this.#owner.options.buffers.give(message)
      this.#owner.share.give(cost)
    }
    this.#owner.onEnded()
  }

  /** Once the client is gone, and no disk works on its requests: their bytes are memory until then. */
  #leaveShare(): void {
    if (!this.#isGone) return
    if (this.#inProgress === 0) this.#owner.share.leave()
    else this.#owner.share.withdraw()
  }
}
