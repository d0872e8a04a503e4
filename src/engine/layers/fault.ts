import { type ErrorCode, PlatterError } from '../base/errors'
import { alignDown, type ByteRange, intersect } from '../base/ranges'
import type { Operation } from '../disk/check-request'
import type { Disk } from '../disk/disk'
import { type DiskRequest, WrapDisk } from './wrap-disk'

/** Which requests fail, and how. What is left out does not matter. */
export interface Fault {
  readonly operation?: Operation | readonly Operation[]
  /** Only requests that touch this range. */
  readonly range?: ByteRange
  /** Only from the n-th of the requests that match otherwise, counted from 1. */
  readonly nth?: number
  /** Only so many of them; without it all. */
  readonly times?: number
  readonly code: ErrorCode
  /** What happens on the disk before the failure: nothing (unless told), half of a write, or all. */
  readonly effect?: 'none' | 'half' | 'all'
}

interface ArmedFault extends Fault {
  seen: number
}

/** Fails requests as planned; without a plan it passes everything. */
export class FaultDisk extends WrapDisk {
  #plan: ArmedFault[] = []
  #failures = 0

  constructor(options: { readonly disk: Disk; readonly plan?: readonly Fault[] }) {
    super(options.disk, 'fault')
    this.plan(options.plan ?? [])
  }

  /** How many requests were made to fail. */
  get failures(): number {
    return this.#failures
  }

  /** A new plan in place of the old one; counting starts anew. */
  plan(faults: readonly Fault[]): void {
    this.#plan = faults.map((fault) => ({ ...fault, seen: 0 }))
  }

  protected async around<T>(
    request: DiskRequest,
    pass: () => Promise<T>,
    bytes?: Uint8Array,
  ): Promise<T> {
    const fault = this.#plan.filter((candidate) => strikes(candidate, request))[0]
    if (fault === undefined) return pass()
    this.#failures++
    if (fault.effect === 'all') await pass()
    if (fault.effect === 'half' && request.operation === 'write' && bytes !== undefined) {
      const half = alignDown(bytes.length / 2, this.blockSize.minimum)
      await this.disk.write(bytes.subarray(0, half), request.offset)
    }
    const { operation, offset, length } = request
    throw new PlatterError(
      fault.code,
      `${operation}: offset ${offset}, length ${length}: made to fail`,
    )
  }
}

/** Counts the request against the fault, so each fault of a plan sees each request. */
function strikes(fault: ArmedFault, request: DiskRequest): boolean {
  const operations = fault.operation === undefined ? undefined : [fault.operation].flat()
  if (operations !== undefined && !operations.includes(request.operation)) return false
  if (fault.range !== undefined && intersect(fault.range, request) === undefined) return false
  fault.seen++
  const nth = fault.nth ?? 1
  return fault.seen >= nth && fault.seen < nth + (fault.times ?? Number.POSITIVE_INFINITY)
}
