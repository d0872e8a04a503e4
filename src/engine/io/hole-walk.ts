// Walks the holes of an open file with lseek, as nbdkit's file plugin does, so that both tell the same:
// what lies before SEEK_DATA's answer is a hole, what lies before SEEK_HOLE's is data.
//
// The result alternates: lengths[0] is a hole, lengths[1] data, lengths[2] a hole, …; an entry of 0
// keeps the turn when the range starts with data, or when the file changed between two calls.
//
// An answer of "only a hole is left" is believed only while the file is as long as it was when it was
// opened: past the end of a file that shrank, SEEK_DATA says the same, and would make up zeroes.

import type { HoleLibc } from './hole-libc'
import { EINTR, ENXIO } from './hole-libc'

export interface HoleWalk {
  readonly fd: number
  readonly offset: number
  readonly length: number
  /** The size of the file when it was opened. */
  readonly size: number
  /** The walk stops early after so many extents; at least 1. */
  readonly maxExtents: number
}

export type HoleWalkResult =
  | { readonly kind: 'walked'; readonly lengths: Float64Array<ArrayBuffer> }
  | { readonly kind: 'shrunk'; readonly sizeNow: number }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly errno: number; readonly call: string }

/** A signal may interrupt a call; one that is interrupted so often is reported instead. */
const MAX_INTERRUPTS = 16

export function walkHoles(
  libc: HoleLibc,
  walk: HoleWalk,
  isAborted: () => boolean,
): HoleWalkResult {
  const { fd, offset, length, size } = walk
  const end = offset + length
  const lengths: number[] = []
  // A file that changes under the walk can answer with nothing but empty steps; they count as well.
  const maxEntries = walk.maxExtents + 2
  let at = offset
  let extents = 0
  while (at < end && extents < walk.maxExtents && lengths.length < maxEntries) {
    if (isAborted()) return { kind: 'aborted' }
    const inHole = lengths.length % 2 === 0
    let next = retry(libc, () => (inHole ? libc.seekData(fd, at) : libc.seekHole(fd, at)))
    if (next === -1) {
      const errno = libc.errno()
      if (errno !== ENXIO)
        return { kind: 'failed', errno, call: inHole ? 'SEEK_DATA' : 'SEEK_HOLE' }
      const sizeNow = libc.seekEnd(fd)
      if (sizeNow === -1) return { kind: 'failed', errno: libc.errno(), call: 'SEEK_END' }
      if (sizeNow < size) return { kind: 'shrunk', sizeNow }
      if (!inHole) {
        // The data that the step before saw is a hole now: the next turn looks again.
        lengths.push(0)
        continue
      }
      next = end
    }
    next = Math.min(next, end)
    lengths.push(next - at)
    if (next > at) extents++
    at = next
  }
  // Whoever asked must get forward: what nobody could tell is data.
  if (at === offset && end > offset)
    return { kind: 'walked', lengths: new Float64Array([0, length]) }
  return { kind: 'walked', lengths: new Float64Array(lengths) }
}

function retry(libc: HoleLibc, call: () => number): number {
  for (let attempt = 1; ; attempt++) {
    const result = call()
    if (result !== -1 || libc.errno() !== EINTR || attempt === MAX_INTERRUPTS) return result
  }
}
