// Every request of a server as a line in a file, or on standard error. The server itself only stores
// numbers in a ring; lines are made from it a few times a second, or sooner when it is half full. A file
// that takes them too slowly never holds the server back: beyond MAX_WAITING bytes lines are left out,
// and a line says how many. When the file fails, that is told once, and serving goes on without it.

import type { WriteStream } from 'node:fs'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Clock } from '../engine/base/clock'
import type { PlatterError } from '../engine/base/errors'
import { fileError } from '../engine/io/file-errors'
import { formatRequestLine } from '../engine/nbd/request-line'
import { RequestLog } from '../engine/nbd/request-log'

const CAPACITY = 8192
const WRITE_MS = 100
const MAX_WAITING = 16 * 1024 * 1024
const STDERR = 2

export interface RequestFileOptions {
  /** Is appended to, and made if it is not there; `-` is standard error. */
  readonly path: string
  readonly clock: Clock
  /** Called once, when the file takes no more. */
  readonly onFailure: (error: PlatterError) => void
}

export class RequestFile {
  readonly log = new RequestLog(CAPACITY)
  readonly #clock: Clock
  readonly #stream: WriteStream
  #written = 0
  #missing = 0
  #failed = false
  #callOff: (() => void) | undefined

  private constructor(stream: WriteStream, { clock, path, onFailure }: RequestFileOptions) {
    this.#clock = clock
    this.#stream = stream
    stream.on('error', (error) => {
      if (!this.#failed) onFailure(fileError(error, path, 'cannot write the log of requests'))
      this.#failed = true
    })
    this.log.onRecord = () => this.#onRecord()
  }

  /** Rejects when the file cannot be opened for writing. */
  static async open(options: RequestFileOptions): Promise<RequestFile> {
    const { path } = options
    // Not process.stderr: a pipe that nobody reads would stop the whole process.
    if (path === '-') {
      return new RequestFile(createWriteStream('', { fd: STDERR, autoClose: false }), options)
    }
    const handle = await open(path, 'a').catch((error: unknown) => {
      throw fileError(error, path, 'cannot open the log of requests')
    })
    return new RequestFile(handle.createWriteStream(), options)
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.log.onRecord = undefined
    this.#write()
    if (this.#failed) return
    await new Promise<void>((resolve) => {
      this.#stream.once('error', () => resolve())
      this.#stream.end(resolve)
    })
  }

  #onRecord(): void {
    if (this.log.next - this.#written >= CAPACITY / 2) this.#write()
    else this.#callOff ??= this.#clock.after(WRITE_MS, () => this.#write())
  }

  #write(): void {
    this.#callOff?.()
    this.#callOff = undefined
    const records = this.log.from(this.#written)
    this.#written = this.log.next
    if (this.#failed || records.length === 0) return
    if (this.#stream.writableLength > MAX_WAITING) {
      this.#missing += records.length
      return
    }
    const epochMs = Date.now() - this.#clock.now()
    const lines = records.map((record) => formatRequestLine(record, epochMs + record.startedMs))
    if (this.#missing > 0) lines.unshift(`# ${this.#missing} requests were too many to write down`)
    this.#missing = 0
    this.#stream.write(`${lines.join('\n')}\n`)
  }
}
