// Disks whose every property a test chooses, with a log of what is asked of them.

import type { Prng } from '../base/prng'
import { ANY_BLOCK_SIZE, type BlockSize, type Capabilities } from '../disk/disk'
import {
  EXTENT_HOLE,
  EXTENT_ZERO,
  type Extent,
  type ExtentList,
  listFromRanges,
} from '../disk/extents'
import { MemoryDisk } from '../disk/memory-disk'
import { describeRequest } from '../layers/log'
import { type DiskRequest, WrapDisk } from '../layers/wrap-disk'

export const KIB = 1024
export const HOLE = EXTENT_HOLE | EXTENT_ZERO

export interface SketchOptions {
  readonly blockSize?: Partial<BlockSize>
  readonly capabilities?: Partial<Capabilities>
  /** What the disk says it holds; the gaps are data. Without it, what the memory says. */
  readonly extents?: readonly Extent[]
  /** How much one answer about extents covers at most. */
  readonly answer?: number
  /** Does these with NOT_SUPPORTED or whatever it throws, before anything happens. */
  readonly refuse?: (request: DiskRequest) => void
}

export class SketchDisk extends WrapDisk {
  override readonly capabilities: Capabilities
  readonly requests: DiskRequest[] = []
  readonly #options: SketchOptions

  constructor(memory: MemoryDisk, options: SketchOptions = {}) {
    super(memory, 'sketch')
    this.capabilities = { ...memory.capabilities, ...options.capabilities }
    this.#options = options
  }

  /** In the order in which they came. */
  get log(): string[] {
    return this.requests.map(describeRequest)
  }

  only(...operations: DiskRequest['operation'][]): string[] {
    return this.requests.filter((r) => operations.includes(r.operation)).map(describeRequest)
  }

  override async extents(offset: number, length: number): Promise<ExtentList> {
    const { extents, answer = length } = this.#options
    if (extents === undefined) return super.extents(offset, Math.min(length, answer))
    await super.extents(offset, length)
    return listFromRanges(extents, offset, Math.min(length, answer), 0)
  }

  protected around<T>(request: DiskRequest, pass: () => Promise<T>): Promise<T> {
    this.requests.push(request)
    this.#options.refuse?.(request)
    return pass()
  }
}

export function sketch(bytes: Uint8Array | number, options: SketchOptions = {}): SketchDisk {
  const blockSize = { ...ANY_BLOCK_SIZE, ...options.blockSize }
  const memory =
    typeof bytes === 'number'
      ? new MemoryDisk(bytes, { blockSize })
      : MemoryDisk.from(bytes, { blockSize })
  return new SketchDisk(memory, options)
}

/** A new array with `bytes` filled in at ranges: `content(8192, [4096, 4096])`. */
export function content(size: number, ...data: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = new Uint8Array(size)
  for (const [offset, length] of data) bytes.fill(0x5a, offset, offset + length)
  return bytes
}

/** The ranges as extents of this kind. */
export const extentsOf = (
  flags: number,
  ...ranges: readonly (readonly [number, number])[]
): Extent[] => ranges.map(([offset, length]) => ({ offset, length, flags }))

/** Runs of data and zeroes, and extents that are true of them but do not tell every zero. */
export function randomSource(prng: Prng, size: number): { bytes: Uint8Array; extents: Extent[] } {
  const bytes = new Uint8Array(size)
  const extents: Extent[] = []
  for (let at = 0; at < size; ) {
    const length = Math.min(size - at, 1 + prng.below(prng.pick([600, 5000, 40_000, 200_000])))
    const kind = prng.below(4)
    if (kind === 0) prng.fill(bytes.subarray(at, at + length))
    if (kind === 1) bytes[at + prng.below(length)] = 1
    if (kind === 2) extents.push({ offset: at, length, flags: prng.pick([HOLE, EXTENT_ZERO]) })
    at += length
  }
  return { bytes, extents }
}
