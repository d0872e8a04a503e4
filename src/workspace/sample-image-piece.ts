/** Bytes of the sample image and where they go; what no piece covers stays a hole. */
export interface SamplePiece {
  readonly offset: number
  readonly bytes: Uint8Array
}

export function* shiftPieces(pieces: Iterable<SamplePiece>, by: number): Generator<SamplePiece> {
  for (const piece of pieces) yield { offset: piece.offset + by, bytes: piece.bytes }
}

/** The moment at which everything in the sample was made: seconds since 1970, 2026-01-01 12:00 UTC. */
export const SAMPLE_TIME = 1_767_268_800
