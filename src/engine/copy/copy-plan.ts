// The sizes of one copy, settled before anything is read: what each is and how they bind one another.
//
//   block    the target's preferred block; nothing smaller is written or zeroed, the end excepted
//   grain    zeroes that are looked for in data: whole aligned runs of so many bytes; 0: none
//   window   the buffer of one request: whole blocks, whole grains, whole smallest blocks of the source
//   readMost, writeMost   what one call on the source, on the target may carry; windows are cut to them

import { PlatterError } from '../base/errors'
import { alignDown, alignUp, isPowerOfTwo } from '../base/ranges'
import type { Disk } from '../disk/disk'
import { MAX_PAYLOAD } from '../disk/disk'

export const DEFAULT_REQUESTS = 64
export const DEFAULT_REQUEST_SIZE = 256 * 1024
/** More in flight only costs memory: the NBD client queues beyond 256 as well. */
export const MAX_REQUESTS = 1024
/** Buffers of all requests together; where windows are large, fewer go at a time. */
export const MAX_BUFFERS = 64 * 1024 * 1024
const MIN_SPARSE = 512
/** A disk that prefers nothing still gets whole sectors. */
const MIN_BLOCK = 512

export interface SizeOptions {
  /** In flight at a time. */
  readonly requests?: number | undefined
  /** Bytes; raised to the preferred blocks of both disks, and never above the maximum of either. */
  readonly requestSize?: number | undefined
  /** Bytes, a power of two from 512: shorter runs of zeroes are written as data; 0 looks for none. */
  readonly sparse?: number | undefined
}

export interface CopyPlan {
  readonly requests: number
  readonly block: number
  readonly grain: number
  readonly window: number
  readonly readMost: number
  readonly writeMost: number
  /** Known zeroes of the source count in multiples of this. */
  readonly sourceUnit: number
}

/** BAD_REQUEST for options that cannot be, READ_ONLY or BAD_SIZE for a target that cannot take the copy. */
export function planCopy(source: Disk, target: Disk, options: SizeOptions): CopyPlan {
  checkTarget(source, target)
  const { requests = DEFAULT_REQUESTS, requestSize = DEFAULT_REQUEST_SIZE } = options
  checkNumber('requests', requests, MAX_REQUESTS)
  checkNumber('request size', requestSize, MAX_PAYLOAD)
  const block = preferredBlock(target)
  const sparse = options.sparse ?? Math.max(4096, block)
  checkSparse(sparse)
  const grain = sparse === 0 ? 0 : Math.max(sparse, block)
  const unit = Math.max(block, grain, source.blockSize.minimum)
  const most = alignDown(Math.min(source.blockSize.maximum, target.blockSize.maximum), unit)
  const wish = alignUp(Math.max(requestSize, source.blockSize.preferred), unit)
  const window = Math.max(unit, Math.min(wish, most))
  return {
    requests: Math.max(1, Math.min(requests, Math.floor(MAX_BUFFERS / window))),
    block,
    grain,
    window,
    readMost: wholeUnits(source.blockSize.maximum, source.blockSize.minimum),
    writeMost: wholeUnits(target.blockSize.maximum, block),
    sourceUnit: Math.max(source.blockSize.minimum, Math.min(source.blockSize.preferred, window)),
  }
}

/** The preferred block, or the largest power of two that one write can carry when that is smaller. */
function preferredBlock({ blockSize: { preferred, maximum } }: Disk): number {
  return Math.min(Math.max(preferred, MIN_BLOCK), 2 ** Math.floor(Math.log2(maximum)))
}

const wholeUnits = (maximum: number, unit: number): number =>
  Math.max(unit, alignDown(maximum, unit))

function checkTarget(source: Disk, target: Disk): void {
  if (!target.capabilities.write) {
    throw new PlatterError('READ_ONLY', 'copy: the target is read-only; nothing was changed')
  }
  if (target.size < source.size) {
    throw new PlatterError(
      'BAD_SIZE',
      `copy: the target has ${target.size} bytes, fewer than the ${source.size} of the source; nothing was changed`,
      { data: { source: source.size, target: target.size } },
    )
  }
}

export function checkNumber(what: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return
  throw new PlatterError('BAD_REQUEST', `${what}: ${value} is not a number from 1 to ${most}`)
}

function checkSparse(sparse: number): void {
  const fits = isPowerOfTwo(sparse) && sparse >= MIN_SPARSE && sparse <= MAX_PAYLOAD
  if (sparse === 0 || fits) return
  throw new PlatterError(
    'BAD_REQUEST',
    `sparse: ${sparse} is neither 0 nor a power of two from ${MIN_SPARSE} to ${MAX_PAYLOAD}`,
  )
}
