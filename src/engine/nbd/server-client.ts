// What is known about one client of the server, for whoever shows it: who, since which export, how much.

import * as nbd from './constants'
import type { RequestHeader } from './request-parser'

export class ServerClient {
  readonly id: number
  /** Where it comes from: `127.0.0.1:40312`, `unix:…`. */
  readonly name: string
  /** Known after the handshake. */
  exportName: string | undefined
  reads = 0
  readBytes = 0
  writes = 0
  writtenBytes = 0
  zeroes = 0
  zeroedBytes = 0
  trims = 0
  trimmedBytes = 0
  flushes = 0
  /** Status and cache requests. */
  others = 0
  failures = 0
  isConnected = true
  /** The connection is encrypted. */
  isSecure = false
  readonly #disconnect: () => void

  readonly #inProgress: () => number

  constructor(id: number, name: string, disconnect: () => void, inProgress: () => number) {
    this.id = id
    this.name = name
    this.#disconnect = disconnect
    this.#inProgress = inProgress
  }

  /** Requests that it waits for. */
  get inProgress(): number {
    return this.#inProgress()
  }

  /** Hangs up on it. */
  disconnect(): void {
    this.#disconnect()
  }

  /** A request that went well. */
  count({ command, length }: RequestHeader): void {
    if (command === nbd.NBD_CMD_READ) {
      this.reads++
      this.readBytes += length
    } else if (command === nbd.NBD_CMD_WRITE) {
      this.writes++
      this.writtenBytes += length
    } else if (command === nbd.NBD_CMD_WRITE_ZEROES) {
      this.zeroes++
      this.zeroedBytes += length
    } else if (command === nbd.NBD_CMD_TRIM) {
      this.trims++
      this.trimmedBytes += length
    } else if (command === nbd.NBD_CMD_FLUSH) this.flushes++
    else this.others++
  }

  countFailure(): void {
    this.failures++
  }

  markGone(): void {
    this.isConnected = false
  }
}
