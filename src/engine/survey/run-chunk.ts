// A stretch of an extent index: up to CHUNK_RUNS runs as two parallel arrays, start offset and class.
// A run ends where the next one starts, so a run's length is written nowhere.

import type { RunKind } from './run-class'

export const CHUNK_RUNS = 512

/** Chunks are made this full, so that the next change beside an old one finds room. */
const FILL_RUNS = 384

export interface Runs {
  readonly starts: Float64Array
  readonly kinds: Uint8Array
  /** How many entries of the arrays are runs. */
  count: number
}

export const makeRuns = (capacity: number): Runs => ({
  starts: new Float64Array(capacity),
  kinds: new Uint8Array(capacity),
  count: 0,
})

export function pushRun(runs: Runs, start: number, kind: RunKind): void {
  runs.starts[runs.count] = start
  runs.kinds[runs.count] = kind
  runs.count++
}

export function pushRuns(into: Runs, from: Runs, first: number, end: number): void {
  into.starts.set(from.starts.subarray(first, end), into.count)
  into.kinds.set(from.kinds.subarray(first, end), into.count)
  into.count += end - first
}

/** The first entry that starts at or after `offset`; `count` when there is none. */
export function lowerBound(runs: Runs, offset: number): number {
  const { starts } = runs
  let low = 0
  let high = runs.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] as number) < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** The first entry that starts after `offset`; `count` when there is none. */
export function upperBound(runs: Runs, offset: number): number {
  const { starts } = runs
  let low = 0
  let high = runs.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] as number) <= offset) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Puts what `added` holds from `skip` on in the place of the entries from `first` up to `end`; the caller
 * saw to the room.
 */
export function spliceChunk(
  chunk: Runs,
  first: number,
  end: number,
  added: Runs,
  skip: number,
): void {
  const moveTo = first + added.count - skip
  if (moveTo !== end) {
    chunk.starts.copyWithin(moveTo, end, chunk.count)
    chunk.kinds.copyWithin(moveTo, end, chunk.count)
  }
  for (let i = skip; i < added.count; i++) {
    chunk.starts[first + i - skip] = added.starts[i] as number
    chunk.kinds[first + i - skip] = added.kinds[i] as number
  }
  chunk.count += moveTo - end
}

/** The same runs as chunks of nearly equal fill. */
export function cutIntoChunks(runs: Runs): Runs[] {
  const chunkCount = Math.ceil(runs.count / FILL_RUNS)
  const chunks: Runs[] = []
  for (let i = 0; i < chunkCount; i++) {
    const chunk = makeRuns(CHUNK_RUNS)
    const first = Math.floor((runs.count * i) / chunkCount)
    pushRuns(chunk, runs, first, Math.floor((runs.count * (i + 1)) / chunkCount))
    chunks.push(chunk)
  }
  return chunks
}
