// One client of the server: its handshake, then its requests, many at a time, on the disk of one export.
//
// Phases: handshake → serving → leaving (nothing new is read; what is in progress finishes) → closed.
// - Requests in progress are limited in number and payload bytes, those of this client and those of all
//   together; beyond that the socket is not read, so a flood waits in the client's own buffers. Bytes
//   count from before they are allocated until the reply that they are in has left.
// - One whole message is handed to the transport at a time, so replies cannot mix.
// - On NBD_CMD_DISC or a hang-up, requests in progress finish and then the disk is flushed if this
//   client changed it. During a shutdown, new requests get NBD_ESHUTDOWN.
// - A client that breaks the protocol loses its connection, and only it.

import { PlatterError } from '../base/errors'
import type { Disk } from '../disk/disk'
import * as nbd from './constants'
import { LINGER_TIMEOUT_MS } from './limits'
import { PayloadShare } from './payload-share'
import { costOf } from './request-cost'
import { RequestIntake } from './request-intake'
import type { RequestHeader } from './request-parser'
import { ServerClient } from './server-client'
import type { Agreement } from './server-handshake'
import { SessionGreeting } from './session-greeting'
import type { SessionOptions } from './session-options'
import { SessionRequests } from './session-requests'
import type { Transport, TransportEvents } from './transport'
import { validateRequest } from './validate'
import type { WireError } from './wire-errors'

type Phase = 'handshake' | 'serving' | 'leaving' | 'closed'

export class ServerSession implements TransportEvents {
  readonly client: ServerClient
  readonly #options: SessionOptions
  #transport: Transport
  readonly #greeting: SessionGreeting
  #intake: RequestIntake | undefined
  readonly #gone = new AbortController()
  /** Payload bytes of requests in progress and of replies that have not left. */
  readonly #share: PayloadShare
  #phase: Phase = 'handshake'
  #shuttingDown = false
  #agreement: Extract<Agreement, { kind: 'serve' }> | undefined
  #disk: Disk | undefined
  #requests: SessionRequests | undefined
  #transportGone = false
  #isGone = false
  #failure: PlatterError | undefined
  #cancelCut: () => void = () => undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#transport = options.transport
    const { id, transport } = options
    const inProgress = () => this.#inProgress
    this.client = new ServerClient(id, transport.peer, () => this.destroy(), inProgress)
    this.#share = new PayloadShare({
      budget: options.budget,
      limit: options.limits.bytes,
      onRoom: () => this.#goOn(),
      onStalled: (bytes) => this.#onStalled(bytes),
    })
    this.#greeting = new SessionGreeting({
      exports: options.exports,
      tls: options.tls,
      clock: options.clock,
      timeoutMs: options.limits.handshakeTimeoutMs,
      isClosing: () => this.#shuttingDown,
      send: (bytes, onSent) => this.#send(bytes, onSent),
      onAgreed: (agreement, rest) => this.#onAgreed(agreement, rest),
      onSecured: (transport) => this.#onSecured(transport),
      onTimeout: (error) => this.#breakOff(error),
      onInsecure: (error) => {
        this.#breakOff(asPlatterError(error))
        // Nobody else tells that a connection is gone which was lost between two transports.
        this.onClose(undefined)
      },
    })
  }

  /** The name of the export that the client chose. */
  get exportName(): string | undefined {
    return this.#agreement?.export.source.name
  }

  get #inProgress(): number {
    return this.#requests?.inProgress ?? 0
  }

  start(): void {
    this.#transport.start(this)
    this.#guard(() => this.#greeting.start(this.#transport))
  }

  onData(chunk: Uint8Array): void {
    if (this.#phase === 'handshake')
      this.#guard(() => this.#greeting.receive(chunk, this.#transport))
    else if (this.#phase === 'serving') this.#guard(() => this.#intake?.receive(chunk))
  }

  onDrain(): void {
    this.#requests?.onDrain()
    this.#goOn()
  }

  onClose(error: Error | undefined): void {
    if (this.#transportGone) return
    this.#transportGone = true
    if (this.#requests === undefined) this.#share.leave()
    else this.#requests.onGone()
    this.#greeting.stop()
    this.#cancelCut()
    this.#gone.abort()
    if (error !== undefined) this.#failure ??= new PlatterError('DISCONNECTED', error.message)
    if (this.#isGone) this.#options.onClosed()
    else if (this.#phase !== 'closed') this.#leave()
  }

  /** Lets what is in progress finish, refuses what comes meanwhile, flushes, and closes. */
  shutDown(): void {
    this.#shuttingDown = true
    if (this.#phase === 'serving') this.#finishIfIdle()
    else if (this.#phase === 'handshake') this.#leave()
  }

  /** Hangs up at once; what is in progress on the disk still finishes. */
  destroy(): void {
    this.#transport.destroy()
  }

  #onStalled(bytes: number): void {
    if (this.#transportGone) return
    const { stallTimeoutMs } = this.#options.limits
    const message = `held ${bytes} payload bytes for ${stallTimeoutMs} ms while others waited`
    this.#breakOff(new PlatterError('LIMIT', message))
  }

  #onAgreed(agreement: Agreement, rest: Uint8Array): void {
    if (agreement.kind === 'leave') {
      this.#leave()
      return
    }
    this.#serve(agreement)
    if (rest.length > 0) this.#intake?.receive(rest)
  }

  #onSecured(transport: Transport): void {
    this.#transport = transport
    if (this.#phase !== 'handshake') {
      transport.destroy()
      this.onClose(undefined)
      return
    }
    this.client.isSecure = true
    transport.start(this)
    this.#guard(() => this.#greeting.resume())
  }

  #serve(agreement: Extract<Agreement, { kind: 'serve' }>): void {
    const { source } = agreement.export
    const disk: Disk = source.open?.(this.client) ?? source.disk
    this.#agreement = agreement
    this.#disk = disk
    this.#requests = new SessionRequests({
      options: this.#options,
      client: this.client,
      share: this.#share,
      transport: this.#transport,
      connection: {
        disk,
        headers: agreement.headers,
        contexts: agreement.contexts,
        sendHoles: this.#options.sendHoles,
        options: { signal: this.#gone.signal },
        allocate: this.#options.buffers.take,
      },
      onEnded: () => {
        this.#finishIfIdle()
        this.#goOn()
      },
      onBroken: (error) => this.#breakOff(asPlatterError(error)),
    })
    const { receiveInto } = this.#transport
    this.#intake = new RequestIntake(
      {
        judge: (header) => this.#judge(header),
        mayTake: () => this.#mayTake(),
        admit: (header) => this.#phase === 'serving' && this.#share.take(costOf(header)),
        allocate: this.#options.buffers.take,
        ...(receiveInto && { pull: receiveInto }),
        onRequest: (header, payload, refusal) => this.#onRequest(header, payload, refusal),
      },
      agreement.headers === 'extended',
      this.#transport,
    )
    this.client.exportName = source.name
    this.#phase = 'serving'
    this.#options.onServing()
  }

  /** Reads on when there is room again. */
  #goOn(): void {
    if (this.#phase === 'serving') this.#guard(() => this.#intake?.goOn())
  }

  #mayTake(): boolean {
    const { requests } = this.#options.limits
    const isBlocked = this.#requests?.isBlocked === true
    return this.#phase === 'serving' && !isBlocked && this.#inProgress < requests
  }

  #judge(header: RequestHeader): WireError | undefined {
    const agreement = this.#agreement
    if (agreement === undefined || header.command === nbd.NBD_CMD_DISC) return undefined
    const rules = { ...agreement, contexts: agreement.contexts.length }
    const refusal = validateRequest(header, rules)
    if (refusal !== undefined || !this.#shuttingDown) return refusal
    return { errno: nbd.NBD_ESHUTDOWN, message: 'the server is shutting down' }
  }

  #onRequest(header: RequestHeader, payload: Uint8Array, refusal: WireError | undefined): void {
    const requests = this.#requests
    if (requests === undefined || this.#phase !== 'serving') return
    if (header.command === nbd.NBD_CMD_DISC) {
      this.#leave()
      return
    }
    if (refusal !== undefined) requests.refuse(header, refusal)
    else requests.start(header, payload)
  }

  #finishIfIdle(): void {
    if (this.#inProgress > 0) return
    if (this.#phase === 'leaving') void this.#finish()
    else if (this.#phase === 'serving' && this.#shuttingDown) this.#leave()
  }

  #send(bytes: Uint8Array, onSent?: () => void): void {
    if (this.#transportGone) return
    this.#transport.write(bytes, onSent)
  }

  /** Takes nothing more; goes on to the end once nothing is in progress. */
  #leave(): void {
    if (this.#phase === 'leaving' || this.#phase === 'closed') return
    this.#phase = 'leaving'
    this.#greeting.stop()
    this.#intake?.close()
    this.#share.withdraw()
    if (this.#inProgress === 0) void this.#finish()
  }

  async #finish(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    if (this.#requests?.hasChanged === true) {
      try {
        await this.#disk?.flush()
      } catch (error) {
        this.#failure ??= asPlatterError(error)
      }
    }
    if (!this.#transportGone) {
      this.#transport.end()
      // The socket is read no more: what the client still sends must not keep it open.
      this.#intake?.drain()
      this.#cancelCut = this.#options.clock.after(LINGER_TIMEOUT_MS, () => this.destroy())
    }
    this.client.markGone()
    this.#isGone = true
    this.#options.onGone(this.#failure)
    if (this.#transportGone) this.#options.onClosed()
  }

  /** Runs a step on what the client sent; a violation costs it the connection. */
  #guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (!(error instanceof PlatterError)) {
        this.#breakOff(new PlatterError('DISCONNECTED', 'closed after a fault'))
        throw error
      }
      this.#breakOff(error)
    }
  }

  #breakOff(error: PlatterError): void {
    const { code, message } = error
    this.#failure ??= new PlatterError(code, `NBD client ${this.client.name}: ${message}`)
    this.#transport.destroy()
    this.#leave()
  }
}

const asPlatterError = (error: unknown): PlatterError =>
  error instanceof PlatterError ? error : new PlatterError('IO_ERROR', String(error))
