// A read-only disk whose every byte follows from its offset, so that a wrong or misplaced byte shows
// itself: the eight bytes at an offset divisible by 8 are that offset, big-endian (as nbdkit's pattern).

import { throwIfAborted } from '../base/errors'
import { checkRequest } from './check-request'
import type { BlockSize, CallOptions, Capabilities, Disk } from './disk'
import { ANY_BLOCK_SIZE, NO_CAPABILITIES } from './disk'
import { ExtentList } from './extents'
import { OpenCalls } from './open-calls'

export class PatternDisk implements Disk {
  readonly size: number
  readonly blockSize: BlockSize = ANY_BLOCK_SIZE
  readonly capabilities: Capabilities = { ...NO_CAPABILITIES, flush: true, multiConn: true }
  readonly #calls = new OpenCalls('pattern disk')

  constructor(size: number) {
    this.size = size
  }

  read(target: Uint8Array, offset: number, options: CallOptions = {}): Promise<void> {
    return this.#call('read', offset, target.length, options, () => fillPattern(target, offset))
  }

  write(source: Uint8Array, offset: number): Promise<void> {
    return this.#call('write', offset, source.length, {}, () => undefined)
  }

  zero(offset: number, length: number): Promise<void> {
    return this.#call('zero', offset, length, {}, () => undefined)
  }

  trim(offset: number, length: number): Promise<void> {
    return this.#call('trim', offset, length, {}, () => undefined)
  }

  flush(options: CallOptions = {}): Promise<void> {
    return this.#call('flush', 0, 0, options, () => undefined)
  }

  cache(offset: number, length: number, options: CallOptions = {}): Promise<void> {
    return this.#call('cache', offset, length, options, () => undefined)
  }

  extents(offset: number, length: number, options: CallOptions = {}): Promise<ExtentList> {
    return this.#call('extents', offset, length, options, () => ExtentList.of(offset, length, 0))
  }

  async close(): Promise<void> {
    await this.#calls.close()
  }

  #call<T>(
    operation: Parameters<typeof checkRequest>[1],
    offset: number,
    length: number,
    options: CallOptions,
    act: () => T,
  ): Promise<T> {
    return this.#calls.run(async () => {
      throwIfAborted(options.signal, operation)
      checkRequest(this, operation, offset, length)
      return act()
    })
  }
}

/** Fills `target` with the pattern as it stands from `offset` on. */
export function fillPattern(target: Uint8Array, offset: number): void {
  for (let i = 0; i < target.length; i++) {
    const at = offset + i
    const word = at - (at % 8)
    const shift = 7 - (at % 8)
    target[i] =
      shift >= 4 ? (word / 2 ** 32) >>> ((shift - 4) * 8) : (word % 2 ** 32) >>> (shift * 8)
  }
}
