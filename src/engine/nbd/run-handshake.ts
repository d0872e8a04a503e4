// Drives a handshake script over a transport: feeds it, limits its time, and turns a hang-up, a timeout
// or a cancel into an error that names the stage. At the end the transport passes, in the same turn and
// with every byte that came early, to whoever `finish` names; nothing can slip in between.

import { assert } from '../base/assert'
import type { Clock } from '../base/clock'
import { abortedError, PlatterError } from '../base/errors'
import { EXPORT_NAME_STAGE } from './client-handshake'
import type { Script } from './handshake-script'
import { ScriptRunner } from './handshake-script'
import { DISCONNECT_TIMEOUT_MS } from './limits'
import type { Transport, TransportEvents } from './transport'

export interface HandshakeOptions<T, R> {
  readonly transport: Transport
  readonly script: Script<T>
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Encrypts a connection that has been started: what is returned stands in its place. */
  readonly secure?: SecureTransport | undefined
  /** Takes the connection over; without `events` it is closed. */
  finish(value: T, transport: Transport): { readonly result: R; readonly events?: TransportEvents }
}

export type SecureTransport = (transport: Transport, signal: AbortSignal) => Promise<Transport>

export function runHandshake<T, R>(options: HandshakeOptions<T, R>): Promise<R> {
  return new Promise((resolve, reject) => {
    new HandshakeRun(options, resolve, reject).start()
  })
}

class HandshakeRun<T, R> implements TransportEvents {
  readonly #options: HandshakeOptions<T, R>
  readonly #resolve: (result: R) => void
  readonly #reject: (error: unknown) => void
  readonly #runner: ScriptRunner<T>
  #transport: Transport
  /** Ends an encryption that is under way when the handshake fails. */
  readonly #over = new AbortController()
  #securing = false
  /** Encrypted, and nothing has come since: a server that refuses our certificate hangs up now. */
  #unproven = false
  #cancelTimer: () => void = () => undefined
  #settled = false
  #next: TransportEvents | undefined

  constructor(
    options: HandshakeOptions<T, R>,
    resolve: (result: R) => void,
    reject: (error: unknown) => void,
  ) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    this.#transport = options.transport
    this.#runner = new ScriptRunner(options.script, (bytes) => this.#transport.write(bytes))
  }

  start(): void {
    const { clock, timeoutMs, signal } = this.#options
    this.#transport.start(this)
    if (signal?.aborted) {
      this.#fail(abortedError(signal, 'handshake'))
      return
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.#cancelTimer = clock.after(timeoutMs, () => {
      const message = `no answer for ${timeoutMs} ms, waiting for ${this.#runner.stage}`
      this.#fail(new PlatterError('TIMEOUT', message))
    })
    this.#attempt(() => this.#runner.start())
  }

  onData(chunk: Uint8Array): void {
    this.#unproven = false
    if (this.#next !== undefined) this.#next.onData(chunk)
    else if (!this.#settled) this.#attempt(() => this.#runner.receive(chunk))
  }

  onDrain(): void {
    this.#next?.onDrain()
  }

  onClose(error: Error | undefined): void {
    // Whoever is encrypting it says what went wrong.
    if (this.#securing) return
    if (this.#next !== undefined) {
      this.#next.onClose(error)
      return
    }
    this.#cancelTimer()
    const { stage } = this.#runner
    const hint = this.#unproven
      ? ', right after the TLS handshake: it probably wants a certificate that it knows'
      : stage === EXPORT_NAME_STAGE
        ? ': it probably has no such export'
        : ''
    const why = error === undefined ? '' : ` (${error.message})`
    const code = stage === EXPORT_NAME_STAGE ? 'EXPORT_UNKNOWN' : 'DISCONNECTED'
    this.#fail(new PlatterError(code, `the server hung up before ${stage}${hint}${why}`))
  }

  readonly #onAbort = (): void => {
    const { signal } = this.#options
    if (signal !== undefined) this.#fail(abortedError(signal, 'handshake'))
  }

  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#runner.wantsSecurity && !this.#securing) void this.#secure()
    const { result } = this.#runner
    if (result === undefined || this.#settled) return
    this.#settle()
    const taken = this.#options.finish(result.value, this.#transport)
    this.#next = taken.events
    if (taken.events === undefined) this.#hangUp()
    else if (result.rest.length > 0) taken.events.onData(result.rest)
    this.#resolve(taken.result)
  }

  async #secure(): Promise<void> {
    this.#securing = true
    try {
      const { secure } = this.#options
      assert(secure !== undefined, 'a script that wants TLS has somebody who does it')
      const transport = await secure(this.#transport, this.#over.signal)
      this.#securing = false
      this.#unproven = true
      this.#transport = transport
      if (this.#settled) this.#hangUp()
      else {
        transport.start(this)
        this.#attempt(() => this.#runner.resume())
      }
    } catch (error) {
      this.#securing = false
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#settled) return
    this.#settle()
    this.#over.abort(error)
    this.#hangUp()
    const { peer } = this.#transport
    this.#reject(
      error instanceof PlatterError
        ? new PlatterError(error.code, `NBD ${peer}: ${error.message}`, {
            cause: error.cause,
            data: error.data,
          })
        : error,
    )
  }

  /** What the script said last (an abort) still goes out; a peer that holds on is cut off. */
  #hangUp(): void {
    const transport = this.#transport
    transport.end()
    this.#cancelTimer = this.#options.clock.after(DISCONNECT_TIMEOUT_MS, () => transport.destroy())
  }

  #settle(): void {
    this.#settled = true
    this.#cancelTimer()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }
}
