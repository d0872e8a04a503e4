// What tests say about disks and bytes.

import { expect } from 'vitest'
import { firstDifference } from '../base/bytes'
import { type ErrorCode, PlatterError } from '../base/errors'
import { alignDown } from '../base/ranges'
import type { Disk } from '../disk/disk'

/** Rejects with this code; the message is a sentence for a person. */
export async function expectCode(call: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PlatterError)
  expect((error as PlatterError).code).toBe(code)
  expect((error as PlatterError).message.length).toBeGreaterThan(5)
}

/** All of the disk, read in pieces that it takes. */
export async function readWhole(disk: Disk): Promise<Uint8Array> {
  const whole = new Uint8Array(disk.size)
  const { minimum, maximum } = disk.blockSize
  const piece = alignDown(Math.min(maximum, 1 << 20), minimum)
  for (let at = 0; at < disk.size; at += piece) await disk.read(whole.subarray(at, at + piece), at)
  return whole
}

/** Compares without printing a megabyte on a difference. */
export function expectSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length)
  const at = firstDifference(actual, expected)
  expect(at === undefined ? 'equal' : `byte ${at} is ${actual[at]}, not ${expected[at]}`).toBe(
    'equal',
  )
}
