// One client of the server: its handshake, then its requests, many at a time, on the disk of one export.
//
// Phases: handshake → serving → leaving (nothing new is read; what is in progress finishes) → closed.
// - Requests in progress are limited in number and payload bytes; beyond that the socket is not read,
//   so a flood waits in the client's own buffers. The same holds while replies pile up unsent.
// - One whole message is handed to the transport at a time, so replies cannot mix.
// - On NBD_CMD_DISC or a hang-up, requests in progress finish and then the disk is flushed if this
//   client changed it. During a shutdown, new requests get NBD_ESHUTDOWN.
// - A client that breaks the protocol loses its connection, and only it.

import type { Clock } from '../base/clock'
import { PlatterError } from '../base/errors'
import type { Disk } from '../disk/disk'
import * as nbd from './constants'
import type { ExportSource } from './export-registry'
import { ScriptRunner } from './handshake-script'
import type { ServerLimits } from './limits'
import { LINGER_TIMEOUT_MS } from './limits'
import type { RequestHeader } from './request-parser'
import { RequestParser } from './request-parser'
import type { ServedConnection } from './serve-request'
import { encodeFailure, failureOf, serveRequest } from './serve-request'
import { ServerClient } from './server-client'
import type { Agreement } from './server-handshake'
import { serverHandshake } from './server-handshake'
import type { Transport, TransportEvents } from './transport'
import { validateRequest } from './validate'
import type { WireError } from './wire-errors'

export interface SessionOptions {
  readonly id: number
  readonly transport: Transport
  readonly exports: ExportSource
  readonly clock: Clock
  readonly limits: ServerLimits
  readonly sendHoles: boolean
  /** The handshake is done. */
  onServing(session: ServerSession): void
  /** Once, when the disk is left alone; `error` when it was not an orderly end. */
  onGone(session: ServerSession, error: PlatterError | undefined): void
  /** Once, after onGone, when the connection is closed as well: every reply has been sent or lost. */
  onClosed(session: ServerSession): void
}

type Phase = 'handshake' | 'serving' | 'leaving' | 'closed'

export class ServerSession implements TransportEvents {
  readonly client: ServerClient
  readonly #options: SessionOptions
  readonly #transport: Transport
  readonly #runner: ScriptRunner<Agreement>
  readonly #parser: RequestParser
  readonly #gone = new AbortController()
  readonly #cancelHandshakeTimer: () => void
  #phase: Phase = 'handshake'
  #shuttingDown = false
  #agreement: Extract<Agreement, { kind: 'serve' }> | undefined
  #connection: ServedConnection | undefined
  /** Bytes received and not parsed: the limits were reached in the middle of a chunk. */
  #held: Uint8Array | undefined
  #paused = false
  #blocked = false
  #inProgress = 0
  #bytesInProgress = 0
  #changed = false
  #transportGone = false
  #isGone = false
  #failure: PlatterError | undefined
  #cancelCut: () => void = () => undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#transport = options.transport
    this.client = new ServerClient(options.id, options.transport.peer, () => this.destroy())
    const script = serverHandshake({
      exports: options.exports,
      isClosing: () => this.#shuttingDown,
    })
    this.#runner = new ScriptRunner(script, (bytes) => this.#send(bytes))
    this.#parser = new RequestParser({
      judge: (header) => this.#judge(header),
      mayTake: () => this.#mayTake(),
      onRequest: (header, payload, refusal) => this.#onRequest(header, payload, refusal),
    })
    const { handshakeTimeoutMs } = options.limits
    this.#cancelHandshakeTimer = options.clock.after(handshakeTimeoutMs, () => {
      const message = `no handshake within ${handshakeTimeoutMs} ms (${this.#runner.stage})`
      this.#breakOff(new PlatterError('TIMEOUT', message))
    })
  }

  /** The name of the export that the client chose. */
  get exportName(): string | undefined {
    return this.#agreement?.export.source.name
  }

  start(): void {
    this.#transport.start(this)
    this.#guard(() => this.#runner.start())
  }

  onData(chunk: Uint8Array): void {
    if (this.#phase === 'handshake') this.#guard(() => this.#handshake(chunk))
    else if (this.#phase === 'serving') this.#guard(() => this.#parse(chunk))
  }

  onDrain(): void {
    this.#blocked = false
    this.#goOn()
  }

  onClose(error: Error | undefined): void {
    this.#transportGone = true
    this.#cancelHandshakeTimer()
    this.#cancelCut()
    this.#gone.abort()
    if (error !== undefined) this.#failure ??= new PlatterError('DISCONNECTED', error.message)
    if (this.#isGone) this.#options.onClosed(this)
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

  #handshake(chunk: Uint8Array): void {
    this.#runner.receive(chunk)
    const { result } = this.#runner
    if (result === undefined) return
    this.#cancelHandshakeTimer()
    if (result.value.kind === 'leave') {
      this.#leave()
      return
    }
    this.#serve(result.value)
    if (result.rest.length > 0) this.#parse(result.rest)
  }

  #serve(agreement: Extract<Agreement, { kind: 'serve' }>): void {
    const { source } = agreement.export
    const disk: Disk = source.open?.(this.client) ?? source.disk
    this.#agreement = agreement
    this.#connection = {
      disk,
      structured: agreement.structured,
      contexts: agreement.contexts,
      sendHoles: this.#options.sendHoles,
      signal: this.#gone.signal,
    }
    this.client.exportName = source.name
    this.#phase = 'serving'
    this.#options.onServing(this)
  }

  #parse(chunk: Uint8Array): void {
    if (this.#held !== undefined) {
      // Arrived although the transport was paused: it waits behind what is held.
      const both = new Uint8Array(this.#held.length + chunk.length)
      both.set(this.#held)
      both.set(chunk, this.#held.length)
      this.#held = both
      return
    }
    const taken = this.#parser.receive(chunk)
    if (this.#phase === 'serving' && taken < chunk.length) this.#held = chunk.slice(taken)
    this.#balance()
  }

  /** Reads on when there is room again. */
  #goOn(): void {
    if (this.#phase !== 'serving') return
    const held = this.#held
    if (held !== undefined && this.#mayTake()) {
      this.#held = undefined
      this.#guard(() => this.#parse(held))
    }
    this.#balance()
  }

  /** Receives from the socket only while there is nothing held back and room for more. */
  #balance(): void {
    const full = this.#held !== undefined || !this.#mayTake()
    if (full === this.#paused || this.#phase !== 'serving') return
    this.#paused = full
    if (full) this.#transport.pause()
    else this.#transport.resume()
  }

  #mayTake(): boolean {
    const { requests, bytes } = this.#options.limits
    return (
      this.#phase === 'serving' &&
      !this.#blocked &&
      this.#inProgress < requests &&
      (this.#bytesInProgress < bytes || this.#inProgress === 0)
    )
  }

  #judge(header: RequestHeader): WireError | undefined {
    const agreement = this.#agreement
    if (agreement === undefined || header.command === nbd.NBD_CMD_DISC) return undefined
    const { structured, contexts } = agreement
    const rules = { export: agreement.export, structured, contexts: contexts.length }
    const refusal = validateRequest(header, rules)
    if (refusal !== undefined || !this.#shuttingDown) return refusal
    return { errno: nbd.NBD_ESHUTDOWN, message: 'the server is shutting down' }
  }

  #onRequest(header: RequestHeader, payload: Uint8Array, refusal: WireError | undefined): void {
    const connection = this.#connection
    if (connection === undefined || this.#phase !== 'serving') return
    if (header.command === nbd.NBD_CMD_DISC) {
      this.#leave()
      return
    }
    if (refusal !== undefined) {
      this.client.countFailure()
      this.#send(encodeFailure(header, refusal, connection.structured))
      return
    }
    void this.#perform(header, payload, connection)
  }

  async #perform(
    header: RequestHeader,
    payload: Uint8Array,
    connection: ServedConnection,
  ): Promise<void> {
    const cost = payloadOf(header)
    this.#inProgress++
    this.#bytesInProgress += cost
    if (changesDisk(header)) this.#changed = true
    let messages: Uint8Array[]
    try {
      messages = await serveRequest(header, payload, connection)
      this.client.count(header)
    } catch (error) {
      this.client.countFailure()
      messages = [encodeFailure(header, failureOf(header, error), connection.structured)]
    }
    for (const message of messages) this.#send(message)
    this.#inProgress--
    this.#bytesInProgress -= cost
    this.#finishIfIdle()
    this.#goOn()
  }

  #finishIfIdle(): void {
    if (this.#inProgress > 0) return
    if (this.#phase === 'leaving') void this.#finish()
    else if (this.#phase === 'serving' && this.#shuttingDown) this.#leave()
  }

  #send(bytes: Uint8Array): void {
    if (this.#transportGone) return
    if (!this.#transport.write(bytes)) this.#blocked = true
  }

  /** Takes nothing more; goes on to the end once nothing is in progress. */
  #leave(): void {
    if (this.#phase === 'leaving' || this.#phase === 'closed') return
    this.#phase = 'leaving'
    this.#cancelHandshakeTimer()
    this.#held = undefined
    if (this.#inProgress === 0) void this.#finish()
  }

  async #finish(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    const connection = this.#connection
    if (this.#changed && connection !== undefined) {
      try {
        await connection.disk.flush()
      } catch (error) {
        this.#failure ??= asPlatterError(error)
      }
    }
    if (!this.#transportGone) {
      this.#transport.end()
      // The socket is read no more: what the client still sends must not keep it open.
      if (this.#paused) this.#transport.resume()
      this.#cancelCut = this.#options.clock.after(LINGER_TIMEOUT_MS, () => this.destroy())
    }
    this.client.markGone()
    this.#isGone = true
    this.#options.onGone(this, this.#failure)
    if (this.#transportGone) this.#options.onClosed(this)
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

const payloadOf = (header: RequestHeader): number =>
  header.command === nbd.NBD_CMD_READ || header.command === nbd.NBD_CMD_WRITE ? header.length : 0

const changesDisk = (header: RequestHeader): boolean =>
  header.command === nbd.NBD_CMD_WRITE ||
  header.command === nbd.NBD_CMD_TRIM ||
  header.command === nbd.NBD_CMD_WRITE_ZEROES

const asPlatterError = (error: unknown): PlatterError =>
  error instanceof PlatterError ? error : new PlatterError('IO_ERROR', String(error))
