import type { Clock } from '../base/clock'
import { abortedError, throwIfAborted } from '../base/errors'
import type { Disk } from '../disk/disk'
import { type DiskRequest, WrapDisk } from './wrap-disk'

export interface DelayOptions {
  readonly disk: Disk
  readonly clock: Clock
  /** How long each request waits before the disk sees it; 0 is not at all. */
  readonly delayMs: number | ((request: DiskRequest) => number)
}

/** Holds every request back for a while; one that is cancelled meanwhile never reaches the disk. */
export class DelayDisk extends WrapDisk {
  readonly #clock: Clock
  readonly #delayMs: (request: DiskRequest) => number

  constructor(options: DelayOptions) {
    super(options.disk, 'delay')
    this.#clock = options.clock
    const { delayMs } = options
    this.#delayMs = typeof delayMs === 'number' ? () => delayMs : delayMs
  }

  protected async around<T>(request: DiskRequest, pass: () => Promise<T>): Promise<T> {
    const delayMs = this.#delayMs(request)
    if (delayMs > 0) await this.#wait(delayMs, request)
    return pass()
  }

  #wait(delayMs: number, { operation, signal }: DiskRequest): Promise<void> {
    throwIfAborted(signal, operation)
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        callOff()
        reject(abortedError(signal as AbortSignal, operation))
      }
      const callOff = this.#clock.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
