// The main thread's side of the hole worker: starts it at the first request, matches replies to
// requests, rejects what is pending when it dies, and starts a new one for what is asked after that.
// The worker holds the process only while a request is pending, so that a program can simply end.
//
// Requests are answered in order by one thread. Each is short: a walk is bounded by its extents. A
// cancelled walk still settles only when the worker has answered, because until then it uses the file
// descriptor; whoever closes the file can therefore wait for the promise and be sure.

import type { Worker, WorkerOptions } from 'node:worker_threads'
import { PlatterError } from '../base/errors'
import createHoleWorker from './hole.worker?nodeWorker'
import { hasHoleCalls } from './hole-libc'
import type { HoleReply, HoleRequest, Numbered } from './hole-requests'
import type { OpenHandles } from './open-handles'
import { ShortHoleCalls } from './short-hole-calls'

interface Pending {
  resolve(reply: HoleReply): void
  reject(error: Error): void
}

export interface HoleWorkerOptions {
  readonly handles?: OpenHandles | undefined
  /** Nobody waits for this thread: what is short is answered on it. */
  readonly mayWait?: boolean | undefined
  /** Starts the thread; for tests. */
  readonly create?: (options: WorkerOptions) => Worker
}

export class HoleWorker {
  readonly #create: (options: WorkerOptions) => Worker
  readonly #handles: OpenHandles | undefined
  readonly #short: ShortHoleCalls | undefined
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #nextId = 1
  #closed = false

  constructor(options: HoleWorkerOptions = {}) {
    this.#create = options.create ?? createHoleWorker
    this.#handles = options.handles
    if (options.mayWait === true) this.#short = new ShortHoleCalls()
  }

  /** False where this platform has no such calls: do not ask. */
  get isAvailable(): boolean {
    return hasHoleCalls()
  }

  /** `signal` stops a walk, which then replies `aborted`. */
  async ask(request: HoleRequest, signal?: AbortSignal): Promise<HoleReply> {
    if (this.#closed) throw closedError()
    if (this.#short?.isShort(request)) {
      const reply = await this.#short.answer(request, signal)
      if (reply !== undefined) return reply
      if (this.#closed) throw closedError()
    }
    if (request.kind !== 'walk' || signal === undefined) return this.#post(request)
    const abortFlag = new Int32Array(new SharedArrayBuffer(4))
    const abort = () => Atomics.store(abortFlag, 0, 1)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await this.#post({ ...request, abortFlag })
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Whether askHere may be used. */
  get mayWait(): boolean {
    return this.#short !== undefined
  }

  /** Whether there is a thread already. */
  get isStarted(): boolean {
    return this.#worker !== undefined
  }

  /** As `ask`, but answered on this thread, however long that takes. */
  async askHere(request: HoleRequest): Promise<HoleReply> {
    if (this.#closed) throw closedError()
    return (await this.#short?.answer(request)) ?? this.#post(request)
  }

  /** Ends the thread; what is pending is rejected. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }

  #post(body: HoleRequest): Promise<HoleReply> {
    const worker = this.#worker ?? this.#start()
    const id = this.#nextId++
    const reply = new Promise<HoleReply>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
    })
    worker.ref()
    worker.postMessage({ id, body } satisfies Numbered<HoleRequest>)
    return reply
  }

  #start(): Worker {
    const worker = this.#create({ name: 'platter-holes' })
    const noteGone = this.#handles?.add('hole worker')
    let why = ''
    worker.on('message', ({ id, body }: Numbered<HoleReply>) => {
      this.#settle(worker, id, (pending) => pending.resolve(body))
    })
    worker.on('messageerror', (error) => {
      why = `: ${error.message}`
      void worker.terminate()
    })
    worker.on('error', (error: Error) => {
      why = `: ${error.message}`
    })
    worker.on('exit', (exitCode) => {
      noteGone?.()
      if (this.#worker === worker) this.#worker = undefined
      const error = this.#closed
        ? closedError()
        : new PlatterError('IO_ERROR', `hole worker: it ended with exit code ${exitCode}${why}`)
      for (const id of [...this.#pending.keys()]) {
        this.#settle(worker, id, (pending) => pending.reject(error))
      }
    })
    this.#worker = worker
    return worker
  }

  #settle(worker: Worker, id: number, act: (pending: Pending) => void): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    if (this.#pending.size === 0) worker.unref()
    act(pending)
  }
}

const closedError = () => new PlatterError('CLOSED', 'hole worker: it was closed')
