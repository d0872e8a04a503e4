// Walks the holes of an open file. Two ways, one answer:
//
// - lseek, as nbdkit's file plugin does it: what lies before SEEK_DATA's answer is a hole, what lies
//   before SEEK_HOLE's is data. Works everywhere; two calls for each pair of extents.
// - FIEMAP, many extents a call: an extent is data, what lies between two is a hole. For an extent that
//   is allocated but not written yet FIEMAP does not say whether the page cache holds data for it, so
//   that range is asked of lseek. Only for file systems that make both answers out of the same map.
//
// A file may change under the walk; then each part is as it was at some moment. But "only a hole is
// left" is believed only while the file is as long as it was when it was opened: past the end of a file
// that shrank both ways say the same, and would make up zeroes.

import type { HoleLibc } from './hole-libc'
import {
  EINTR,
  ENXIO,
  FIEMAP_EXTENT_LAST,
  FIEMAP_EXTENT_UNWRITTEN,
  MAX_INTERRUPTS,
} from './hole-libc'
import { HoleTurns } from './hole-turns'

export interface HoleWalk {
  readonly fd: number
  readonly offset: number
  readonly length: number
  /** The size of the file when it was opened. */
  readonly size: number
  /** The walk may stop early once it has so many extents; at least 1. */
  readonly maxExtents: number
  readonly way: 'lseek' | 'fiemap'
}

export type HoleWalkResult =
  /** Lengths that take turns (hole-turns.ts). */
  | { readonly kind: 'walked'; readonly lengths: Float64Array<ArrayBuffer> }
  | { readonly kind: 'shrunk'; readonly sizeNow: number }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly errno: number; readonly call: string }

/** Steps in a row that may get nowhere because the file changes between two calls. */
const MAX_IDLE_STEPS = 16

type Stop = Exclude<HoleWalkResult, { kind: 'walked' }>

export function walkHoles(
  libc: HoleLibc,
  walk: HoleWalk,
  isAborted: () => boolean,
): HoleWalkResult {
  const turns = new HoleTurns(walk.offset)
  const end = walk.offset + walk.length
  const stop =
    (walk.way === 'fiemap' ? fiemapTo(libc, walk, turns, end, isAborted) : undefined) ??
    lseekTo(libc, walk, turns, end, isAborted)
  return stop === 'done' ? { kind: 'walked', lengths: turns.toArray() } : stop
}

function lseekTo(
  libc: HoleLibc,
  { fd, size, maxExtents }: HoleWalk,
  turns: HoleTurns,
  end: number,
  isAborted: () => boolean,
): Stop | 'done' {
  let wantData = true
  for (let idle = 0; turns.end < end && turns.extents < maxExtents; ) {
    if (isAborted()) return { kind: 'aborted' }
    const at = turns.end
    let next = retry(libc, () => (wantData ? libc.seekData(fd, at) : libc.seekHole(fd, at)))
    if (next === -1) {
      const errno = libc.errno()
      if (errno !== ENXIO) return { kind: 'failed', errno, call: 'lseek' }
      const shrunk = seeShrunk(libc, fd, size)
      if (shrunk !== undefined) return shrunk
      // Only a hole is left; where data was expected, it has become one since: look again.
      next = wantData ? end : at
    }
    turns.addTo(Math.min(next, end), wantData)
    idle = turns.end > at ? 0 : idle + 1
    // Whoever asked must get forward: what nobody could tell is data.
    if (idle > MAX_IDLE_STEPS) turns.addTo(end, false)
    wantData = !wantData
  }
  return 'done'
}

/** `undefined`: this way leads no further, and lseek goes on from where it got. */
function fiemapTo(
  libc: HoleLibc,
  walk: HoleWalk,
  turns: HoleTurns,
  end: number,
  isAborted: () => boolean,
): Stop | 'done' | undefined {
  const found = libc.extents
  const limit = Math.min(found.capacity, walk.maxExtents)
  for (let isLast = false; !isLast && turns.end < end && turns.extents < walk.maxExtents; ) {
    if (isAborted()) return { kind: 'aborted' }
    const start = turns.end
    const count = libc.fiemap(walk.fd, start, end - start, limit)
    if (count === -1) return undefined
    isLast = count < limit
    for (let i = 0; i < count && turns.extents < walk.maxExtents; i++) {
      const flags = found.flags(i)
      const from = Math.min(found.logical(i), end)
      const to = Math.min(from + found.length(i), end)
      turns.addTo(from, true)
      if (turns.extents >= walk.maxExtents) break
      if ((flags & FIEMAP_EXTENT_UNWRITTEN) === 0) turns.addTo(to, false)
      else {
        const stop = lseekTo(libc, walk, turns, to, isAborted)
        if (stop !== 'done') return stop
      }
      if ((flags & FIEMAP_EXTENT_LAST) !== 0) isLast = true
    }
    if (isLast && turns.extents < walk.maxExtents) turns.addTo(end, true)
    if (turns.end === start) return undefined
  }
  return seeShrunk(libc, walk.fd, walk.size) ?? 'done'
}

function seeShrunk(libc: HoleLibc, fd: number, size: number): Stop | undefined {
  const sizeNow = libc.seekEnd(fd)
  if (sizeNow === -1) return { kind: 'failed', errno: libc.errno(), call: 'lseek' }
  return sizeNow < size ? { kind: 'shrunk', sizeNow } : undefined
}

function retry(libc: HoleLibc, call: () => number): number {
  for (let attempt = 1; ; attempt++) {
    const result = call()
    if (result !== -1 || libc.errno() !== EINTR || attempt === MAX_INTERRUPTS) return result
  }
}
