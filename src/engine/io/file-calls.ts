// Node's callback calls on file descriptors as promises. Descriptors are plain numbers here because the
// hole worker uses the same ones; whoever opens one closes it.

import type { BigIntStats } from 'node:fs'
import { close, fdatasync, fstat, fsync, ftruncate, open, stat } from 'node:fs'
import { promisify } from 'node:util'

export const openFd = promisify(open) as (
  path: string,
  flags: number,
  mode?: number,
) => Promise<number>
export const closeFd = promisify(close)
export const syncFdData = promisify(fdatasync)
export const syncFd = promisify(fsync)
export const truncateFd = promisify(ftruncate)

export function statFd(fd: number): Promise<BigIntStats> {
  return new Promise((resolve, reject) => {
    fstat(fd, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)))
  })
}

export function statPath(path: string): Promise<BigIntStats> {
  return new Promise((resolve, reject) => {
    stat(path, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)))
  })
}
