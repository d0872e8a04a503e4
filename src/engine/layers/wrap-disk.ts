// The frame of the layers that pass every call through and do something around it. A layer does not own
// the disk under it: closing the layer refuses later calls on it and leaves the disk open.

import type { Operation } from '../disk/check-request'
import type {
  BlockSize,
  CallOptions,
  Capabilities,
  Disk,
  ExtentOptions,
  WriteOptions,
  ZeroOptions,
} from '../disk/disk'
import type { ExtentList } from '../disk/extents'
import { OpenCalls } from '../disk/open-calls'

/** One call on a disk, as it was made. */
export interface DiskRequest {
  readonly operation: Operation
  readonly offset: number
  readonly length: number
  /** Of a write, zero or trim. */
  readonly fua?: boolean
  /** Of a zero. */
  readonly mayTrim?: boolean
  /** Of a zero. */
  readonly fast?: boolean
  /** Of extents. */
  readonly first?: boolean
  readonly signal?: AbortSignal | undefined
}

export abstract class WrapDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize
  readonly capabilities: Capabilities
  protected readonly disk: Disk
  readonly #calls: OpenCalls

  /** `what` names the layer when it is called after its close. */
  constructor(disk: Disk, what: string) {
    this.disk = disk
    this.size = disk.size
    this.blockSize = disk.blockSize
    this.capabilities = disk.capabilities
    this.#calls = new OpenCalls(what)
  }

  /** Makes the call with `pass`, or does something else; `bytes` are those of a read or a write. */
  protected abstract around<T>(
    request: DiskRequest,
    pass: () => Promise<T>,
    bytes?: Uint8Array,
  ): Promise<T>

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    const request = { operation: 'read', offset, length: target.length, ...options } as const
    return this.#run(request, () => this.disk.read(target, offset, options), target)
  }

  write(source: Uint8Array, offset: number, options: WriteOptions = {}): Promise<void> {
    const request = { operation: 'write', offset, length: source.length, ...options } as const
    return this.#run(request, () => this.disk.write(source, offset, options), source)
  }

  zero(offset: number, length: number, options: ZeroOptions = {}): Promise<void> {
    const request = { operation: 'zero', offset, length, ...options } as const
    return this.#run(request, () => this.disk.zero(offset, length, options))
  }

  trim(offset: number, length: number, options: WriteOptions = {}): Promise<void> {
    const request = { operation: 'trim', offset, length, ...options } as const
    return this.#run(request, () => this.disk.trim(offset, length, options))
  }

  flush(options: CallOptions = {}): Promise<void> {
    const request = { operation: 'flush', offset: 0, length: 0, ...options } as const
    return this.#run(request, () => this.disk.flush(options))
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    const request = { operation: 'cache', offset, length, ...options } as const
    return this.#run(request, () => this.disk.cache(offset, length, options))
  }

  extents(offset: number, length: number, options: ExtentOptions = {}): Promise<ExtentList> {
    const request = { operation: 'extents', offset, length, ...options } as const
    return this.#run(request, () => this.disk.extents(offset, length, options))
  }

  async close(): Promise<void> {
    await this.#calls.close()
  }

  #run<T>(request: DiskRequest, pass: () => Promise<T>, bytes?: Uint8Array): Promise<T> {
    return this.#calls.run(() => this.around(request, pass, bytes))
  }
}
