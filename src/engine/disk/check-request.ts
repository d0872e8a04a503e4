// The one check that every disk makes before it touches anything, from top to bottom.

import { PlatterError } from '../base/errors'
import type { Capabilities, Disk } from './disk'

export type Operation = 'read' | 'write' | 'zero' | 'trim' | 'cache' | 'extents' | 'flush'

const NEEDS: Partial<Record<Operation, keyof Capabilities>> = {
  write: 'write',
  zero: 'zero',
  trim: 'trim',
}

/** What a request is checked against; every Disk is one. */
export type RequestLimits = Pick<Disk, 'size' | 'blockSize' | 'capabilities'>

export function checkRequest(
  disk: RequestLimits,
  operation: Operation,
  offset: number,
  length: number,
): void {
  checkCapability(disk, operation)
  checkRange(disk, operation, offset, length)
  const { minimum, maximum } = disk.blockSize
  const atEnd = offset + length === disk.size
  if (offset % minimum !== 0 || (length % minimum !== 0 && !atEnd)) {
    throw new PlatterError(
      'MISALIGNED',
      `${operation}: offset ${offset} and length ${length} are not multiples of the block size ${minimum}`,
      { data: { offset, length, minimum } },
    )
  }
  if ((operation === 'read' || operation === 'write') && length > maximum) {
    throw new PlatterError(
      'LIMIT',
      `${operation}: length ${length} is above the largest request of ${maximum} bytes`,
      { data: { length, maximum } },
    )
  }
}

function checkCapability(disk: RequestLimits, operation: Operation): void {
  const changes = operation === 'write' || operation === 'zero' || operation === 'trim'
  if (changes && !disk.capabilities.write) {
    throw new PlatterError('READ_ONLY', `${operation}: the disk is read-only`)
  }
  const need = NEEDS[operation]
  if (need !== undefined && !disk.capabilities[need]) {
    throw new PlatterError('NOT_SUPPORTED', `${operation}: the disk does not support it`)
  }
}

function checkRange(
  disk: RequestLimits,
  operation: Operation,
  offset: number,
  length: number,
): void {
  const valid =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    length <= disk.size - offset
  if (valid) return
  throw new PlatterError(
    'OUT_OF_RANGE',
    `${operation}: offset ${offset} and length ${length} are outside the disk of ${disk.size} bytes`,
    { data: { offset, length, size: disk.size } },
  )
}
