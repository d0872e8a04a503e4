import type { BigIntStats } from 'node:fs'

/** What tells one file from another, and one state of it from a later one. */
export interface FileIdentity {
  /** Device and file number, decimal: both may need 64 bits. */
  readonly dev: string
  readonly ino: string
  /** Bytes; 0 for a block device. */
  readonly size: number
  readonly mtimeMs: number
}

export const fileIdentityOf = (stats: BigIntStats): FileIdentity => ({
  dev: String(stats.dev),
  ino: String(stats.ino),
  size: Number(stats.size),
  mtimeMs: Number(stats.mtimeNs) / 1e6,
})
