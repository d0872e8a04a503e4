import type { Disk } from '../disk/disk'
import type { PlacedReads } from '../disk/placement'
import { type DiskRequest, WrapDisk } from './wrap-disk'

export interface LogOptions {
  readonly disk: Disk
  /** Called when a request arrives, before the disk sees it. */
  readonly onRequest?: (request: DiskRequest) => void
  /** Called when a request is done; with the error if it failed. */
  readonly onDone?: (request: DiskRequest, error?: unknown) => void
}

/** Tells of every request that passes; for exact request logs and for counting activity. */
export class LogDisk extends WrapDisk {
  readonly placed: PlacedReads | undefined
  readonly #onRequest: LogOptions['onRequest']
  readonly #onDone: LogOptions['onDone']

  constructor(options: LogOptions) {
    super(options.disk, 'log')
    this.#onRequest = options.onRequest
    this.#onDone = options.onDone
    const below = options.disk.placed
    if (below === undefined) return
    this.placed = {
      place: (offset, length) => below.place(offset, length),
      noteRead: (offset, length) => this.#noteRead(offset, length),
    }
  }

  /** A read that went around the disk is told when it is done, from its request on. */
  #noteRead(offset: number, length: number): void {
    const request = { operation: 'read', offset, length } as const
    this.disk.placed?.noteRead?.(offset, length)
    this.#onRequest?.(request)
    this.#onDone?.(request)
  }

  protected async around<T>(request: DiskRequest, pass: () => Promise<T>): Promise<T> {
    this.#onRequest?.(request)
    let result: T
    try {
      result = await pass()
    } catch (error) {
      this.#onDone?.(request, error)
      throw error
    }
    this.#onDone?.(request)
    return result
  }
}

/** `write 4096+512 fua`: a request in the words of a test's log. */
export function describeRequest(request: DiskRequest): string {
  const { operation, offset, length } = request
  if (operation === 'flush') return 'flush'
  const flags = (['fua', 'mayTrim', 'fast', 'first'] as const).filter((flag) => request[flag])
  return [`${operation} ${offset}+${length}`, ...flags].join(' ')
}
