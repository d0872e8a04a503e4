// The handshake of one client: runs its script, limits its time, and has the connection encrypted when
// the script asks for it. It ends with an agreement, or by failing; then its owner goes on alone.

import { assert } from '../base/assert'
import type { Clock } from '../base/clock'
import { PlatterError } from '../base/errors'
import type { ExportSource } from './export-registry'
import { ScriptRunner } from './handshake-script'
import { MAX_UNSENT_REPLIES } from './limits'
import type { Agreement, TlsMode } from './server-handshake'
import { serverHandshake } from './server-handshake'
import type { Transport } from './transport'

/** How a server encrypts connections, and whether it insists on it. */
export interface ServerTls {
  readonly mode: Exclude<TlsMode, 'off'>
  /** Encrypts a connection that has been started: what is returned stands in its place. */
  secure(transport: Transport, signal: AbortSignal): Promise<Transport>
}

export interface GreetingOptions {
  readonly exports: ExportSource
  readonly tls: ServerTls | undefined
  readonly clock: Clock
  readonly timeoutMs: number
  isClosing(): boolean
  send(bytes: Uint8Array, onSent: () => void): void
  /** `rest` came after the last option. */
  onAgreed(agreement: Agreement, rest: Uint8Array): void
  /** The connection goes on over this one, which has not been started. */
  onSecured(transport: Transport): void
  onTimeout(error: PlatterError): void
  /** It could not be encrypted, and is lost. */
  onInsecure(error: unknown): void
}

export class SessionGreeting {
  readonly #options: GreetingOptions
  readonly #runner: ScriptRunner<Agreement>
  readonly #cancelTimer: () => void
  /** Ends an encryption that is under way, however slow the client is. */
  readonly #over = new AbortController()
  #securing = false
  /** Bytes of replies that have not left. */
  #unsent = 0

  constructor(options: GreetingOptions) {
    const { exports, clock, timeoutMs, tls } = options
    this.#options = options
    const script = serverHandshake({
      exports,
      isClosing: () => options.isClosing(),
      isFlooded: () => this.#unsent > MAX_UNSENT_REPLIES,
      tls: tls?.mode ?? 'off',
    })
    this.#runner = new ScriptRunner(script, (bytes) => this.#send(bytes))
    this.#cancelTimer = clock.after(timeoutMs, () => {
      const message = `no handshake within ${timeoutMs} ms (${this.#runner.stage})`
      options.onTimeout(new PlatterError('TIMEOUT', message))
    })
  }

  /** Throws what the script throws, as receive() and resume() do. */
  start(transport: Transport): void {
    this.#runner.start()
    this.#afterStep(transport)
  }

  receive(chunk: Uint8Array, transport: Transport): void {
    this.#runner.receive(chunk)
    this.#afterStep(transport)
  }

  /** The connection is encrypted and started. */
  resume(): void {
    this.#runner.resume()
  }

  stop(): void {
    this.#cancelTimer()
    this.#over.abort()
  }

  #send(bytes: Uint8Array): void {
    this.#unsent += bytes.length
    this.#options.send(bytes, () => {
      this.#unsent -= bytes.length
    })
  }

  #afterStep(transport: Transport): void {
    if (this.#runner.wantsSecurity && !this.#securing) void this.#secure(transport)
    const { result } = this.#runner
    if (result === undefined) return
    this.#cancelTimer()
    this.#options.onAgreed(result.value, result.rest)
  }

  /** The timer goes on meanwhile. */
  async #secure(transport: Transport): Promise<void> {
    const { tls, onSecured, onInsecure } = this.#options
    assert(tls !== undefined, 'TLS is offered only by a server that has it')
    this.#securing = true
    let secured: Transport
    try {
      secured = await tls.secure(transport, this.#over.signal)
    } catch (error) {
      onInsecure(error)
      return
    } finally {
      this.#securing = false
    }
    onSecured(secured)
  }
}
