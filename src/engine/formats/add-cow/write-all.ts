import type { Disk } from '../../disk/disk'

export interface PlacedBytes {
  readonly offset: number
  readonly bytes: Uint8Array
}

const IN_FLIGHT = 16

/** Writes all pieces, some at a time; rejects with the first failure when none is under way any more. */
export async function writeAll(disk: Disk, pieces: readonly PlacedBytes[]): Promise<void> {
  for (let at = 0; at < pieces.length; at += IN_FLIGHT) {
    const calls = pieces
      .slice(at, at + IN_FLIGHT)
      .map(({ offset, bytes }) => disk.write(bytes, offset))
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'rejected') throw result.reason
    }
  }
}
