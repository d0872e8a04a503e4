// Positional reading and writing of an open file descriptor: whole requests out of the short ones that
// a system may answer, in pieces, so that a long request can be cancelled between two of them.

import { read as readCallback, write as writeCallback } from 'node:fs'
import { throwIfAborted } from '../base/errors'

/** Large enough that the cost of a call is lost in the copying, small enough to cancel soon. */
const READ_PIECE = 4 * 1024 * 1024
/** ext4 makes larger folios of larger writes, and takes twice as long to write those out. */
const WRITE_PIECE = 256 * 1024

/** Fills `target` from `offset` on; the number of bytes read, smaller only at the end of the file. */
export async function readFully(
  fd: number,
  target: Uint8Array,
  offset: number,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0
  while (done < target.length) {
    const piece = Math.min(target.length - done, READ_PIECE)
    const count = await readOnce(fd, target, done, piece, offset + done)
    if (count === 0) break
    done += count
    if (done < target.length) throwIfAborted(signal, 'read')
  }
  return done
}

/** Writes all of `source` at `offset`. */
export async function writeFully(
  fd: number,
  source: Uint8Array,
  offset: number,
  signal?: AbortSignal,
): Promise<void> {
  let done = 0
  while (done < source.length) {
    const piece = Math.min(source.length - done, WRITE_PIECE)
    const count = await writeOnce(fd, source, done, piece, offset + done)
    // Nothing written and no error either: no system does that for files, and it must not loop.
    if (count === 0) throw Object.assign(new Error('the system wrote nothing'), { code: 'EIO' })
    done += count
    if (done < source.length) throwIfAborted(signal, 'write')
  }
}

const ZEROES_PIECE = 1024 * 1024

/** Writes zeroes over the range. */
export async function writeZeroes(
  fd: number,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<void> {
  const zeroes = new Uint8Array(Math.min(length, ZEROES_PIECE))
  for (let done = 0; done < length; ) {
    throwIfAborted(signal, 'zero')
    const piece = Math.min(length - done, zeroes.length)
    await writeFully(fd, zeroes.subarray(0, piece), offset + done)
    done += piece
  }
}

function readOnce(
  fd: number,
  target: Uint8Array,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    readCallback(fd, target, at, length, position, (error, count) => {
      if (error) reject(error)
      else resolve(count)
    })
  })
}

function writeOnce(
  fd: number,
  source: Uint8Array,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    writeCallback(fd, source, at, length, position, (error, count) => {
      if (error) reject(error)
      else resolve(count)
    })
  })
}
